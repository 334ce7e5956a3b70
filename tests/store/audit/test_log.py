"""No entry, no access: entries are chained, stay as they are, and come before what they permit."""

from contextlib import suppress
from dataclasses import replace
from typing import Any

import peewee
import pytest

from readwatch.domain.audit import GENESIS, AuditAction, AuditEvent, entry_hash
from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.domain.sessions import Principal
from readwatch.domain.users import UserRole
from readwatch.store.audit import chain
from readwatch.store.audit.entries import extent
from readwatch.store.audit.heads import current_head, numbering_defect
from readwatch.store.audit.log import (
    append_all_in_transaction,
    append_in_transaction,
    list_access,
    log_access,
    log_event,
    log_list_access,
    permit_own_data,
)
from readwatch.store.engine import sqlite
from readwatch.store.engine.connections import Database, connection, is_sqlite
from readwatch.store.engine.privileges import LIMITED_ROLES, Role, privileges_on
from readwatch.store.engine.times import from_db_time, to_db_time

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize(
    "engine", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)

LOOK_25_TIMES = """
from datetime import UTC, datetime
from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.store.audit.log import log_access
from readwatch.store.engine.connections import close_all, connection, open_database
from readwatch.store.engine.privileges import Role

log = open_database(sys.argv[1], Role.ACCESS_LOG)
with connection(log):
    for number in range(25):
        action, reader = AuditAction.VIEWED_READER_PROFILE, int(sys.argv[3])
        event = AuditEvent(int(sys.argv[2]), action, reader, str(number))
        log_access(log, event, datetime.now(UTC))
close_all(log)
"""


def checked_chain(db: Database) -> list[str | None]:
    """Check every link from the raw table alone; return the details, in order."""
    rows = db.execute_sql(
        "SELECT consultant_user_id, action_type, target_user_id, action_details, ip_address, "
        "created_at, prev_hash, row_hash FROM consultant_access_log ORDER BY id"
    ).fetchall()
    head = GENESIS
    for *event, created_at, prev_hash, row_hash in rows:
        assert prev_hash == head
        head = entry_hash(prev_hash, AuditEvent(*event), to_db_time(from_db_time(created_at)))
        assert row_hash == head
    return [row[3] for row in rows]


@pytest.fixture
def event(cast) -> AuditEvent:
    """Cara opens Ann's page."""
    return AuditEvent(
        cast.cara.id, AuditAction.VIEWED_READER_PROFILE, cast.ann.id, "console", "10.0.0.7"
    )


# The chain --------------------------------------------------------------------------------------


def test_every_entry_carries_the_hash_of_the_one_before_it(db, connected, cast, event, clock):
    log = connected(Role.ACCESS_LOG)
    log_event(log, event, clock())
    log_event(
        log, AuditEvent(cast.dora.id, AuditAction.LISTED_USERS, details="Büro, 東京"), clock()
    )
    clock.advance(microseconds=1_987)
    log_event(log, AuditEvent(cast.cara.id, AuditAction.LOGGED_IN), clock())
    assert checked_chain(db) == ["console", "Büro, 東京", None]


def test_programs_that_log_at_the_same_time_make_one_chain_and_lose_nothing(at_once, db, url, cast):
    at_once(LOOK_25_TIMES, url, str(cast.cara.id), str(cast.ann.id), processes=8)
    assert sorted(map(str, checked_chain(db))) == sorted(8 * [str(number) for number in range(25)])


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE consultant_access_log SET action_details = 'nothing'",
        "UPDATE consultant_access_log SET row_hash = row_hash",
        "DELETE FROM consultant_access_log",
        "DELETE FROM consultant_access_log WHERE id = 1",
        "INSERT INTO consultant_access_log "
        "(id, consultant_user_id, action_type, prev_hash, row_hash) SELECT id, "
        "consultant_user_id, 'nothing', prev_hash, row_hash FROM consultant_access_log "
        "WHERE id = 1 ON CONFLICT (id) DO UPDATE SET action_details = 'nothing'",
    ],
)
def test_the_engine_lets_nobody_change_or_remove_an_entry(change, db, event, clock):
    log_event(db, event, clock())
    with pytest.raises(peewee.DatabaseError, match="append-only"), db.atomic():
        db.execute_sql(change)
    assert checked_chain(db) == ["console"]


