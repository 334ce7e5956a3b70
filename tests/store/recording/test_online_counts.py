"""The most readers of a day, found from a count a minute."""

from datetime import datetime, timedelta

import pytest

from readwatch.domain.presence import OnlineCount
from readwatch.store.engine.connections import Database, driver_connection
from readwatch.store.engine.privileges import Role
from readwatch.store.recording.online_counts import (
    _PEAK,
    RETENTION,
    add_online_count,
    peak_today,
    purge_online_counts,
)


def peak_readers(db: Database, since: datetime) -> int | None:
    peak = peak_today(db, since)
    return peak.readers if peak else None


@pytest.fixture
def ingest(connected):
    """Counts are kept with the rights of the service."""
    return connected(Role.INGEST)


def test_the_peak_is_the_fullest_minute_since_the_day_began(ingest, connected, clock):
    console, morning = connected(Role.CONSOLE), clock()
    assert peak_today(console, morning) is None
    for readers in (5, 7, 7, 3):
        add_online_count(ingest, readers, clock.advance(minutes=10, seconds=3))
    assert peak_today(console, morning) == OnlineCount(morning + timedelta(minutes=20), 7)
    assert peak_readers(console, morning + timedelta(minutes=35)) == 3
    assert peak_today(console, clock.advance(hours=1)) is None


def test_several_servers_count_a_minute_once(ingest, clock):
    add_online_count(ingest, 5, clock())
    add_online_count(ingest, 9, clock.advance(seconds=59))
    assert peak_readers(ingest, clock() - timedelta(hours=1)) == 5


def test_counts_are_kept_for_longer_than_a_day_has_and_then_forgotten(ingest, clock):
    add_online_count(ingest, 5, clock())
    clock.moment += RETENTION
    assert timedelta(hours=25) < RETENTION
    purge_online_counts(ingest, clock())
    assert peak_today(ingest, clock() - RETENTION) is not None
    purge_online_counts(ingest, clock.advance(minutes=1))
    assert peak_today(ingest, clock() - 2 * RETENTION) is None


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_other_days_are_not_looked_at(db):
    plan = driver_connection(db).execute(f"EXPLAIN QUERY PLAN {_PEAK.text(db)}", {"since": ""})
    assert next(step for *_, step in plan) == "SEARCH t1 USING PRIMARY KEY (minute>?)"
