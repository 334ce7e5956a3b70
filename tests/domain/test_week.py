"""A week: its names, its days by the calendar of the machine, and its figures."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from readwatch.domain.errors import ReadwatchError
from readwatch.domain.week import Week, a_week_earlier, parsed_week, totals, week_of


@pytest.mark.parametrize(
    ("text", "monday", "name"),
    [
        ("2026-W48", date(2026, 11, 23), "2026-W48"),
        ("2026-11-23", date(2026, 11, 23), "2026-W48"),
        ("2026-11-29", date(2026, 11, 23), "2026-W48"),
        ("2026-W53", date(2026, 12, 28), "2026-W53"),
        ("2027-01-03", date(2026, 12, 28), "2026-W53"),
        ("2024-12-30", date(2024, 12, 30), "2025-W01"),
    ],
)
def test_a_week_is_named_by_its_number_or_by_a_date_in_it(
    text: str, monday: date, name: str
) -> None:
    week = parsed_week(text)
    assert (week.monday, str(week)) == (monday, name)
    assert parsed_week(name) == week


@pytest.mark.parametrize(
    "text",
    [
        *("", "48", "2026-48", "2026-W54", "2025-W53", "2026-W00", "2026-02-30", "2026-W48-1"),
        *("monday", "0001-W01", "0001-01-08", "9999-W52", "٢٠٢٦-W48"),
    ],
)
def test_any_other_text_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ReadwatchError, match="neither a week such as 2026-W48 nor a date such as"):
        parsed_week(text)


def test_a_week_has_seven_days_from_monday_and_the_next_one_follows(
    zone: Callable[[str], None],
) -> None:
    zone("UTC")
    week = week_of(date(2026, 11, 26))
    assert week.days[0] == date(2026, 11, 23)
    assert week.days[-1] == date(2026, 11, 29)
    assert week.starts[0] == datetime(2026, 11, 23, tzinfo=UTC)
    assert week.end == datetime(2026, 11, 30, tzinfo=UTC)
    assert week.before == Week(date(2026, 11, 16))
    assert week.before.end == week.starts[0]


@pytest.mark.parametrize(("monday", "hours"), [(date(2026, 3, 23), 23), (date(2026, 10, 19), 25)])
def test_a_day_on_which_the_clocks_change_is_shorter_or_longer(
    zone: Callable[[str], None], monday: date, hours: int
) -> None:
    zone("Europe/Vienna")
    week = Week(monday)
    ends = (*week.starts[1:], week.end)
    lengths = [end - start for start, end in zip(week.starts, ends, strict=True)]
    assert lengths == [*[timedelta(hours=24)] * 6, timedelta(hours=hours)]


def test_a_week_earlier_is_the_same_time_of_day_also_across_a_change_of_the_clocks(
    zone: Callable[[str], None],
) -> None:
    zone("Europe/Vienna")
    at = datetime(2026, 3, 30, 8, 30, tzinfo=UTC)  # half past ten in summer time
    assert a_week_earlier(at) == datetime(2026, 3, 23, 9, 30, tzinfo=UTC)


def test_totals_are_of_those_who_have_read() -> None:
    assert totals([], 0).median_seconds == 0
    figures = totals([600, 0, 120, 60], 2)
    assert (figures.readers, figures.seconds, figures.median_seconds) == (4, 780, 90)
    assert figures.finished == 2