@on_postgresql
@pytest.mark.parametrize("emptied", ["consultant_access_log", "users CASCADE"])
def test_postgresql_lets_nobody_empty_the_log(emptied, db, event, clock):
    log_event(db, event, clock())
    with pytest.raises(peewee.DatabaseError, match="append-only"), db.atomic():
        db.execute_sql(f"TRUNCATE {emptied}")
    assert checked_chain(db) == ["console"]


APPENDING = [role for role in LIMITED_ROLES if privileges_on(role, "consultant_access_log").append]

BRICKS: dict[str, dict[str, Any]] = {
    "the highest id": {"id": 2**63 - 1},
    "a skipped id": {"id": 3},
    "an id before the first": {"id": -1},
    "another previous hash": {"prev_hash": "f" * 64},
    "no previous hash": {"prev_hash": GENESIS},
    "a short hash": {"row_hash": "f" * 63},
    "a hash of other letters": {"row_hash": "F" * 64},
    "a time that nobody can read": {"created_at": "infinity"},
}
"""Entries after which no other one could be appended, listed or verified, by what is wrong."""


def append_by_hand(db: Database, event: AuditEvent, prev_hash: str, **values: object) -> None:
    entry = {
        "consultant_user_id": event.actor_id,
        "action_type": "logged_in",
        "created_at": "2026-11-22 12:00:00.000",
        "prev_hash": prev_hash,
        "row_hash": "a" * 64,
        **values,
    }
    sql = f"INSERT INTO consultant_access_log ({', '.join(entry)}) VALUES ({{}})"
    marks = ", ".join(["?" if is_sqlite(db) else "%s"] * len(entry))
    with db.atomic():
        db.execute_sql(sql.format(marks), tuple(entry.values()))


@pytest.mark.parametrize("wrong", BRICKS)
def test_no_entry_makes_the_next_one_impossible(wrong, connected, cast, event, clock):
    log_event(connected(Role.ACCESS_LOG), event, clock())
    (head,) = (
        connected(Role.OWNER).execute_sql("SELECT row_hash FROM consultant_access_log").fetchone()
    )
    for role in APPENDING:
        with pytest.raises(peewee.DatabaseError) as refusal:
            append_by_hand(connected(role), event, **{"prev_hash": head, **BRICKS[wrong]})
        # On PostgreSQL a program may give no id at all.
        assert "append-only" in str(refusal.value) or "permission denied" in str(refusal.value)
    log_event(connected(Role.ACCESS_LOG), event, clock())
    assert checked_chain(connected(Role.OWNER)) == ["console"] * 2


@pytest.mark.parametrize("id", [1, 3, 2**63 - 1])
def test_even_the_owner_appends_only_the_entry_with_the_next_id(id, db, event, clock):
    log_event(db, event, clock())
    (head,) = db.execute_sql("SELECT row_hash FROM consultant_access_log").fetchone()
    with pytest.raises(peewee.IntegrityError):
        append_by_hand(db, event, head, id=id)
    append_by_hand(db, event, head, id=2)


@on_postgresql
@pytest.mark.parametrize("only_row", ["TRUE", "FALSE", "NULL"])
def test_even_the_owner_adds_no_second_counter(only_row, db, event, clock):
    with pytest.raises(peewee.IntegrityError), db.atomic():
        db.execute_sql(f"INSERT INTO access_log_counter VALUES ({only_row}, 9, 9)")
    log_event(db, event, clock())
    assert checked_chain(db) == ["console"]


@on_postgresql
def test_without_the_counter_there_is_no_entry(db, event, clock):
    db.execute_sql("DELETE FROM access_log_counter")
    with pytest.raises((ReadwatchError, peewee.DatabaseError)):
        log_event(db, event, clock())
    assert checked_chain(db) == []


@on_sqlite
@pytest.mark.parametrize(
    "values",
    [
        {"row_hash": b"a" * 64},
        {"created_at": "2026-02-30 12:00:00.000"},
        {"created_at": "2026-11-22 12:00:00"},
        {"created_at": 5},
    ],
)
def test_sqlite_stores_no_entry_of_another_form(values, connected, cast, event):
    with pytest.raises(peewee.IntegrityError, match="append-only"):
        append_by_hand(connected(Role.ACCESS_LOG), event, GENESIS, **values)


def test_the_first_entry_follows_none(connected, cast, event):
    with pytest.raises(peewee.IntegrityError, match="append-only"):
        append_by_hand(connected(Role.ACCESS_LOG), event, "f" * 64)
    append_by_hand(connected(Role.ACCESS_LOG), event, GENESIS)


