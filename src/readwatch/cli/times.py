"""Times as values of options."""

import re
from datetime import date, datetime
from typing import Any

import click

from readwatch.domain.clock import in_utc, start_of_local_day


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
