"""A number and its noun agree, and ordinal numbers have their endings."""

import pytest

from readwatch.domain.plural import counted, ordinal


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (1234, "1,234 rows")]
)
def test_the_noun_is_singular_for_one_and_plural_otherwise(number, text):
    assert counted(number, "row") == text


def test_a_plural_without_s_is_named():
    assert counted(1, "entry", "entries") == "1 entry"
    assert counted(2, "entry", "entries") == "2 entries"


@pytest.mark.parametrize(
    ("number", "text"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (21, "21st"), (112, "112th")],
)
def test_an_ordinal_number_ends_as_it_is_said(number, text):
    assert ordinal(number) == text