@on_sqlite
@pytest.mark.parametrize(
    ("id", "prev_hash"), [("1", "forged"), ("NULL", GENESIS), ("2", GENESIS)], ids=str
)
def test_sqlite_lets_nobody_replace_an_entry(id, prev_hash, connected, db, event, clock):
    log_event(db, event, clock())
    with pytest.raises(peewee.IntegrityError):
        connected(Role.ACCESS_LOG).execute_sql(
            "INSERT OR REPLACE INTO consultant_access_log "
            "(id, consultant_user_id, action_type, prev_hash, row_hash) "
            f"VALUES ({id}, {event.actor_id}, 'nothing', '{prev_hash}', 'forged')"
        )
    assert checked_chain(db) == ["console"]


def test_two_entries_cannot_follow_the_same_one(db, event, clock):
    log_event(db, event, clock())
    with pytest.raises(peewee.IntegrityError), db.atomic():
        db.execute_sql(
            "INSERT INTO consultant_access_log "
            "(consultant_user_id, action_type, prev_hash, row_hash) "
            f"VALUES ({event.actor_id}, 'logged_in', '{GENESIS}', 'forged')"
        )


def test_a_user_whom_the_log_names_cannot_be_deleted(db, cast, event, clock):
    log_event(db, event, clock())
    for user in (cast.cara, cast.ann):
        with pytest.raises(peewee.IntegrityError), db.atomic():
            db.execute_sql(f"DELETE FROM users WHERE id = {user.id}")
    db.execute_sql(f"DELETE FROM users WHERE id = {cast.ben.id}")
    assert db.execute_sql("SELECT count(*) FROM users").fetchone() == (3,)


# Promises ---------------------------------------------------------------------------------------


def test_an_event_is_on_disk_when_its_id_is_returned(connected, db, event, clock):
    entry_id = log_event(connected(Role.ACCESS_LOG), event, clock())
    assert db.execute_sql("SELECT id FROM consultant_access_log").fetchall() == [(entry_id,)]


@pytest.mark.parametrize("log", [log_event, log_access])
def test_what_could_still_be_undone_is_neither_logged_nor_permitted(
    connected, db, event, clock, log
):
    writer = connected(Role.ACCESS_LOG)
    with writer.atomic(), pytest.raises(ValueError, match="committed by itself"):
        log(writer, event, clock())
    assert checked_chain(db) == []


def test_an_entry_of_a_change_is_there_with_the_change_or_not_at_all(db, event, clock):
    with pytest.raises(ValueError, match="log_event"):
        append_in_transaction(db, event, clock())
    with suppress(ZeroDivisionError), db.atomic():
        append_in_transaction(db, event, clock())
        raise ZeroDivisionError
    assert checked_chain(db) == []
    with db.atomic():
        append_in_transaction(db, event, clock())
    assert checked_chain(db) == ["console"]


def test_many_entries_are_appended_in_their_order_and_counted(db, connected, event, clock):
    """One statement gives each entry the next id, also on PostgreSQL's counter."""
    many = [replace(event, details=str(number)) for number in range(250)]
    log_event(db, event, clock())
    for role in (Role.ADMIN, Role.ERASURE):
        with connected(role).atomic():
            append_all_in_transaction(connected(role), many, clock())
            append_all_in_transaction(connected(role), [], clock())
    with suppress(ZeroDivisionError), db.atomic():
        append_all_in_transaction(db, many, clock())
        raise ZeroDivisionError
    assert log_event(db, event, clock()) == 502
    numbers = [str(number) for number in range(250)]
    assert checked_chain(db) == ["console", *numbers, *numbers, "console"]
    *_, verdict = chain.verify(db, (), extent(db))
    assert (verdict.head.entries, verdict.defect) == (502, None)
    assert current_head(db).entries == 502
    assert numbering_defect(db) is None


def test_many_entries_need_a_transaction(db, event, clock):
    with pytest.raises(ValueError, match="transaction"):
        append_all_in_transaction(db, [event], clock())


def test_of_many_entries_in_a_wrong_order_none_is_appended(db, cast, event, clock):
    log_event(db, event, clock())
    at = to_db_time(clock())
    (head,) = db.execute_sql("SELECT row_hash FROM consultant_access_log").fetchone()
    first = entry_hash(head, event, at)
    second = entry_hash(first, event, at)
    values = ", ".join(
        f"({cast.cara.id}, '{event.action_type}', {cast.ann.id}, 'console', '10.0.0.7', '{at}',"
        f" '{prev_hash}', '{row_hash}')"
        for prev_hash, row_hash in ((first, second), (head, first))
    )
    with pytest.raises(peewee.IntegrityError, match="append-only"):
        db.execute_sql(
            "INSERT INTO consultant_access_log (consultant_user_id, action_type, target_user_id,"
            f" action_details, ip_address, created_at, prev_hash, row_hash) VALUES {values}"
        )
    assert checked_chain(db) == ["console"]


