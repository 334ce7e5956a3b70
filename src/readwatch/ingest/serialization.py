"""Records as JSON of the API: members have the names of the columns, times are RFC 3339."""

from dataclasses import fields
from datetime import datetime
from typing import Any


def serialize(value: Any) -> Any:
    """Return a record of the domain as a dictionary, or a time as text, for JSON."""
    if isinstance(value, datetime):
        return value.isoformat()
    return {field.name: getattr(value, field.name) for field in fields(value)}
