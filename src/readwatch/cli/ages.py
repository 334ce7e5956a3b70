"""Ages as values of options."""

from typing import Any

import click

from readwatch.domain.ages import Age, parsed_age
from readwatch.domain.errors import ReadwatchError


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
