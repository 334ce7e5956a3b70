"""Where the log is cut, and what the engine refuses."""

from datetime import timedelta

import pytest
from conftest import Cast, Connections

from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.audit_chain import Anchor, Head
from readwatch.domain.audit_cuts import details_of_cut
from readwatch.domain.clock import system_clock
from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.store.audit.cuts import (
    delete_before,
    newest_cut,
    place_of_cut,
    record_cut,
    removable,
)
from readwatch.store.audit.heads import current_head
from readwatch.store.audit.log import log_event
from readwatch.store.engine.connections import Database, is_sqlite
from readwatch.store.engine.privileges import Role

DAY = timedelta(days=1)


@pytest.fixture
def purging(connected: Connections) -> Database:
    return connected(Role.PURGE)


def append(db: Database, cast: Cast, *days_ago: float) -> list[Head]:
    """Append an entry for each age in days, and return the head after each."""
    heads = []
    for days in days_ago:
        event = AuditEvent(cast.cara.id, AuditAction.VIEWED_READER_PROFILE, cast.ann.id)
        log_event(db, event, system_clock() - days * DAY)
        heads.append(current_head(db))
    return heads


def cut_at(db: Database, cast: Cast, head: Head) -> None:
    details = f"{details_of_cut(head)}, no copy"
    event = AuditEvent(cast.dora.id, AuditAction.CUT_ACCESS_LOG, details=details)
    record_cut(db, head, event, system_clock())


def place(db: Database, *anchors: Anchor) -> Head | None:
    return place_of_cut(db, system_clock() - 365 * DAY, anchors)


def test_an_empty_or_a_young_log_is_not_cut(purging: Database, cast: Cast) -> None:
    assert place(purging) is None
    append(purging, cast, 300, 1)
    assert place(purging) is None


def test_the_cut_is_at_the_last_old_entry(purging: Database, cast: Cast) -> None:
    _, last, _ = append(purging, cast, 400, 370, 300)
    assert place(purging) == last


def test_the_whole_log_can_be_old(purging: Database, cast: Cast) -> None:
    *_, last = append(purging, cast, 400, 370)
    assert place(purging) == last


def test_an_entry_of_a_wrong_clock_keeps_those_after_it(purging: Database, cast: Cast) -> None:
    first, _, _, _ = append(purging, cast, 400, -1000, 390, 1)
    assert place(purging) == first


def test_an_anchor_is_taken_if_it_is_near_and_right(purging: Database, cast: Cast) -> None:
    far, near, last, _ = append(purging, cast, 400, 370, 369, 1)
    at = system_clock()
    assert place(purging, Anchor(at, far), Anchor(at, near)) == near
    assert place(purging, Anchor(at, far)) == last
    assert place(purging, Anchor(at, Head(2, near.id, "f" * 64))) == last


def test_a_second_cut_counts_what_the_first_one_has_removed(purging: Database, cast: Cast) -> None:
    first, second, _ = append(purging, cast, 400, 370, 1)
    cut_at(purging, cast, first)
    cut = newest_cut(purging)
    assert cut is not None
    assert place(purging) == second, "before and after the entries are deleted"
    assert sum(delete_before(purging, cut)) == 1
    assert place(purging) == second
    assert [[row[0] for row in chunk] for chunk in removable(purging, second)] == [[2]]


def test_the_engine_refuses_a_cut_of_young_entries_and_nothing_is_logged(
    purging: Database, cast: Cast
) -> None:
    _, young, last = append(purging, cast, 400, 60, 1)
    with pytest.raises(ReadwatchError, match="the database refuses the cut") as refusal:
        cut_at(purging, cast, young)
    assert refusal.value.kind is ErrorKind.CONFLICT
    assert newest_cut(purging) is None
    assert current_head(purging) == last


@pytest.mark.parametrize(
    "head", [Head(2, 2, "f" * 64), Head(9, 9, "f" * 64)], ids=["other hash", "missing"]
)
def test_entries_that_are_no_chain_up_to_the_cut_are_not_copied(
    head: Head, purging: Database, cast: Cast
) -> None:
    append(purging, cast, 400, 370, 1)
    with pytest.raises(ReadwatchError, match="of the access log"):
        list(removable(purging, head))


def test_a_changed_entry_is_not_copied(purging: Database, db: Database, cast: Cast) -> None:
    _, last, _ = append(purging, cast, 400, 370, 1)
    where = "" if is_sqlite(db) else " ON consultant_access_log"
    db.execute_sql(f"DROP TRIGGER consultant_access_log_keeps_values{where}")
    db.execute_sql("UPDATE consultant_access_log SET ip_address = '10.0.0.1' WHERE id = 2")
    with pytest.raises(ReadwatchError, match="entry 2 of the access log does not follow"):
        list(removable(purging, last))
