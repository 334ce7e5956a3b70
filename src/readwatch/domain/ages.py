"""Ages of rows, as an admin writes them: `1y`, `18mo`, `12w`, `90d`."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime, timedelta

from readwatch.domain.errors import invalid
from readwatch.domain.plural import counted

_AGE = re.compile(r"(\d{1,5})(d|w|mo|y)", re.ASCII)
_MONTHS_A_YEAR = 12
_DAYS_A_WEEK = 7


@dataclass(frozen=True, slots=True)
class Age:
    """A number of months of the calendar, or of days."""

    months: int = 0
    days: int = 0

    def __str__(self) -> str:
        """Return it as it is written, in the largest unit: `1y`."""
        for number, length, unit in (
            (self.months, _MONTHS_A_YEAR, "y"),
            (self.months, 1, "mo"),
            (self.days, _DAYS_A_WEEK, "w"),
        ):
            if number and number % length == 0:
                return f"{number // length}{unit}"
        return f"{self.days}d"

    def before(self, now: datetime) -> datetime:
        """Return the time that was so long ago, at the same time of day.

        A day that its month lacks becomes the last one of the month. OverflowError if there was no
        such time.
        """
        year, month = divmod(now.year * _MONTHS_A_YEAR + now.month - 1 - self.months, 12)
        if year < 1:
            raise OverflowError(f"{self} ago there were no dates")
        day = min(now.day, monthrange(year, month + 1)[1])
        return now.replace(year=year, month=month + 1, day=day) - timedelta(days=self.days)


def parsed_age(text: str) -> Age:
    """Return the age of `1y`, `18mo`, `12w` or `90d`; refuse another text."""
    match = _AGE.fullmatch(text.strip())
    if match is None or not int(match[1]):
        raise invalid(f"{text!r} is not an age such as 1y, 18mo, 12w or 90d")
    number, unit = int(match[1]), match[2]
    if unit in ("y", "mo"):
        return Age(months=number * (_MONTHS_A_YEAR if unit == "y" else 1))
    return Age(days=number * (_DAYS_A_WEEK if unit == "w" else 1))


def cutoff(age: Age, now: datetime, *, at_least_days: int, reason: str) -> datetime:
    """Return the time before which rows have this age; refuse an age that is too short.

    `reason` ends the error, for example "the console shows twelve weeks".
    """
    try:
        before = age.before(now)
    except OverflowError:
        raise invalid(f"{age} is longer ago than there are dates") from None
    if now - before < timedelta(days=at_least_days):
        raise invalid(f"{age} is too short: at least {counted(at_least_days, 'day')}; {reason}")
    return before
