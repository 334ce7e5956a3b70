"""When something was last logged, however long the log is."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from conftest import NOON, Cast

from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.store.audit import last_entries as module
from readwatch.store.audit.last_entries import LastEntries, last_entries
from readwatch.store.audit.log import log_event
from readwatch.store.engine.connections import Database

CHECKED, BEGUN = AuditAction.CHECKED_BACKUP, AuditAction.BACKED_UP_DATABASE


def add(db: Database, cast: Cast, action: AuditAction, hours: int) -> datetime:
    at = NOON + timedelta(hours=hours)
    log_event(db, AuditEvent(actor_id=cast.dora.id, action_type=action), at)
    return at


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK_IDS", 3)


def test_an_empty_log_has_none(db: Database, cast: Cast) -> None:
    assert last_entries(db, [CHECKED]) == LastEntries()


@pytest.mark.parametrize("entries_after", range(8))
def test_the_newest_entry_of_each_action_is_found_however_far_back(
    db: Database, cast: Cast, entries_after: int
) -> None:
    add(db, cast, BEGUN, 1)
    begun_at = add(db, cast, BEGUN, 2)
    checked_at = add(db, cast, CHECKED, 3)
    for hours in range(entries_after):
        add(db, cast, AuditAction.VIEWED_STATS, 4 + hours)
    found = last_entries(db, [CHECKED, BEGUN, AuditAction.VACUUMED_DATABASE])
    assert found.times == {CHECKED: checked_at, BEGUN: begun_at}


def test_a_later_search_reads_only_what_was_appended_since(
    db: Database, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(db, cast, CHECKED, 1)
    for hours in range(10):
        add(db, cast, BEGUN, 2 + hours)
    before = last_entries(db, [CHECKED])
    searched: list[tuple[int, int]] = []
    newest = module._NEWEST.one_or_none

    class Watched:
        def one_or_none(self, db: Database, *, after: int, up_to: int, **values: Any) -> Any:
            searched.append((after, up_to))
            return newest(db, after=after, up_to=up_to, **values)

    monkeypatch.setattr(module, "_NEWEST", Watched())
    assert last_entries(db, [CHECKED], before) == before
    assert searched == []
    again = add(db, cast, CHECKED, 20)
    assert last_entries(db, [CHECKED], before).times == {CHECKED: again}
    assert searched == [(11, 12)]
