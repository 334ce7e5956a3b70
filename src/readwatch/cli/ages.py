"""Ages as values of options."""

import re
from datetime import timedelta
from typing import Any

import click

_DAYS = {"d": 1, "w": 7, "m": 30, "y": 365}


class Age(click.ParamType[timedelta]):
    """An age such as `90d`, `12w`, `6m` or `1y`: a month has 30 days, a year 365."""

    name = "age"

    def __init__(self, least: timedelta = timedelta(days=1)) -> None:
        self._least = least

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> timedelta:
        """Return the age."""
        if isinstance(value, timedelta):
            return value
        parts = re.fullmatch(r"(\d{1,5})([dwmy])", value, re.ASCII)
        if parts is None:
            self.fail(f"{value!r} is not an age such as 90d, 12w, 6m or 1y", param, ctx)
        try:
            age = timedelta(days=int(parts[1]) * _DAYS[parts[2]])
        except OverflowError:
            self.fail(f"{value!r} is out of range", param, ctx)
        if age < self._least:
            self.fail(f"{value!r} is too young; at least {self._least.days}d", param, ctx)
        if age > _LONGEST:
            self.fail(f"{value!r} is out of range", param, ctx)
        return age


_LONGEST = timedelta(days=365 * 1000)
