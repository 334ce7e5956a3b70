"""Case notes: with their entries in the log, append-only, and only about whom one may see."""

from dataclasses import replace
from datetime import timedelta
from threading import Barrier, Thread

import peewee
import pytest
from conftest import NOON, Cast, Connections, StillClock
from grouped import limit, put_into
from permits import LIST_ACCESS, ROW_ACCESS, permit_for

from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.cases import CaseNote, NewCaseNote, NoteKind
from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.domain.users import User
from readwatch.store import case_notes
from readwatch.store.audit.log import OutsideScope, log_event
from readwatch.store.engine.connections import (
    Database,
    close_all,
    connection,
    open_database,
)
from readwatch.store.engine.privileges import Role
from readwatch.store.identity import accounts


@pytest.fixture
def log(connected: Connections) -> Database:
    """The connection with which a console appends."""
    return connected(Role.ACCESS_LOG)


def add(log: Database, author: User, note: NewCaseNote, clock: StillClock) -> None:
    clock.advance(seconds=1)
    case_notes.add_note(log, note, clock(), author_id=author.id, details="console")


def change_of(db: Database, reader: User) -> CaseNote | None:
    return case_notes.last_changes(db, LIST_ACCESS, [reader.id]).get(reader.id)


def entries(db: Database) -> list[tuple[int, str, int | None]]:
    rows = db.execute_sql(
        "SELECT consultant_user_id, action_type, target_user_id FROM consultant_access_log"
        " ORDER BY id"
    )
    return [tuple(row) for row in rows]


def test_a_note_and_its_entry_are_added_together(
    connected: Connections, log: Database, db: Database, cast: Cast, clock: StillClock
) -> None:
    add(log, cast.cara, NewCaseNote(cast.ann.id, NoteKind.NOTE, "phoned home"), clock)
    assert entries(db) == [(cast.cara.id, "added_case_note", cast.ann.id)]
    [note] = case_notes.notes(connected(Role.CONSOLE), permit_for(cast.ann.id), length=9)
    assert note == CaseNote(
        note.id, NoteKind.NOTE, cast.cara.id, cast.cara.full_name, clock(), text=note.text
    )
    assert note.text == "phoned home"


def test_the_newest_notes_come_first_and_lists_get_the_last_change_and_the_last_text(
    connected: Connections, log: Database, cast: Cast, clock: StillClock
) -> None:
    console = connected(Role.CONSOLE)
    until = clock.advance(hours=1)
    add(log, cast.cara, NewCaseNote(cast.ann.id, NoteKind.TAKEN), clock)
    taken = change_of(console, cast.ann)
    assert taken is not None
    add(log, cast.cara, NewCaseNote(cast.ann.id, NoteKind.NOTE, "first"), clock)
    snooze = NewCaseNote(cast.ann.id, NoteKind.SNOOZED, until=until, after=taken.id, reasons=())
    add(log, cast.cara, snooze, clock)
    add(log, cast.dora, NewCaseNote(cast.ben.id, NoteKind.TAKEN, "mine"), clock)
    notes = case_notes.notes(console, permit_for(cast.ann.id), length=2)
    assert [(note.kind, note.text, note.until) for note in notes] == [
        (NoteKind.SNOOZED, "", until),
        (NoteKind.NOTE, "first", None),
    ]
    ids = [cast.ann.id, cast.ben.id]
    changes = case_notes.last_changes(console, LIST_ACCESS, ids)
    assert {id: (note.kind, note.author_name, note.text) for id, note in changes.items()} == {
        cast.ann.id: (NoteKind.SNOOZED, "Cara Cook", ""),
        cast.ben.id: (NoteKind.TAKEN, cast.dora.full_name, ""),
    }
    assert changes[cast.ann.id].until == until
    texts = case_notes.last_texts(console, ROW_ACCESS, ids)
    assert {id: note.text for id, note in texts.items()} == {
        cast.ann.id: "first",
        cast.ben.id: "mine",
    }


def test_who_has_not_seen_the_last_change_changes_nothing_and_logs_nothing(
    log: Database, db: Database, cast: Cast, clock: StillClock
) -> None:
    add(log, cast.cara, NewCaseNote(cast.ann.id, NoteKind.TAKEN), clock)
    with pytest.raises(case_notes.CaseChanged) as refused:
        add(log, cast.dora, NewCaseNote(cast.ann.id, NoteKind.TAKEN), clock)
    change = change_of(db, cast.ann)
    assert change is not None
    assert (refused.value.kind, refused.value.change_id) == (ErrorKind.CONFLICT, change.id)
    assert len(entries(db)) == 1
    assert change is not None
    assert change.author_id == cast.cara.id
    add(log, cast.dora, NewCaseNote(cast.ann.id, NoteKind.NOTE, "a plain note"), clock)
    add(log, cast.dora, NewCaseNote(cast.ann.id, NoteKind.TAKEN, after=change.id), clock)
    change = change_of(db, cast.ann)
    assert change is not None
    assert change.author_id == cast.dora.id


