"""What a new reader's profile may say."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from readwatch.domain.errors import invalid
from readwatch.domain.text import clean


def check_profile(reading_level: str | None, language: str, timezone: str) -> None:
    """Refuse what the profile's columns cannot keep, and a time zone that nobody knows."""
    for field, value, longest in (
        ("reading level", reading_level or "", 50),
        ("language", language, 10),
    ):
        if len(value) > longest or clean(value) != value:
            raise invalid(f"a {field} has at most {longest} printable characters")
    try:
        if timezone != "UTC":  # known also where the machine has no list of zones
            ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise invalid("this machine knows no such time zone; name one as Europe/Vienna") from None
