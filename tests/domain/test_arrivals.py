"""Whether posts still arrive: a service that died, a quiet night, and readers who leave in turn."""

from dataclasses import replace
from datetime import timedelta

from conftest import NOON

from readwatch.domain.arrivals import NO_ARRIVALS, Arrivals, Heartbeats, Stop, arrivals_after
from readwatch.domain.presence import SILENT_AFTER

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
LATER = NOON + 4 * MINUTE
SILENT = Heartbeats(newest=NOON, silent_since=NOON, together=30, earlier=1)
"""Four minutes after the service of 30 readers has died at noon."""


def stop_of(heartbeats: Heartbeats, before: Arrivals = NO_ARRIVALS) -> Stop | None:
    return arrivals_after(before, heartbeats, LATER).stop


def test_all_readers_who_fall_silent_within_one_interval_of_heartbeats_are_a_stop() -> None:
    arrivals = arrivals_after(NO_ARRIVALS, SILENT, LATER)
    assert arrivals == Arrivals(NOON, Stop(NOON, 30), None)
    assert arrivals.silent_for(LATER) == 4 * MINUTE


def test_nobody_online_is_no_stop_however_long_it_lasts() -> None:
    night = arrivals_after(NO_ARRIVALS, Heartbeats(), LATER + 600 * MINUTE)
    assert night == NO_ARRIVALS
    assert night.silent_for(LATER) is None


def test_nearly_all_are_nine_of_ten() -> None:
    assert stop_of(replace(SILENT, later=3))
    assert not stop_of(replace(SILENT, later=4))


def test_few_readers_are_a_coincidence() -> None:
    assert stop_of(replace(SILENT, together=5))
    assert not stop_of(replace(SILENT, together=4))


def test_readers_who_leave_one_after_the_other_are_no_stop() -> None:
    assert stop_of(replace(SILENT, earlier=7))
    assert not stop_of(replace(SILENT, earlier=8)), "8 of the 38 who were online left before"


def test_while_some_posts_arrive_the_header_does_not_say_that_none_do() -> None:
    some = arrivals_after(NO_ARRIVALS, replace(SILENT, newest=LATER, later=3), LATER)
    assert some.stop is not None
    assert some.silent_for(LATER) is None


def test_no_post_is_overdue_as_early_as_a_heartbeat_is() -> None:
    stopped = arrivals_after(NO_ARRIVALS, SILENT, LATER)
    assert stopped.silent_for(NOON + SILENT_AFTER - SECOND) is None
    assert stopped.silent_for(NOON + SILENT_AFTER) == SILENT_AFTER


def test_a_stop_goes_on_until_half_of_the_readers_are_back() -> None:
    stopped = arrivals_after(NO_ARRIVALS, SILENT, LATER)
    few = Heartbeats(newest=LATER, still_silent=16, on_time=14)
    assert stop_of(few, stopped) == Stop(NOON, 30)
    half = replace(few, still_silent=15, on_time=15)
    assert arrivals_after(stopped, half, LATER) == Arrivals(LATER, None, resumed_at=LATER)


def test_a_stop_ends_with_the_sessions_of_its_readers() -> None:
    stopped = arrivals_after(NO_ARRIVALS, SILENT, LATER)
    few = Heartbeats(newest=LATER, still_silent=15)
    assert stop_of(few, stopped) == Stop(NOON, 30)
    fewer = replace(few, still_silent=14)
    assert arrivals_after(stopped, fewer, LATER) == Arrivals(LATER, None, resumed_at=LATER)


def test_the_time_at_which_posts_resumed_is_remembered() -> None:
    resumed = Arrivals(LATER, None, resumed_at=LATER)
    normal = Heartbeats(newest=LATER + MINUTE, silent_since=LATER, together=1, later=30)
    assert arrivals_after(resumed, normal, LATER + MINUTE).resumed_at == LATER
