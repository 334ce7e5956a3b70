"""The types of options: numbers, ages, times and roles, each with an error in plain words."""

import re
from datetime import date, datetime
from typing import Any

import click

from readwatch.domain.ages import Age, parsed_age
from readwatch.domain.clock import in_utc, start_of_local_day
from readwatch.domain.errors import ReadwatchError
from readwatch.domain.users import UserRole

ROLE = click.Choice([str(role) for role in UserRole])


class WholeNumber(click.IntRange):
    """A whole number, within bounds if there are any."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number; otherwise name the numbers that are accepted."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"{value!r} is not a whole number{_bounds(self)}", param, ctx)


class Number(click.FloatRange):
    """A number, within bounds if there are any."""

    name = "number"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number; otherwise name the numbers that are accepted."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"{value!r} is not a number{_bounds(self)}", param, ctx)


def _bounds(numbers: WholeNumber | Number) -> str:
    if numbers.min is not None and numbers.max is not None:
        return f" from {numbers.min} to {numbers.max}"
    if numbers.min is not None:
        return f" of at least {numbers.min}"
    return "" if numbers.max is None else f" of at most {numbers.max}"


class AgeType(click.ParamType[Age]):
    """An age of rows: years, months, weeks or days."""

    name = "age"

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Age:
        """Return the age; otherwise say how it is written."""
        if isinstance(value, Age):
            return value
        try:
            return parsed_age(value)
        except ReadwatchError as error:
            self.fail(error.message, param, ctx)


AGE = AgeType()


class Time(click.ParamType[datetime]):
    """A date, which stands for its start in the time zone of this machine, or a time with a zone,
    in RFC 3339."""

    name = "time"

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> datetime:
        """Return the time in UTC."""
        if isinstance(value, datetime):
            return value
        try:
            if re.fullmatch(r"\d{4}-\d\d-\d\d", value):
                return in_utc(start_of_local_day(date.fromisoformat(value)))
            at = datetime.fromisoformat(value)
        except (ValueError, OverflowError):
            self.fail(
                f"{value!r} is neither a date such as 2026-11-01 nor a time such as "
                "2026-11-01T08:00:00Z",
                param,
                ctx,
            )
        if at.tzinfo is None:
            self.fail(f"{value!r} has no time zone; add Z for UTC, or +01:00", param, ctx)
        try:
            return in_utc(at)
        except OverflowError:
            self.fail(f"{value!r} is out of range", param, ctx)


TIME = Time()
