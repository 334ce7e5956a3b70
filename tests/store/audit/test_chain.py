"""The chain is verified: each change that the owner of the database can make is reported."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from conftest import Cast, StillClock

from readwatch.domain.audit import GENESIS, AuditAction, AuditEvent, entry_hash
from readwatch.domain.audit_chain import Anchor, ChainDefectKind, Head, Verdict
from readwatch.store.audit import chain
from readwatch.store.audit.entries import extent
from readwatch.store.audit.heads import current_head
from readwatch.store.audit.log import append_in_transaction, log_event
from readwatch.store.engine.connections import Database, is_sqlite
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.times import from_db_time, to_db_time

LOG = "consultant_access_log"
CONTENT = "consultant_user_id, action_type, target_user_id, action_details, ip_address, created_at"

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize(
    "engine", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)

SET_COUNTER = {
    True: f"UPDATE sqlite_sequence SET seq = {{}} WHERE name = '{LOG}'",
    False: "UPDATE access_log_counter SET entries = {0}, last_id = {0}",
}
EMPTY_COUNTER = {
    True: f"DELETE FROM sqlite_sequence WHERE name = '{LOG}'",
    False: "UPDATE access_log_counter SET entries = 0, last_id = 0",
}
"""Statements of the owner, by whether the engine is SQLite."""

Forge = Callable[..., None]


def verdict(db: Database, *anchors: Anchor) -> Verdict:
    """Return the verdict of a complete verification."""
    *_, last = chain.verify(db, anchors, extent(db))
    return last


def defect_of(db: Database, *anchors: Anchor) -> tuple[ChainDefectKind, int, str]:
    """Return the kind, the entry and the message of the defect."""
    defect = verdict(db, *anchors).defect
    assert defect is not None
    return defect.kind, defect.id, defect.message


@pytest.fixture(params=[3, 10_000], ids=["chunks of 3", "one chunk"], autouse=True)
def chunk_entries(request, monkeypatch) -> None:
    monkeypatch.setattr(chain, "CHUNK_ENTRIES", request.param)


@pytest.fixture
def forge(db, log) -> Forge:
    """`forge(sql, …)` runs statements as the owner of the tables, without the triggers."""
    if is_sqlite(db):
        for trigger in ("rows", "values", "places", "order"):
            db.execute_sql(f"DROP TRIGGER {LOG}_keeps_{trigger}")
    else:
        db.execute_sql(f"ALTER TABLE {LOG} DISABLE TRIGGER USER")

    def forge(*statements: str) -> None:
        for sql in statements:
            db.execute_sql(sql)

    return forge


def hash_of(db: Database, id_: int) -> str:
    return db.execute_sql(f"SELECT row_hash FROM {LOG} WHERE id = {id_}").fetchone()[0]


def add(db: Database, id_: int, prev_hash: str, row_hash: str | None = None) -> str:
    """Insert a copy of the first entry with another id; without `row_hash` its hash is correct."""
    (content,) = db.execute_sql(f"SELECT {CONTENT} FROM {LOG} ORDER BY id LIMIT 1").fetchall()
    *event, created_at = content
    row_hash = row_hash or entry_hash(
        prev_hash, AuditEvent(*event), to_db_time(from_db_time(created_at))
    )
    db.execute_sql(
        f"INSERT INTO {LOG} (id, {CONTENT}, prev_hash, row_hash) SELECT "
        f"{id_}, {CONTENT}, '{prev_hash}', '{row_hash}' FROM {LOG} ORDER BY id LIMIT 1"
    )
    return row_hash


def append(db: Database, cast: Cast, clock: StillClock, entries: int = 1) -> None:
    """Append entries as a program does, with the trigger that numbers them on PostgreSQL."""
    if not is_sqlite(db):
        db.execute_sql(f"ALTER TABLE {LOG} ENABLE TRIGGER USER")
    for _ in range(entries):
        log_event(db, AuditEvent(cast.cara.id, AuditAction.LOGGED_IN), clock())


def rehash(db: Database, since: int) -> None:
    """Compute the hashes of an entry and of all later ones again."""
    prev_hash = hash_of(db, since - 1)
    rows: list[Any] = db.execute_sql(
        f"SELECT id, {CONTENT} FROM {LOG} WHERE id >= {since} ORDER BY id"
    ).fetchall()
    for id_, *event, created_at in rows:
        row_hash = entry_hash(prev_hash, AuditEvent(*event), to_db_time(from_db_time(created_at)))
        db.execute_sql(
            f"UPDATE {LOG} SET prev_hash = '{prev_hash}', row_hash = '{row_hash}' WHERE id = {id_}"
        )
        prev_hash = row_hash


# Intact -----------------------------------------------------------------------------------------


def test_an_empty_log_is_intact(connected):
    assert verdict(connected(Role.MAINTENANCE)) == Verdict(Head(0, 0, GENESIS))


def test_an_unchanged_log_is_intact_up_to_its_last_entry(log, db):
    assert verdict(log) == Verdict(Head(9, 9, hash_of(db, 9)))


def test_an_entry_that_is_rolled_back_leaves_the_log_intact(log, db, cast, clock):
    with suppress(ZeroDivisionError), db.atomic():
        append_in_transaction(db, AuditEvent(cast.cara.id, AuditAction.LOGGED_IN), clock())
        raise ZeroDivisionError
    assert verdict(log).defect is None
    append(db, cast, clock)
    last = verdict(log)
    assert (last.head.entries, last.head.id, last.defect) == (10, 10, None)


@on_postgresql
def test_an_old_log_with_a_gap_in_its_ids_is_intact(forge, log, db, cast, clock):
    forge(f"UPDATE {LOG} SET id = id + 100 WHERE id > 4")
    forge("UPDATE access_log_counter SET last_id = 109")
    append(db, cast, clock)
    last = verdict(log)
    assert (last.head.entries, last.head.id, last.defect) == (10, 110, None)


def test_entries_appended_during_a_verification_are_left_for_the_next_one(log, db, cast, clock):
    verification = chain.verify(log, (), extent(log))
    verdicts = [next(verification)]
    log_event(db, AuditEvent(cast.dora.id, AuditAction.LISTED_USERS), clock())
    verdicts += verification
    assert (verdicts[-1].head.entries, verdicts[-1].defect) == (9, None)
    assert verdict(log).head.entries == 10


# Defects ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        "consultant_user_id = 4",
        "action_type = 'logged_in'",
        "target_user_id = 2",
        "target_user_id = NULL",
        "action_details = 'nothing'",
        "action_details = NULL",
        "ip_address = '10.0.0.9'",
        "created_at = '2026-11-22 12:00:05.001'",
        f"row_hash = '{GENESIS}'",
        f"prev_hash = '{GENESIS[1:]}1'",
    ],
)
def test_a_changed_column_is_detected(change, forge, log):
    forge(f"UPDATE {LOG} SET {change} WHERE id = 4")
    assert defect_of(log) == (
        *(ChainDefectKind.CHANGED, 4),
        "entry 4 was changed: its content does not give its hash",
    )
    assert verdict(log).head.id == 3


@on_sqlite
@pytest.mark.parametrize(
    "change",
    [
        "action_details = CAST(action_details AS BLOB)",
        "action_details = CAST(x'ff' AS TEXT)",
        "created_at = 5",
        "prev_hash = x'00'",
    ],
)
def test_a_value_that_only_sqlite_can_store_is_detected(change, forge, log):
    forge(f"UPDATE {LOG} SET {change} WHERE id = 4")
    assert defect_of(log)[:2] == (ChainDefectKind.CHANGED, 4)


@on_postgresql
@pytest.mark.parametrize(
    "created_at",
    ["created_at + interval '1 microsecond'", "'infinity'", "'2026-11-22 12:00:04 BC'"],
)
def test_a_time_that_only_postgresql_can_store_is_detected(created_at, forge, log):
    forge(f"UPDATE {LOG} SET created_at = {created_at} WHERE id = 4")
    assert defect_of(log)[:2] == (ChainDefectKind.CHANGED, 4)


def test_two_entries_with_swapped_details_are_detected(forge, log):
    forge(
        f"UPDATE {LOG} SET action_details = CASE id WHEN 4 THEN 'Büro 6' ELSE 'Büro 4' END "
        "WHERE id IN (4, 6)"
    )
    assert defect_of(log)[:2] == (ChainDefectKind.CHANGED, 4)


def test_two_entries_with_swapped_ids_are_detected(forge, log):
    forge(*(f"UPDATE {LOG} SET id = {new} WHERE id = {old}" for old, new in ((4, 99), (5, 4))))
    forge(f"UPDATE {LOG} SET id = 5 WHERE id = 99")
    assert defect_of(log) == (
        *(ChainDefectKind.REORDERED, 4),
        "entry 4 was moved: it belongs after entry 5",
    )


def test_an_entry_that_was_moved_to_the_end_is_detected(forge, log):
    forge(f"UPDATE {LOG} SET id = 40 WHERE id = 4")
    assert defect_of(log)[:2] == (ChainDefectKind.REORDERED, 5)


def test_removed_entries_are_detected(forge, log):
    forge(f"DELETE FROM {LOG} WHERE id IN (4, 5)")
    assert defect_of(log) == (
        *(ChainDefectKind.REMOVED, 3),
        "an entry between 3 and 6 was removed: they do not follow one another",
    )


def test_removed_first_entries_are_detected(forge, log):
    forge(f"DELETE FROM {LOG} WHERE id < 3")
    assert defect_of(log) == (
        *(ChainDefectKind.REMOVED, 3),
        "the entries before entry 3 were removed: it is not the first",
    )


def test_a_forged_entry_with_the_id_of_another_is_detected(forge, log, db):
    forge(f"DELETE FROM {LOG} WHERE id = 4")
    add(db, 4, hash_of(db, 3))
    assert defect_of(log) == (
        *(ChainDefectKind.CHANGED, 4),
        "entry 4 was changed together with its hash, or the next one was removed: "
        "entry 5 follows another hash",
    )


@pytest.mark.parametrize("row_hash", [None, "f" * 64], ids=["fitting hash", "any hash"])
def test_a_forged_entry_before_the_first_is_detected(row_hash, forge, log, db):
    add(db, -7, "e" * 64, row_hash)
    assert defect_of(log) == (
        *(ChainDefectKind.INSERTED, -7),
        "entry -7 was inserted: entry 1 is the first one",
    )


def test_a_forged_entry_between_two_is_detected(forge, log, db):
    forge(f"UPDATE {LOG} SET id = id + 100 WHERE id > 4")
    add(db, 50, "e" * 64)
    assert defect_of(log) == (
        *(ChainDefectKind.INSERTED, 50),
        "entry 50 was inserted: entry 105 follows entry 4",
    )


def test_a_forged_entry_with_the_right_previous_hash_is_detected_without_the_index(forge, log, db):
    forge("DROP INDEX idx_consultant_log_prev_hash", f"UPDATE {LOG} SET id = id + 100 WHERE id > 4")
    add(db, 50, hash_of(db, 4))
    assert defect_of(log) == (
        *(ChainDefectKind.INSERTED, 50),
        "entry 50 was inserted: entry 105 follows entry 4",
    )


@pytest.mark.parametrize("last", [6, 0])
def test_removed_last_entries_are_detected_by_the_ids_that_the_engine_has_given(last, forge, log):
    forge(f"DELETE FROM {LOG} WHERE id > {last}")
    kind, id_, message = defect_of(log)
    assert (kind, id_) == (ChainDefectKind.CUT_OFF, last)
    assert message.startswith(
        f"the log was cut off after entry {last}: the database has numbered entries up to 9"
    )


@pytest.mark.parametrize(
    ("last", "removed"), [(6, "entries after entry 6"), (0, "the first entries")]
)
def test_removed_last_entries_are_detected_also_after_others_were_appended(
    last, removed, forge, log, db, cast, clock
):
    forge(f"DELETE FROM {LOG} WHERE id > {last}")
    append(db, cast, clock, 2)
    assert defect_of(log) == (
        *(ChainDefectKind.REMOVED, last),
        f"{removed} were removed before others were appended: "
        f"the log has {last + 2} entries, and the database has numbered 11",
    )


@on_postgresql
def test_the_last_gap_is_the_one_of_a_removal(forge, log, db, cast, clock):
    forge(f"UPDATE {LOG} SET id = id + 100 WHERE id > 4")
    forge("UPDATE access_log_counter SET last_id = 109", f"DELETE FROM {LOG} WHERE id > 107")
    append(db, cast, clock)
    assert defect_of(log)[:2] == (ChainDefectKind.REMOVED, 107)


def test_entries_appended_during_a_verification_hide_no_removal(forge, log, db, cast, clock):
    forge(f"DELETE FROM {LOG} WHERE id > 6")
    append(db, cast, clock)
    up_to = extent(log)
    append(db, cast, clock, 3)
    *_, last = chain.verify(log, (), up_to)
    assert last.defect is not None
    assert (last.defect.kind, last.defect.id) == (ChainDefectKind.REMOVED, 6)


def test_a_counter_of_the_ids_that_was_set_back_is_detected(forge, log, db):
    forge(SET_COUNTER[is_sqlite(db)].format(4))
    assert defect_of(log) == (
        *(ChainDefectKind.SET_BACK, 9),
        "the counter of the entries was set back to 4: the last entry is 9",
    )


@on_postgresql
def test_a_number_of_entries_that_was_set_back_is_detected(forge, log):
    forge("UPDATE access_log_counter SET entries = 4")
    assert defect_of(log) == (
        *(ChainDefectKind.SET_BACK, 9),
        "the counter of the entries was set back to 4: the log has 9 entries",
    )


def test_entries_removed_during_a_verification_are_detected(forge, log):
    up_to = extent(log)
    forge(f"DELETE FROM {LOG} WHERE id > 6")
    *_, last = chain.verify(log, (), up_to)
    assert last.defect is not None
    assert (last.defect.kind, last.defect.id) == (ChainDefectKind.REMOVED, 6)


# Anchors ----------------------------------------------------------------------------------------


@pytest.fixture
def anchor(log, clock) -> Anchor:
    """An anchor at the last of the nine entries."""
    return Anchor(clock(), verdict(log).head)


def test_a_log_with_later_entries_agrees_with_its_anchors(anchor, log, db, cast, clock):
    append(db, cast, clock)
    last = verdict(log, Anchor(clock(), Head()), anchor)
    assert (last.head.entries, last.defect) == (10, None)


@on_postgresql
def test_entries_with_new_ids_agree_with_the_anchor(anchor, forge, log):
    forge(f"UPDATE {LOG} SET id = id + 100", "UPDATE access_log_counter SET last_id = 109")
    assert verdict(log, anchor) == Verdict(replace(anchor.head, id=109))


@pytest.mark.parametrize("last", [6, 1])
def test_only_an_anchor_detects_that_the_last_entries_were_removed_with_the_counter(
    last, anchor, forge, log, db
):
    forge(f"DELETE FROM {LOG} WHERE id > {last}", SET_COUNTER[is_sqlite(db)].format(last))
    assert verdict(log).defect is None
    assert defect_of(log, anchor) == (
        *(ChainDefectKind.CUT_OFF, last),
        f"the log was cut off after entry {last}: it had 9 entries at the anchor of "
        f"2026-11-22 12:00:09 UTC, and has {last}",
    )


@pytest.mark.parametrize("later", [0, 3, 9])
def test_anchors_after_a_removal_do_not_change_what_is_reported(
    later, anchor, forge, log, db, cast, clock
):
    forge(f"DELETE FROM {LOG} WHERE id > 6")
    append(db, cast, clock, 2)
    of_the_service = Anchor(clock(), current_head(log))  # with 11 entries, as the engine numbers
    append(db, cast, clock, later)
    assert defect_of(log, anchor, of_the_service) == (
        *(ChainDefectKind.REMOVED, 6),
        f"entries after entry 6 were removed before others were appended: "
        f"the log has {8 + later} entries, and the database has numbered {11 + later}",
    )


def test_only_an_anchor_detects_a_chain_with_all_hashes_computed_again(anchor, forge, log, db):
    forge(f"UPDATE {LOG} SET action_details = 'nothing' WHERE id = 4")
    rehash(db, 4)
    assert verdict(log).defect is None
    assert defect_of(log, anchor) == (
        *(ChainDefectKind.REWRITTEN, 9),
        "entry 9, number 9, differs from the anchor of 2026-11-22 12:00:09 UTC: "
        "it or one before it was changed, with all hashes since",
    )


def test_only_an_anchor_detects_last_entries_that_were_removed_and_replaced(
    anchor, forge, log, db, cast, clock
):
    forge(f"DELETE FROM {LOG} WHERE id > 6", SET_COUNTER[is_sqlite(db)].format(6))
    append(db, cast, clock, 5)
    assert verdict(log).defect is None
    assert defect_of(log, anchor)[0] is ChainDefectKind.REWRITTEN


def test_only_an_anchor_detects_that_the_log_was_replaced_by_another(
    anchor, forge, log, db, cast, clock
):
    forge(f"DELETE FROM {LOG}", EMPTY_COUNTER[is_sqlite(db)])
    append(db, cast, clock, 20)
    assert verdict(log).head.entries == 20
    assert verdict(log).defect is None
    assert defect_of(log, anchor)[:2] == (ChainDefectKind.REWRITTEN, 9)


def test_each_of_several_anchors_is_checked(anchor, log):
    false = replace(anchor, head=replace(anchor.head, row_hash="f" * 64))
    older = Anchor(anchor.anchored_at - timedelta(days=1), Head(3, 3, "f" * 64))
    assert verdict(log, anchor, anchor).defect is None
    assert defect_of(log, anchor, false)[:2] == (ChainDefectKind.REWRITTEN, 9)
    assert defect_of(log, older, anchor)[:2] == (ChainDefectKind.REWRITTEN, 3)
