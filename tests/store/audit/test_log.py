"""No log, no look: entries are chained, stay as they are, and come before what they permit."""

from dataclasses import replace

import peewee
import pytest

from readwatch.domain.audit import GENESIS, AuditAction, AuditEvent, Permit, entry_hash
from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.domain.sessions import Principal
from readwatch.domain.users import UserRole
from readwatch.store.audit.log import append_event, permit_look, permit_own
from readwatch.store.engine import sqlite
from readwatch.store.engine.connections import Database, connection, from_db_time, to_db_time
from readwatch.store.engine.privileges import Role

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize(
    "engine", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)

LOOK_25_TIMES = """
from datetime import UTC, datetime
from readwatch.domain.audit import Action, Look
from readwatch.store.audit.log import permit_look
from readwatch.store.engine.connections import close_all, open_database, using
from readwatch.store.engine.privileges import Role

log = open_database(sys.argv[1], Role.ACCESS_LOG)
with using(log):
    for number in range(25):
        look = Look(int(sys.argv[2]), Action.VIEWED_READER_PROFILE, int(sys.argv[3]), str(number))
        permit_look(log, look, datetime.now(UTC))
close_all(log)
"""


def checked_chain(db: Database) -> list[str | None]:
    """Check every link from the raw table alone; return the details, in order."""
    rows = db.execute_sql(
        "SELECT consultant_user_id, action_type, target_user_id, action_details, ip_address, "
        "created_at, prev_hash, row_hash FROM consultant_access_log ORDER BY id"
    ).fetchall()
    head = GENESIS
    for *look, created_at, prev_hash, row_hash in rows:
        assert prev_hash == head
        head = entry_hash(prev_hash, AuditEvent(*look), to_db_time(from_db_time(created_at)))
        assert row_hash == head
    return [row[3] for row in rows]


@pytest.fixture
def look(cast) -> AuditEvent:
    """Cara's look at Ann."""
    return AuditEvent(
        cast.cara.id, AuditAction.VIEWED_READER_PROFILE, cast.ann.id, "console", "10.0.0.7"
    )


# The chain --------------------------------------------------------------------------------------


def test_every_entry_carries_the_hash_of_the_one_before_it(db, connected, cast, look, clock):
    log = connected(Role.ACCESS_LOG)
    append_event(log, look, clock())
    append_event(
        log, AuditEvent(cast.dora.id, AuditAction.LISTED_USERS, details="Büro, 東京"), clock()
    )
    clock.advance(microseconds=1_987)
    append_event(log, AuditEvent(cast.cara.id, AuditAction.SIGNED_IN), clock())
    assert checked_chain(db) == ["console", "Büro, 東京", None]


def test_programs_that_look_at_once_make_one_chain_and_lose_nothing(at_once, db, url, cast):
    at_once(LOOK_25_TIMES, url, str(cast.cara.id), str(cast.ann.id), processes=8)
    assert sorted(checked_chain(db)) == sorted(8 * [str(number) for number in range(25)])


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
def test_the_engine_lets_nobody_change_or_remove_an_entry(change, db, look, clock):
    append_event(db, look, clock())
    with pytest.raises(peewee.DatabaseError, match="append-only"), db.atomic():
        db.execute_sql(change)
    assert checked_chain(db) == ["console"]


@on_postgresql
@pytest.mark.parametrize("emptied", ["consultant_access_log", "users CASCADE"])
def test_postgresql_lets_nobody_empty_the_log(emptied, db, look, clock):
    append_event(db, look, clock())
    with pytest.raises(peewee.DatabaseError, match="append-only"), db.atomic():
        db.execute_sql(f"TRUNCATE {emptied}")
    assert checked_chain(db) == ["console"]


@on_sqlite
@pytest.mark.parametrize(
    ("id", "prev_hash"), [("1", "forged"), ("NULL", GENESIS), ("2", GENESIS)], ids=str
)
def test_sqlite_lets_nobody_replace_an_entry(id, prev_hash, connected, db, look, clock):
    append_event(db, look, clock())
    with pytest.raises(peewee.IntegrityError):
        connected(Role.ACCESS_LOG).execute_sql(
            "INSERT OR REPLACE INTO consultant_access_log "
            "(id, consultant_user_id, action_type, prev_hash, row_hash) "
            f"VALUES ({id}, {look.consultant_user_id}, 'nothing', '{prev_hash}', 'forged')"
        )
    assert checked_chain(db) == ["console"]


def test_two_entries_cannot_follow_the_same_one(db, look, clock):
    append_event(db, look, clock())
    with pytest.raises(peewee.IntegrityError), db.atomic():
        db.execute_sql(
            "INSERT INTO consultant_access_log "
            "(consultant_user_id, action_type, prev_hash, row_hash) "
            f"VALUES ({look.consultant_user_id}, 'signed_in', '{GENESIS}', 'forged')"
        )


def test_a_user_whom_the_log_names_cannot_be_deleted(db, cast, look, clock):
    append_event(db, look, clock())
    for user in (cast.cara, cast.ann):
        with pytest.raises(peewee.IntegrityError), db.atomic():
            db.execute_sql(f"DELETE FROM users WHERE id = {user.id}")
    db.execute_sql(f"DELETE FROM users WHERE id = {cast.ben.id}")
    assert db.execute_sql("SELECT count(*) FROM users").fetchone() == (3,)


# Permits ----------------------------------------------------------------------------------------


def test_a_look_is_on_record_before_it_is_permitted(connected, look, clock):
    permit = permit_look(connected(Role.ACCESS_LOG), look, clock())
    assert permit == Permit(look.target_user_id)
    assert checked_chain(connected(Role.CONSOLE)) == ["console"]


def test_what_cannot_be_recorded_is_not_permitted(connected, db, look, clock):
    nobody = replace(look, consultant_user_id=4711)
    with pytest.raises(peewee.IntegrityError):
        permit_look(connected(Role.ACCESS_LOG), nobody, clock())
    with pytest.raises((ReadwatchError, peewee.DatabaseError)):
        permit_look(connected(Role.CONSOLE), look, clock())
    assert checked_chain(db) == []


@on_sqlite
def test_while_the_log_is_locked_there_are_no_looks(db, opened, url, look, clock, monkeypatch):
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_SECONDS", 0.01)
    log = opened(url, Role.ACCESS_LOG)
    with db.atomic(), pytest.raises(ReadwatchError) as refusal, connection(log):
        permit_look(log, look, clock())
    assert refusal.value.kind is ErrorKind.UNAVAILABLE
    assert checked_chain(db) == []


def test_a_look_that_could_still_be_undone_is_not_permitted(connected, db, look, clock):
    log = connected(Role.ACCESS_LOG)
    with log.atomic(), pytest.raises(ValueError, match="transaction"):
        permit_look(log, look, clock())
    assert checked_chain(db) == []


def test_a_look_at_a_readers_data_names_the_reader(connected, look, clock):
    with pytest.raises(ValueError, match="reader"):
        permit_look(connected(Role.ACCESS_LOG), replace(look, target_user_id=None), clock())


def test_readers_are_permitted_themselves_and_nobody_else():
    assert permit_own(Principal(7, UserRole.READER, 1)) == Permit(7)
