"""How long a reader was there on each day, by the reader's own calendar."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readwatch.domain.reading import Span, days_of_reading, first_day, start_of

MINUTE = timedelta(minutes=1)
# Clocks change at 2 and at 3 o'clock, at midnight, by half an hour, and over the line of the date.
ZONES = [
    ZoneInfo(name)
    for name in (
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "America/Sao_Paulo",
        "Asia/Beirut",
        "Australia/Lord_Howe",
        "Asia/Kathmandu",
        "Pacific/Apia",
    )
]
CHANGES = [
    datetime(2011, 12, 30, 10, tzinfo=UTC),  # Apia leaves a day out
    datetime(2018, 11, 4, 3, tzinfo=UTC),  # São Paulo has no midnight
    datetime(2026, 3, 28, 22, tzinfo=UTC),  # nor has Beirut
    datetime(2026, 3, 29, 1, tzinfo=UTC),
    datetime(2026, 10, 25, 1, tzinfo=UTC),
    datetime(2026, 11, 1, 6, tzinfo=UTC),
]


@st.composite
def spans(draw: st.DrawFn) -> list[Span]:
    """Some hours around a change of clocks."""
    change = draw(st.sampled_from(CHANGES))
    begun = st.integers(-1500, 1500).map(lambda minutes: change + minutes * MINUTE)
    length = st.integers(0, 500).map(lambda minutes: minutes * MINUTE)
    found = draw(st.lists(st.tuples(begun, length), min_size=1, max_size=4))
    return [(start, start + long) for start, long in found]


def minute_by_minute(some: list[Span], zone: ZoneInfo) -> dict[date, int]:
    """The same, slowly."""
    minutes = {start + n * MINUTE for start, end in some for n in range((end - start) // MINUTE)}
    return Counter(minute.astimezone(zone).date() for minute in minutes)


@given(spans(), st.sampled_from(ZONES))
def test_each_minute_counts_once_and_on_the_day_that_the_readers_clock_shows(
    some: list[Span], zone: ZoneInfo
) -> None:
    first = min(start.astimezone(zone).date() for start, _ in some)
    last = max(end.astimezone(zone).date() for _, end in some)
    days = days_of_reading(some, zone, first, last)
    assert {day.day: day.minutes for day in days if day.read} == minute_by_minute(some, zone)
    assert [day.day for day in days] == [
        first + timedelta(days=n) for n in range((last - first).days + 1)
    ]


@given(spans(), st.sampled_from(ZONES), st.randoms(use_true_random=False))
def test_the_order_duplicates_and_overlaps_of_spans_do_not_matter(
    some: list[Span], zone: ZoneInfo, random
) -> None:
    first = min(start for start, _ in some).date()
    last = first + timedelta(days=3)
    told = days_of_reading(some, zone, first, last)
    middles = [(start, start + (end - start) / 2) for start, end in some]
    again = [*some, *middles]
    random.shuffle(again)
    assert days_of_reading(again, zone, first, last) == told


@given(st.sampled_from(ZONES), st.sampled_from(CHANGES))
def test_a_reader_who_never_leaves_reads_each_day_for_as_long_as_it_is(
    zone: ZoneInfo, change: datetime
) -> None:
    first = change.astimezone(zone).date() - timedelta(days=3)
    last = first + timedelta(days=6)
    always = [(change - timedelta(days=30), change + timedelta(days=30))]
    days = days_of_reading(always, zone, first, last)
    starts = [start_of(first + timedelta(days=n), zone) for n in range(8)]
    assert [day.read for day in days] == [end - start for start, end in pairwise(starts)]


def test_a_day_on_which_the_clocks_are_changed_has_its_own_length() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    always = [(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))]
    for day, hours in ((date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 6, 1), 24)):
        assert [found.minutes for found in days_of_reading(always, berlin, day, day)] == [
            hours * 60
        ]


@pytest.mark.parametrize(
    ("today", "first"),
    [
        (date(2026, 11, 22), date(2026, 8, 31)),  # a Sunday
        (date(2026, 11, 23), date(2026, 9, 7)),  # and the Monday after it
    ],
)
def test_twelve_weeks_begin_on_a_monday_and_the_running_one_is_the_last(
    today: date, first: date
) -> None:
    assert first_day(today) == first
    assert first.weekday() == 0
    assert (today - first).days // 7 == 11
