"""Numbers as values of options, and errors that say in plain words which numbers are accepted."""

from typing import Any

import click


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
