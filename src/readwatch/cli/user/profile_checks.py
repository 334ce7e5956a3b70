"""Checks of the values of a reader's profile; each returns a valid value unchanged."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from readwatch.domain.errors import invalid
from readwatch.domain.text import clean


def check_profile(reading_level: str | None, language: str | None, timezone: str | None) -> None:
    """Refuse values that the profile's columns cannot hold, and unknown time zones; accept None."""
    for value, check in (
        (reading_level, check_reading_level),
        (language, check_language),
        (timezone, check_timezone),
    ):
        if value is not None:
            check(value)


def check_reading_level(reading_level: str) -> str:
    """Refuse a reading level that its column cannot hold."""
    return _short(reading_level, "reading level", 50)


def check_language(language: str) -> str:
    """Refuse a language that its column cannot hold."""
    return _short(language, "language", 10)


def check_timezone(timezone: str) -> str:
    """Refuse an unknown time zone."""
    try:
        if timezone != "UTC":  # works also if the machine has no list of time zones
            ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise invalid("unknown time zone; use a name such as Europe/Vienna") from None
    return timezone


def _short(value: str, noun: str, max_length: int) -> str:
    if len(value) > max_length or clean(value) != value:
        raise invalid(f"the {noun} must have at most {max_length} printable characters")
    return value
