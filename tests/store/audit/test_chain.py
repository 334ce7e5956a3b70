"""The chain is walked: whatever the owner of the database does to the log is found and named."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from readwatch.domain.audit import GENESIS, AuditAction, AuditEvent, entry_hash
from readwatch.domain.audit_chain import Anchor, ChainDefectKind, Head, Verdict
from readwatch.store.audit import chain
from readwatch.store.audit.log import list_access, log_event, log_list_access
from readwatch.store.engine.connections import Database, from_db_time, is_sqlite, to_db_time
from readwatch.store.engine.privileges import Role

LOG = "consultant_access_log"
CONTENT = "consultant_user_id, action_type, target_user_id, action_details, ip_address, created_at"

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize(
    "engine", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)

Forge = Callable[..., None]


def verdict(db: Database, *anchors: Anchor) -> Verdict:
    """What a whole walk comes to."""
    *_, last = chain.verify(db, anchors, chain.extent(db))
    return last


def told(db: Database, *anchors: Anchor) -> tuple[ChainDefectKind, int, str]:
    """The fault that is found."""
    fault = verdict(db, *anchors).defect
    assert fault is not None
    return fault.kind, fault.id, fault.message


@pytest.fixture(params=[3, 10_000], ids=["portions of 3", "one portion"], autouse=True)
def portions(request, monkeypatch) -> None:
    monkeypatch.setattr(chain, "CHUNK_ENTRIES", request.param)


@pytest.fixture
def log(connected, cast, clock) -> Database:
    """Nine looks, one a second, and the connection of somebody who checks them."""
    for number in range(1, 10):
        reader = (cast.ann, cast.ben)[number % 2]
        look = AuditEvent(
            cast.cara.id, AuditAction.VIEWED_READER_PROFILE, reader.id, f"Büro {number}"
        )
        log_event(connected(Role.ACCESS_LOG), look, clock.advance(seconds=1))
    return connected(Role.MAINTENANCE)


@pytest.fixture
def forge(db, log) -> Forge:
    """`forge(sql, …)` does to the log what its owner can do once the triggers are gone."""
    if is_sqlite(db):
        for trigger in ("rows", "values", "places"):
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
    """Insert a copy of the content of the first entry as another, with a fitting hash."""
    (content,) = db.execute_sql(f"SELECT {CONTENT} FROM {LOG} ORDER BY id LIMIT 1").fetchall()
    *look, created_at = content
    row_hash = row_hash or entry_hash(
        prev_hash, AuditEvent(*look), to_db_time(from_db_time(created_at))
    )
    db.execute_sql(
        f"INSERT INTO {LOG} (id, {CONTENT}, prev_hash, row_hash) SELECT "
        f"{id_}, {CONTENT}, '{prev_hash}', '{row_hash}' FROM {LOG} ORDER BY id LIMIT 1"
    )
    return row_hash


def sign_anew(db: Database, since: int) -> None:
    """Compute all hashes anew from an entry on, as somebody with patience would."""
    prev_hash = hash_of(db, since - 1)
    rows: list[Any] = db.execute_sql(
        f"SELECT id, {CONTENT} FROM {LOG} WHERE id >= {since} ORDER BY id"
    ).fetchall()
    for id_, *look, created_at in rows:
        row_hash = entry_hash(prev_hash, AuditEvent(*look), to_db_time(from_db_time(created_at)))
        db.execute_sql(
            f"UPDATE {LOG} SET prev_hash = '{prev_hash}', row_hash = '{row_hash}' WHERE id = {id_}"
        )
        prev_hash = row_hash


# Whole ------------------------------------------------------------------------------------------


def test_an_empty_log_is_whole(connected):
    assert verdict(connected(Role.MAINTENANCE)) == Verdict(Head(0, 0, GENESIS))


def test_a_healthy_log_is_whole_up_to_its_last_entry(log, db):
    assert verdict(log) == Verdict(Head(9, 9, hash_of(db, 9)))


def test_ids_that_an_engine_skipped_are_no_fault(log, db, cast, clock):
    if is_sqlite(db):
        db.execute_sql(f"UPDATE sqlite_sequence SET seq = 40 WHERE name = '{LOG}'")
    else:
        db.execute_sql(f"SELECT setval(pg_get_serial_sequence('{LOG}', 'id'), 40)")
    log_event(db, AuditEvent(cast.cara.id, AuditAction.LOGGED_IN), clock())
    found = verdict(log)
    assert (found.head.entries, found.head.id, found.defect) == (10, 41, None)


def test_what_is_appended_during_the_walk_is_left_for_the_next_one(log, db, cast, clock):
    walk = chain.verify(log, (), chain.extent(log))
    steps = [next(walk)]
    log_event(db, AuditEvent(cast.dora.id, AuditAction.LISTED_USERS), clock())
    steps += walk
    assert (steps[-1].head.entries, steps[-1].defect) == (9, None)
    assert verdict(log).head.entries == 10


# Not whole --------------------------------------------------------------------------------------


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
def test_a_changed_column_is_found(change, forge, log):
    forge(f"UPDATE {LOG} SET {change} WHERE id = 4")
    assert told(log) == (
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
def test_what_only_sqlite_keeps_is_found(change, forge, log):
    forge(f"UPDATE {LOG} SET {change} WHERE id = 4")
    assert told(log)[:2] == (ChainDefectKind.CHANGED, 4)


@on_postgresql
@pytest.mark.parametrize(
    "moment",
    ["created_at + interval '1 microsecond'", "'infinity'", "'2026-11-22 12:00:04 BC'"],
)
def test_what_only_postgresql_keeps_is_found(moment, forge, log):
    forge(f"UPDATE {LOG} SET created_at = {moment} WHERE id = 4")
    assert told(log)[:2] == (ChainDefectKind.CHANGED, 4)


def test_two_entries_that_swapped_what_they_say_are_found(forge, log):
    forge(
        f"UPDATE {LOG} SET action_details = CASE id WHEN 4 THEN 'Büro 6' ELSE 'Büro 4' END "
        "WHERE id IN (4, 6)"
    )
    assert told(log)[:2] == (ChainDefectKind.CHANGED, 4)


def test_two_entries_that_swapped_places_are_found(forge, log):
    forge(*(f"UPDATE {LOG} SET id = {new} WHERE id = {old}" for old, new in ((4, 99), (5, 4))))
    forge(f"UPDATE {LOG} SET id = 5 WHERE id = 99")
    assert told(log) == (
        *(ChainDefectKind.REORDERED, 4),
        "entry 4 was moved: it belongs after entry 5",
    )


def test_an_entry_that_was_moved_to_the_end_is_found(forge, log):
    forge(f"UPDATE {LOG} SET id = 40 WHERE id = 4")
    assert told(log)[:2] == (ChainDefectKind.REORDERED, 5)


def test_removed_entries_are_found(forge, log):
    forge(f"DELETE FROM {LOG} WHERE id IN (4, 5)")
    assert told(log) == (
        *(ChainDefectKind.REMOVED, 3),
        "an entry between 3 and 6 was removed: they do not follow one another",
    )


def test_a_removed_beginning_is_found(forge, log):
    forge(f"DELETE FROM {LOG} WHERE id < 3")
    assert told(log) == (
        *(ChainDefectKind.REMOVED, 3),
        "the entries before entry 3 were removed: it is not the first",
    )


def test_a_forged_entry_in_the_place_of_another_breaks_the_next(forge, log, db):
    forge(f"DELETE FROM {LOG} WHERE id = 4")
    add(db, 4, hash_of(db, 3))
    assert told(log) == (
        *(ChainDefectKind.CHANGED, 4),
        "entry 4 was changed together with its hash, or the next one was removed: "
        "entry 5 follows another hash",
    )


@pytest.mark.parametrize("row_hash", [None, "f" * 64], ids=["fitting hash", "any hash"])
def test_a_forged_entry_before_the_first_is_found(row_hash, forge, log, db):
    add(db, -7, "e" * 64, row_hash)
    assert told(log) == (
        *(ChainDefectKind.INSERTED, -7),
        "entry -7 was inserted: entry 1 is the first one",
    )


def test_a_forged_entry_between_two_is_found(forge, log, db):
    forge(f"UPDATE {LOG} SET id = id + 100 WHERE id > 4")
    add(db, 50, "e" * 64)
    assert told(log) == (
        *(ChainDefectKind.INSERTED, 50),
        "entry 50 was inserted: entry 105 follows entry 4",
    )


def test_a_forged_entry_that_follows_the_right_one_is_found_without_the_index(forge, log, db):
    forge("DROP INDEX idx_consultant_log_prev_hash", f"UPDATE {LOG} SET id = id + 100 WHERE id > 4")
    add(db, 50, hash_of(db, 4))
    assert told(log) == (
        *(ChainDefectKind.INSERTED, 50),
        "entry 50 was inserted: entry 105 follows entry 4",
    )


def test_entries_that_go_during_the_walk_are_missed(forge, log):
    there = chain.extent(log)
    forge(f"DELETE FROM {LOG} WHERE id > 6")
    *_, found = chain.verify(log, (), there)
    assert found.defect is not None
    assert (found.defect.kind, found.defect.id) == (ChainDefectKind.REMOVED, 6)


# Anchors ----------------------------------------------------------------------------------------


@pytest.fixture
def anchor(log, clock) -> Anchor:
    """What is known of the nine looks outside of the database."""
    return Anchor(clock(), verdict(log).head)


def test_a_log_that_grew_since_fits_its_anchors(anchor, log, db, cast, clock):
    log_event(db, AuditEvent(cast.cara.id, AuditAction.LOGGED_IN), clock())
    found = verdict(log, Anchor(clock(), Head()), anchor)
    assert (found.head.entries, found.defect) == (10, None)


def test_entries_that_are_numbered_anew_fit_the_anchor(anchor, forge, log):
    forge(f"UPDATE {LOG} SET id = id + 100")
    assert verdict(log, anchor) == Verdict(replace(anchor.head, id=109))


@pytest.mark.parametrize("last", [6, 0])
def test_a_cut_off_end_is_found_by_the_anchor_alone(last, anchor, forge, log):
    forge(f"DELETE FROM {LOG} WHERE id > {last}")
    assert verdict(log).defect is None
    assert told(log, anchor) == (
        *(ChainDefectKind.CUT_OFF, last),
        f"the log was cut off after entry {last}: it had 9 entries at the anchor of "
        f"2026-11-22 12:00:09 UTC, and has {last}",
    )


def test_a_chain_that_was_written_anew_is_found_by_the_anchor_alone(anchor, forge, log, db):
    forge(f"UPDATE {LOG} SET action_details = 'nothing' WHERE id = 4")
    sign_anew(db, 4)
    assert verdict(log).defect is None
    assert told(log, anchor) == (
        *(ChainDefectKind.REWRITTEN, 9),
        "entry 9, number 9, differs from the anchor of 2026-11-22 12:00:09 UTC: "
        "it or one before it was changed, with all hashes since",
    )


def test_an_end_that_was_cut_off_and_grown_again_is_found_by_the_anchor_alone(
    anchor, forge, log, db, cast, clock
):
    forge(f"DELETE FROM {LOG} WHERE id > 6")
    for _ in range(5):
        log_event(db, AuditEvent(cast.cara.id, AuditAction.LOGGED_IN), clock())
    assert verdict(log).defect is None
    assert told(log, anchor)[0] is ChainDefectKind.REWRITTEN


def test_another_log_in_the_place_of_this_one_is_found_by_the_anchor_alone(
    anchor, forge, log, db, cast, clock
):
    forge(f"DELETE FROM {LOG}")
    for _ in range(20):
        log_event(db, AuditEvent(cast.cara.id, AuditAction.LOGGED_IN), clock())
    assert verdict(log).head.entries == 20
    assert verdict(log).defect is None
    assert told(log, anchor)[:2] == (ChainDefectKind.REWRITTEN, 18)


def test_each_of_several_anchors_counts(anchor, log):
    false = replace(anchor, head=replace(anchor.head, row_hash="f" * 64))
    older = Anchor(anchor.anchored_at - timedelta(days=1), Head(3, 3, "f" * 64))
    assert verdict(log, anchor, anchor).defect is None
    assert told(log, anchor, false)[:2] == (ChainDefectKind.REWRITTEN, 9)
    assert told(log, older, anchor)[:2] == (ChainDefectKind.REWRITTEN, 3)


# The entries ------------------------------------------------------------------------------------


@pytest.fixture
def access(log, db, cast, clock):
    """Dora lists the access log, which is its newest entry."""
    event = AuditEvent(cast.dora.id, AuditAction.LISTED_ACCESS_LOG)
    return log_list_access(db, list_access(db, cast.dora.id), event, clock())


def test_entries_are_listed_newest_first_page_by_page(log, access):
    first = chain.newest(log, access, limit=4, before=access.entry_id)
    assert [entry.id for entry in first] == [9, 8, 7, 6]
    assert [entry.id for entry in chain.newest(log, access, limit=4, before=6)] == [5, 4, 3, 2]
    assert first[0].consultant_email == "cara@example.org"
    assert first[0].target_name == "Ben Baker"


def test_entries_of_one_consultant_or_reader_are_found(log, access, cast):
    of_dora = chain.newest(log, access, limit=9, consultant_id=cast.dora.id)
    assert [(entry.action_type, entry.target_user_id) for entry in of_dora] == [
        ("listed_access_log", None)
    ]
    of_ann = chain.newest(log, access, limit=9, consultant_id=cast.cara.id, reader_id=cast.ann.id)
    assert [entry.id for entry in of_ann] == [8, 6, 4, 2]


def test_all_entries_that_were_there_are_read_in_order(log, request):
    there = chain.extent(log)
    access = request.getfixturevalue("access")  # its entry comes later
    read = [entry.id for portion in chain.oldest_first(log, access, there) for entry in portion]
    assert read == list(range(1, 10))
    assert list(chain.oldest_first(log, access, chain.Extent(0, 0, -1))) == []
