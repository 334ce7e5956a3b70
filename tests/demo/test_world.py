"""The world of the demo, at the moment at which it begins."""

from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from listed import newest_activities, readers_online
from permits import LIST_ACCESS, ROW_ACCESS
from tui.real_terminal import processes_in

from readwatch.demo.world import WEEKS, world
from readwatch.domain.arrivals import NO_ARRIVALS
from readwatch.domain.attention import DEFAULT_THRESHOLDS, Rule
from readwatch.domain.cases import CaseStatus
from readwatch.domain.clock import system_clock
from readwatch.domain.presence import ONLINE_WINDOW, Presence
from readwatch.monitor.attention import Attention
from readwatch.store.engine.connections import connection, open_database
from readwatch.store.engine.privileges import Role
from readwatch.store.lists.query import ListQuery
from readwatch.store.lists.readers import reader_ids, reader_rows


def test_a_demo_begins_with_something_to_notice_and_weeks_behind_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    now = system_clock()
    with world(120, Random(4), now) as demo:
        assert len(processes_in(tmp_path)) >= 1
        db = open_database(demo.database_url, Role.CONSOLE)
        with connection(db):
            here = readers_online(db, now)
            feed = newest_activities(db, now, 100_000)
            readers = reader_rows(
                db, ROW_ACCESS, reader_ids(db, LIST_ACCESS, ListQuery("full_name"), now).ids, now
            )
            attention = Attention(DEFAULT_THRESHOLDS)
            attention.refresh(db, LIST_ACCESS, now, NO_ARRIVALS)
            ids = attention.ids(db, LIST_ACCESS, ListQuery("reasons"), now).ids
            needy = attention.items(db, ROW_ACCESS, ids, now)
        db.close()
    assert len(here) == 120 // 8
    assert len(demo.awake) == 99  # those who are stuck sleep on
    assert {reason.rule for noticed in needy for reason in noticed.case.reasons} >= {
        *(Rule.FAILED_QUIZ, Rule.IDLE, Rule.NO_PROGRESS)
    }
    assert {item.status for item in needy} == {
        *(CaseStatus.OPEN, CaseStatus.TAKEN, CaseStatus.SNOOZED)
    }, "a colleague has worked on some cases"
    assert {Presence.IDLE, Presence.SILENT} <= {reader.presence_at(now) for reader in here}
    assert all(now - reader.last_heartbeat < ONLINE_WINDOW for reader in here)
    assert len(readers) == 120
    assert sum(reader.total_sessions > 5 for reader in readers) > 100
    assert len(feed) > 5000
    assert all(later.created_at >= earlier.created_at for later, earlier in pairwise(feed))
    assert now - feed[-1].created_at > timedelta(weeks=WEEKS - 1)
    assert list(tmp_path.iterdir()) == []
    assert processes_in(tmp_path) == []
