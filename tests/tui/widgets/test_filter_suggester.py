"""What the filter offers to go on with."""

import pytest

from readwatch.store.lists.online import FILTERABLE_FIELDS
from readwatch.tui.widgets.filter_suggester import completed


@pytest.mark.parametrize(
    ("typed", "whole"),
    [
        ("ti", "title:"),
        ("!de", "!device:"),
        ("ann pro", "ann progress<"),
        ("id", "idle>"),
        ("presence:s", "presence:silent"),
        ("!presence:le", "!presence:leaving"),
        ('"two words" le', '"two words" level:'),
    ],
)
def test_a_name_that_is_begun_is_completed_with_its_usual_comparison(
    typed: str, whole: str
) -> None:
    assert completed(typed, FILTERABLE_FIELDS) == whole


@pytest.mark.parametrize(
    "typed", ["", "t", "dra", "title:s", "book:s", '"two ti', "xti", "TI", "ti "]
)
def test_nothing_else_is(typed: str) -> None:
    assert completed(typed, FILTERABLE_FIELDS) is None
