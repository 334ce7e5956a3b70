"""Checks of a new reader's profile."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from readwatch.domain.errors import invalid
from readwatch.domain.text import clean


def check_profile(reading_level: str | None, language: str, timezone: str) -> None:
    """Refuse values that the profile's columns cannot hold, and unknown time zones."""
    for field, value, max_length in (
        ("reading level", reading_level or "", 50),
        ("language", language, 10),
    ):
        if len(value) > max_length or clean(value) != value:
            raise invalid(f"the {field} must have at most {max_length} printable characters")
    try:
        if timezone != "UTC":  # works also if the machine has no list of time zones
            ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise invalid("unknown time zone; use a name such as Europe/Vienna") from None
