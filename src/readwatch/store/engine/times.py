"""Times as the database stores them: UTC, with milliseconds, as text of a fixed width."""

from datetime import UTC, datetime

from readwatch.domain.clock import in_utc, rfc3339


def to_db_time(at: datetime) -> str:
    """Return a time as text for both engines: UTC, fixed width, milliseconds."""
    return in_utc(at).isoformat(sep=" ", timespec="milliseconds")[:23]


def from_db_time(value: str | datetime) -> datetime:
    """Return a stored time in UTC: the value is text on SQLite, a datetime on PostgreSQL."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return datetime.fromisoformat(f"{value}+00:00")  # replacing tzinfo takes nine times as long


def from_db_time_or_none(value: str | datetime | None) -> datetime | None:
    """Return a stored time as `from_db_time` does; None for NULL."""
    return None if value is None else from_db_time(value)


def rfc3339_or_none(value: str | datetime | None) -> str | None:
    """Return a stored time as RFC 3339 in UTC, always with milliseconds; None for NULL."""
    if value is None:
        return None
    if isinstance(value, datetime):
        return rfc3339(value.astimezone(UTC))
    return f"{value[:10]}T{value[11:]}+00:00"