def test_a_consultant_of_groups_adds_no_note_about_a_reader_of_others(
    log: Database, db: Database, cast: Cast, clock: StillClock
) -> None:
    put_into(db, "4b", cast.ann)
    limit(db, cast.cara, "4b")
    add(log, cast.cara, NewCaseNote(cast.ann.id, NoteKind.TAKEN), clock)
    with pytest.raises(OutsideScope):
        add(log, cast.cara, NewCaseNote(cast.ben.id, NoteKind.TAKEN), clock)
    assert entries(db)[-1] == (cast.cara.id, "refused_access", cast.ben.id)
    assert change_of(db, cast.ben) is None


def test_nobody_is_refused_because_of_an_own_change(
    log: Database, db: Database, cast: Cast, clock: StillClock
) -> None:
    for kind in (NoteKind.TAKEN, NoteKind.RELEASED, NoteKind.TAKEN, NoteKind.RESOLVED):
        add(log, cast.cara, NewCaseNote(cast.ann.id, kind, reasons=()), clock)
    assert [action for _, action, _ in entries(db)] == [
        *("took_case", "released_case", "took_case", "resolved_case")
    ]


def test_two_who_take_a_case_at_the_same_time_wait_for_one_another_and_one_gets_it(
    url: str, db: Database, cast: Cast, clock: StillClock
) -> None:
    start, outcomes = Barrier(2), list[str]()

    def take(author: User) -> None:
        own = open_database(url, Role.ACCESS_LOG)
        with connection(own):
            start.wait()
            try:
                note = NewCaseNote(cast.ann.id, NoteKind.TAKEN)
                case_notes.add_note(own, note, clock(), author_id=author.id, details="console")
                outcomes.append("taken")
            except case_notes.CaseChanged:
                outcomes.append("refused")
        close_all(own)

    threads = [Thread(target=take, args=(author,)) for author in (cast.cara, cast.dora)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["refused", "taken"]
    assert [action for _, action, _ in entries(db)] == ["took_case"]


def test_what_was_resolved_last_is_known_until_the_case_is_reopened(
    log: Database, connected: Connections, cast: Cast, clock: StillClock
) -> None:
    console = connected(Role.CONSOLE)

    def resolved() -> dict[int, frozenset[str]]:
        ids = [cast.ann.id, cast.ben.id]
        notes = case_notes.last_resolutions(console, LIST_ACCESS, ids)
        return {id: note.reasons for id, note in notes.items()}

    first = NewCaseNote(cast.ann.id, NoteKind.RESOLVED, reasons=("idle 1",))
    add(log, cast.cara, first, clock)
    add(log, cast.cara, replace(first, reasons=("idle 1", "failed quiz 2")), clock)
    add(log, cast.cara, NewCaseNote(cast.ann.id, NoteKind.TAKEN), clock)
    assert resolved() == {cast.ann.id: {"idle 1", "failed quiz 2"}}
    add(log, cast.cara, NewCaseNote(cast.ann.id, NoteKind.TAKEN, reasons=()), clock)
    assert resolved() == {cast.ann.id: frozenset()}


def test_a_snooze_has_ended_until_the_case_is_resolved_also_for_who_takes_it(
    log: Database, connected: Connections, cast: Cast, clock: StillClock
) -> None:
    console = connected(Role.CONSOLE)
    until = clock() + timedelta(hours=1)
    for reader in (cast.ann, cast.ben):
        snooze = NewCaseNote(reader.id, NoteKind.SNOOZED, until=until, reasons=())
        add(log, cast.cara, snooze, clock)
    add(log, cast.cara, NewCaseNote(cast.ben.id, NoteKind.RELEASED), clock)
    assert case_notes.ended_snoozes(console, LIST_ACCESS, clock()) == {}
    clock.advance(hours=1)
    add(log, cast.cara, NewCaseNote(cast.ann.id, NoteKind.TAKEN), clock)
    assert case_notes.ended_snoozes(console, LIST_ACCESS, clock()) == {cast.ann.id: until}
    clock.advance(days=6, hours=22)
    assert case_notes.ended_snoozes(console, LIST_ACCESS, clock()) == {cast.ann.id: until}
    add(log, cast.cara, NewCaseNote(cast.ann.id, NoteKind.RESOLVED, reasons=()), clock)
    assert case_notes.ended_snoozes(console, LIST_ACCESS, clock()) == {}


def test_the_end_of_a_snooze_is_forgotten_after_a_week(
    log: Database, db: Database, cast: Cast, clock: StillClock
) -> None:
    until = clock() + timedelta(hours=1)
    snooze = NewCaseNote(cast.ann.id, NoteKind.SNOOZED, until=until, reasons=())
    add(log, cast.cara, snooze, clock)
    assert case_notes.ended_snoozes(db, LIST_ACCESS, until + timedelta(days=7)) == {}


@pytest.mark.parametrize(
    ("note", "complaint"),
    [
        (NewCaseNote(1, NoteKind.NOTE, " "), "a note needs a text"),
        (NewCaseNote(1, NoteKind.TAKEN, "x" * 501), "at most 500 characters"),
        (NewCaseNote(1, NoteKind.SNOOZED, until=NOON + timedelta(days=40)), "for 31 days at most"),
    ],
)
def test_what_no_note_may_be_is_refused_without_an_entry(
    note: NewCaseNote, complaint: str, log: Database, db: Database, cast: Cast, clock: StillClock
) -> None:
    with pytest.raises(ReadwatchError, match=complaint):
        add(log, cast.cara, replace(note, reader_id=cast.ann.id), clock)
    assert entries(db) == []


@pytest.mark.parametrize("who", ["dora", "suspended ben", "deleted ben"])
def test_a_note_is_about_an_active_reader(
    who: str, log: Database, db: Database, cast: Cast, clock: StillClock
) -> None:
    match who.split():
        case ["suspended", _]:
            db.execute_sql(f"UPDATE users SET is_active = FALSE WHERE id = {cast.ben.id}")
        case ["deleted", _]:
            with db.atomic():
                accounts.delete(db, cast.ben.id, clock())
    subject = cast.dora if who == "dora" else cast.ben
    with pytest.raises(ReadwatchError, match="no longer a reader's") as refused:
        add(log, cast.cara, NewCaseNote(subject.id, NoteKind.TAKEN), clock)
    assert refused.value.kind is ErrorKind.NOT_FOUND
    assert entries(db) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE case_notes SET text = 'other'",
        "UPDATE case_notes SET created_at = created_at",
        "DELETE FROM case_notes",
    ],
)
def test_a_note_is_not_changed_and_deleted_only_once_the_erasure_is_logged(
    statement: str, log: Database, db: Database, cast: Cast, clock: StillClock
) -> None:
    for reader in (cast.ann, cast.ben):
        add(log, cast.cara, NewCaseNote(reader.id, NoteKind.NOTE, "phoned home"), clock)
    with pytest.raises(peewee.DatabaseError, match="case notes are append-only"):
        db.execute_sql(statement)
    log_event(db, AuditEvent(cast.dora.id, AuditAction.ERASED_USER, cast.ann.id), clock())
    with pytest.raises(peewee.DatabaseError, match="case notes are append-only"):
        db.execute_sql(statement)  # also of Ben
    if statement.startswith("DELETE"):
        db.execute_sql(f"{statement} WHERE user_id = {cast.ann.id}")
        assert case_notes.notes(db, permit_for(cast.ann.id), length=9) == ()
        assert len(case_notes.notes(db, permit_for(cast.ben.id), length=9)) == 1


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_note_is_not_replaced_by_another_one(
    log: Database, cast: Cast, clock: StillClock
) -> None:
    add(log, cast.cara, NewCaseNote(cast.ann.id, NoteKind.NOTE, "phoned home"), clock)
    with pytest.raises(peewee.DatabaseError, match="append-only: they cannot be replaced"):
        log.execute_sql(
            "INSERT OR REPLACE INTO case_notes"
            " (id, user_id, author_user_id, kind, text, created_at) VALUES"
            f" (1, {cast.ben.id}, {cast.dora.id}, 'note', 'x', '2026-11-22 12:00:00.000')"
        )


@pytest.mark.parametrize(
    "values",
    [
        "'praised', 'text', NULL",
        "'note', NULL, NULL",
        "'taken', NULL, '2026-11-22 12:00:00.000'",
        "'snoozed', NULL, NULL",
        "'resolved', NULL, NULL",
        f"'note', '{'x' * 501}', NULL",
    ],
)
def test_the_engine_refuses_a_note_that_makes_no_sense(
    values: str, db: Database, cast: Cast
) -> None:
    with pytest.raises(peewee.DatabaseError, match=r"(?i)check|too long|truncation"):
        db.execute_sql(
            "INSERT INTO case_notes (user_id, author_user_id, kind, text, until, created_at)"
            f" VALUES ({cast.ann.id}, {cast.cara.id}, {values}, '2026-11-22 12:00:00.000')"
        )
