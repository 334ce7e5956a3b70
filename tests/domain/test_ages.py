"""Ages as an admin writes them, by the calendar."""

from datetime import UTC, datetime

import pytest

from readwatch.domain.ages import Age, cutoff, parsed_age
from readwatch.domain.errors import ReadwatchError

NOW = datetime(2028, 2, 29, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "before"),
    [
        ("1y", datetime(2027, 2, 28, 12, tzinfo=UTC)),
        ("4y", datetime(2024, 2, 29, 12, tzinfo=UTC)),
        ("18mo", datetime(2026, 8, 29, 12, tzinfo=UTC)),
        ("2mo", datetime(2027, 12, 29, 12, tzinfo=UTC)),
        ("12w", datetime(2027, 12, 7, 12, tzinfo=UTC)),
        (" 90d ", datetime(2027, 12, 1, 12, tzinfo=UTC)),
    ],
)
def test_an_age_is_counted_back_by_the_calendar(text: str, before: datetime) -> None:
    assert parsed_age(text).before(NOW) == before


@pytest.mark.parametrize("text", ["1y", "18mo", "12w", "90d", "1d"])
def test_an_age_is_shown_as_it_was_written(text: str) -> None:
    assert str(parsed_age(text)) == text


def test_it_is_shown_in_its_largest_unit() -> None:
    assert [str(age) for age in (Age(months=24), Age(months=13), Age(days=14))] == [
        *("2y", "13mo", "2w")
    ]


@pytest.mark.parametrize(
    "text", ["", "y", "1", "0d", "1.5y", "-1y", "1 y", "1m", "99999999y", "٣d"]
)
def test_another_text_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ReadwatchError, match="not an age such as 1y, 18mo, 12w or 90d"):
        parsed_age(text)


def test_an_age_that_is_too_short_is_refused_with_the_reason() -> None:
    assert cutoff(Age(days=90), NOW, at_least_days=90, reason="x") < NOW
    with pytest.raises(ReadwatchError, match="89d is too short: at least 90 days; because"):
        cutoff(Age(days=89), NOW, at_least_days=90, reason="because")
    with pytest.raises(ReadwatchError, match="2mo is too short"):
        cutoff(Age(months=2), NOW, at_least_days=90, reason="because")


@pytest.mark.parametrize("age", [Age(months=99_999), Age(days=99_999 * 7), Age(months=2028 * 12)])
def test_an_age_before_all_dates_is_refused(age: Age) -> None:
    late = datetime(2028, 1, 1, tzinfo=UTC)
    if age.days:
        assert cutoff(Age(days=90), late, at_least_days=90, reason="") < late
    else:
        with pytest.raises(ReadwatchError, match="longer ago than there are dates"):
            cutoff(age, late, at_least_days=90, reason="")
