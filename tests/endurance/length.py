"""The two lengths of a proof: short in each run of the tests, long in `make proof`."""

from typing import Any

import pytest


def short_and_long(names: str, short: Any, long: Any) -> pytest.MarkDecorator:
    """Run a test once with the values of `short`, and once as a proof with those of `long`."""
    return pytest.mark.parametrize(
        names,
        [pytest.param(*as_row(short), id="short"), proof(*as_row(long), id="long")],
    )


def proof(*values: Any, id: str) -> Any:
    return pytest.param(*values, id=id, marks=pytest.mark.proof)


def as_row(values: Any) -> tuple[Any, ...]:
    return values if isinstance(values, tuple) else (values,)
