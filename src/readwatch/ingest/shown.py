"""Records as the API shows them: fields named as the columns, moments in RFC 3339."""

from dataclasses import fields
from datetime import datetime
from typing import Any


def shown(record: Any) -> dict[str, Any]:
    """Return a record of the domain as JSON can say it."""
    return {field.name: _value(getattr(record, field.name)) for field in fields(record)}


def _value(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
