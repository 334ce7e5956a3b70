"""What a loaded service tells readers' apps."""

import pytest
from hypothesis import given
from hypothesis.strategies import floats

from readwatch.domain.load_shedding import (
    NOT_READY_AT,
    SHED_HEARTBEATS_AT,
    heartbeat_retry_seconds,
    heartbeat_seconds,
    load_of,
    pressure,
    retry_seconds,
)
from readwatch.domain.presence import SILENT_AFTER

SHARES = floats(0, 1)


@pytest.mark.parametrize(
    ("waiting", "stuck_seconds", "load"),
    [(0, 0, 0), (50, 0, 0.5), (0, 1.5, 0.5), (25, 1.5, 0.5), (100, 0, 1), (0, 60, 1)],
)
def test_the_load_is_what_is_nearer_to_its_limit(
    waiting: int, stuck_seconds: float, load: float
) -> None:
    assert load_of(waiting, 100, stuck_seconds, 3) == load


def test_heartbeats_go_first_then_readiness_and_activities_last() -> None:
    assert 0 < SHED_HEARTBEATS_AT < NOT_READY_AT < 1


@pytest.mark.parametrize(
    ("load", "busy", "spread_by"), [(0, 0.5, 0), (0, 0.75, 0.5), (0, 1, 1), (0.8, 0.75, 0.8)]
)
def test_heartbeats_come_less_often_before_any_is_refused(
    load: float, busy: float, spread_by: float
) -> None:
    assert pressure(load, busy) == spread_by


@given(SHARES, SHARES)
def test_a_heartbeat_is_asked_for_every_60_to_120_seconds(load: float, chance: float) -> None:
    assert 60 <= heartbeat_seconds(load, chance) <= 120


@given(SHARES, SHARES, SHARES)
def test_the_more_load_the_later(load: float, more: float, chance: float) -> None:
    low, high = sorted((load, more))
    assert heartbeat_seconds(low, chance) <= heartbeat_seconds(high, chance)


@pytest.mark.parametrize("rule", [lambda chance: heartbeat_seconds(1, chance), retry_seconds])
def test_no_two_apps_march_in_step(rule) -> None:
    assert len({rule(step / 100) for step in range(100)}) >= 10


@given(SHARES)
def test_a_reader_whose_heartbeat_was_shed_once_is_not_silent(chance: float) -> None:
    assert heartbeat_seconds(1, chance) + heartbeat_retry_seconds(chance) <= (
        SILENT_AFTER.total_seconds()
    )
