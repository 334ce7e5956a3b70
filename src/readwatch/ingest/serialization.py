"""Records as the API shows them: fields named as the columns, moments in RFC 3339."""

from dataclasses import fields
from datetime import datetime
from typing import Any


def serialize(record: Any) -> Any:
    """Return what JSON can say of a record of the domain, or of a moment."""
    if isinstance(record, datetime):
        return record.isoformat()
    return {field.name: getattr(record, field.name) for field in fields(record)}
