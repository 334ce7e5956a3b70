"""How often pictures are taken: as seldom as they cost, and not more seldom than presence needs."""

from datetime import timedelta

import pytest

from readwatch.monitor import refresh_policy
from readwatch.monitor.refresh_policy import RefreshPolicy

REFRESH = timedelta(seconds=0.6)


class Uptime:
    """Stands still between two calls."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def uptime(monkeypatch: pytest.MonkeyPatch) -> Uptime:
    stopped = Uptime()
    monkeypatch.setattr(refresh_policy, "uptime", stopped)
    monkeypatch.setattr(refresh_policy, "PAUSE_FACTOR", 40)
    return stopped


@pytest.mark.parametrize(
    ("work_ms", "rest_seconds"), [(0, 0.6), (15, 0.6), (50, 2), (250, 10), (60_000, 10)]
)
def test_a_more_expensive_snapshot_is_followed_by_a_longer_pause_within_bounds(
    work_ms: int, rest_seconds: float, uptime: Uptime
) -> None:
    watched = RefreshPolicy(REFRESH)
    watched.begin(1)
    rest = watched.pause(timedelta(milliseconds=work_ms))
    assert rest == timedelta(seconds=rest_seconds)
    uptime.seconds += rest_seconds - 0.01
    assert not watched.is_due(2)
    uptime.seconds += 0.02
    assert watched.is_due(2)


def test_what_is_asked_for_to_be_slow_is_as_slow(uptime: Uptime) -> None:
    assert RefreshPolicy(timedelta(minutes=1)).pause(timedelta(0)) == timedelta(minutes=1)


def test_an_unchanged_database_is_due_when_presence_may_have_changed(uptime: Uptime) -> None:
    watched = RefreshPolicy(REFRESH)
    watched.begin(1)
    watched.pause(timedelta(0))
    uptime.seconds += 4.9
    assert not watched.is_due(1)
    assert watched.is_due(2)
    assert watched.is_due(None), "where there is no such number, each moment may bring something"
    uptime.seconds += 0.2
    assert watched.is_due(1)


def test_what_is_forgotten_is_new(uptime: Uptime) -> None:
    watched = RefreshPolicy(REFRESH)
    watched.begin(1)
    watched.pause(timedelta(0))
    uptime.seconds += 1
    assert not watched.is_due(1)
    watched.reset()
    assert watched.is_due(1)