# Permits ----------------------------------------------------------------------------------------


def test_an_access_is_logged_before_it_is_permitted(connected, event, clock):
    permit = log_access(connected(Role.ACCESS_LOG), event, clock())
    assert (permit.subject_id, permit.entry_id) == (event.subject_id, 1)
    assert checked_chain(connected(Role.CONSOLE)) == ["console"]


def test_what_cannot_be_logged_is_not_permitted(connected, db, event, clock):
    nobody = replace(event, subject_id=4711)
    with pytest.raises(peewee.IntegrityError):
        log_access(connected(Role.ACCESS_LOG), nobody, clock())
    with pytest.raises((ReadwatchError, peewee.DatabaseError)):
        log_access(connected(Role.CONSOLE), event, clock())
    assert checked_chain(db) == []


@on_sqlite
def test_while_the_log_is_locked_nothing_is_permitted(db, opened, url, event, clock, monkeypatch):
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_SECONDS", 0.01)
    log = opened(url, Role.ACCESS_LOG)
    with db.atomic(), pytest.raises(ReadwatchError) as refusal, connection(log):
        log_access(log, event, clock())
    assert refusal.value.kind is ErrorKind.UNAVAILABLE
    assert checked_chain(db) == []


def test_an_access_to_a_readers_data_names_the_reader(connected, db, event, clock):
    with pytest.raises(ValueError, match="reader"):
        log_access(connected(Role.ACCESS_LOG), replace(event, subject_id=None), clock())
    assert checked_chain(db) == []


def test_users_are_permitted_their_own_data_without_an_entry():
    permit = permit_own_data(Principal(7, UserRole.READER, 1))
    assert (permit.subject_id, permit.entry_id) == (7, None)


@pytest.mark.parametrize(
    "change", ["is_active = FALSE", "deleted_at = created_at", "user_role = 'reader'"]
)
def test_only_active_staff_are_permitted_the_data_of_others(change, connected, db, cast, clock):
    db.execute_sql(f"UPDATE users SET {change} WHERE id = {cast.cara.id}")
    for actor in (cast.cara, cast.ben):
        access = AuditEvent(actor.id, AuditAction.VIEWED_READER_PROFILE, cast.ann.id)
        with pytest.raises(ReadwatchError) as refusal:
            log_access(connected(Role.ACCESS_LOG), access, clock())
        assert refusal.value.kind is ErrorKind.FORBIDDEN
    assert checked_chain(db) == []


# Lists ------------------------------------------------------------------------------------------


def test_consultants_and_admins_may_list_readers(connected, cast):
    db = connected(Role.CONSOLE)
    roles = [list_access(db, user.id).user_role for user in (cast.cara, cast.dora)]
    assert roles == [UserRole.CONSULTANT, UserRole.ADMIN]


@pytest.mark.parametrize(
    "change", ["is_active = FALSE", "deleted_at = created_at", "user_role = 'reader'"]
)
def test_nobody_else_may_list_readers(connected, db, cast, change):
    db.execute_sql(f"UPDATE users SET {change} WHERE id = {cast.cara.id}")
    for user_id in (cast.ann.id, cast.cara.id, 4711):
        with pytest.raises(ReadwatchError) as refusal:
            list_access(connected(Role.CONSOLE), user_id)
        assert refusal.value.kind is ErrorKind.FORBIDDEN


def test_a_list_is_logged_before_it_is_permitted(connected, db, cast, clock):
    event = AuditEvent(cast.dora.id, AuditAction.LISTED_ACCESS_LOG, details="cli")
    allowed = list_access(db, cast.dora.id)
    logged = log_list_access(connected(Role.ACCESS_LOG), allowed, event, clock())
    assert (logged.user_id, logged.user_role) == (cast.dora.id, UserRole.ADMIN)
    assert checked_chain(db) == ["cli"]


def test_nobody_lists_in_the_name_of_somebody_else(db, cast, clock):
    event = AuditEvent(cast.cara.id, AuditAction.LISTED_USERS, details="cli")
    with pytest.raises(ValueError, match="names the user"):
        log_list_access(db, list_access(db, cast.dora.id), event, clock())
    assert checked_chain(db) == []
