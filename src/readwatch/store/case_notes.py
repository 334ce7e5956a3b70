"""Case notes: what consultants note about readers, each with its entry in the access log.

The cost of a query does not grow with history: partial indexes lead to the last change of a case,
the last resolution and the last text.
"""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from readwatch.domain.attention import DUE_FOR_AT_MOST
from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.cases import (
    CaseNote,
    NewCaseNote,
    NoteKind,
    checked_snooze,
    checked_text,
)
from readwatch.domain.errors import ErrorKind
from readwatch.domain.text import clean
from readwatch.store.audit.log import ListAccess, Permit, Refusal, RowAccess, log_change
from readwatch.store.audit.scope import readers_inside
from readwatch.store.engine.bulk import BulkStatement
from readwatch.store.engine.compiled import CompiledQuery, Param
from readwatch.store.engine.connections import Database
from readwatch.store.engine.models import CaseNotes, Users
from readwatch.store.engine.statements import Statement
from readwatch.store.engine.times import from_db_time, from_db_time_or_none, to_db_time
from readwatch.store.identity.users import ACTIVE_READER

_ACTIONS = {
    NoteKind.NOTE: AuditAction.ADDED_CASE_NOTE,
    NoteKind.TAKEN: AuditAction.TOOK_CASE,
    NoteKind.RELEASED: AuditAction.RELEASED_CASE,
    NoteKind.SNOOZED: AuditAction.SNOOZED_CASE,
    NoteKind.RESOLVED: AuditAction.RESOLVED_CASE,
}

_OF_GIVEN = """
    SELECT
        n.id, n.user_id, n.kind, n.author_user_id, u.full_name, n.created_at, n.until, n.reasons,
        {text} AS text
    FROM given CROSS JOIN case_notes n JOIN users u ON u.id = n.author_user_id
    WHERE n.id = (
        SELECT c.id FROM case_notes c WHERE c.user_id = given.user_id AND {condition}
        ORDER BY c.id DESC LIMIT 1
    )
"""
# The conditions are those of partial indexes.
_LAST_CHANGES = BulkStatement(
    {"user_id": "bigint"}, _OF_GIVEN.format(text="NULL", condition="c.kind <> 'note'")
)
_LAST_RESOLUTIONS = BulkStatement(
    {"user_id": "bigint"},
    _OF_GIVEN.format(text="NULL", condition="c.kind <> 'snoozed' AND c.reasons IS NOT NULL"),
)
_LAST_TEXTS = BulkStatement(
    {"user_id": "bigint"}, _OF_GIVEN.format(text="n.text", condition="c.text IS NOT NULL")
)
_ENDED_SNOOZES = Statement(
    """
    SELECT n.user_id, n.until FROM case_notes n
    WHERE n.kind = 'snoozed' AND n.until > :since AND n.until <= :now
    AND NOT EXISTS (
        SELECT 1 FROM case_notes c
        WHERE c.user_id = n.user_id AND c.id > n.id AND c.kind <> 'note'
        AND (c.kind IN ('snoozed', 'resolved') OR c.created_at < n.until)
    )
    """
)
_NOTES = CompiledQuery(
    CaseNotes.select(
        CaseNotes.id,
        CaseNotes.user,
        CaseNotes.kind,
        CaseNotes.author_user,
        Users.full_name,
        CaseNotes.created_at,
        CaseNotes.until,
        CaseNotes.reasons,
        CaseNotes.text,
    )
    .join(Users, on=CaseNotes.author_user == Users.id)
    .where(CaseNotes.user == Param("user_id"))
    .order_by(CaseNotes.id.desc())
    .limit(Param("length"))
)
_CHANGE = CompiledQuery(
    CaseNotes.select(CaseNotes.id, CaseNotes.author_user)
    .where(CaseNotes.user == Param("user_id"), CaseNotes.kind != NoteKind.NOTE.value)
    .order_by(CaseNotes.id.desc())
    .limit(1)
)
_INSERT = "INSERT INTO case_notes (user_id, author_user_id, kind, text, until, reasons, created_at)"
_APPEND = Statement(
    f"""
    {_INSERT}
    SELECT u.id, :author_id, :kind, :text, :until, :reasons, :now
    FROM users u WHERE u.id = :user_id AND {ACTIVE_READER}
    RETURNING id
    """,  # noqa: S608 - our own text
    postgresql=f"""
    {_INSERT}
    SELECT
        u.id, CAST(:author_id AS bigint), :kind, :text, CAST(:until AS timestamptz), :reasons,
        CAST(:now AS timestamptz)
    FROM users u WHERE u.id = :user_id AND {ACTIVE_READER}
    RETURNING id
    """,  # noqa: S608 - our own text
)


class CaseChanged(Refusal):
    """Somebody else has changed a case since its consultant looked at it: the note `change_id`."""

    def __init__(self, change_id: int | None) -> None:
        super().__init__(ErrorKind.CONFLICT, "somebody else has changed this case")
        self.change_id = change_id


def last_changes(
    db: Database, _access: ListAccess, reader_ids: Iterable[int]
) -> dict[int, CaseNote]:
    """Return the last note that changed the case of each of these readers, without its text.

    The ids come from a list that the user may see.
    """
    return _by_reader(_LAST_CHANGES.all(db, [(id,) for id in reader_ids]))


def last_resolutions(
    db: Database, _access: ListAccess, reader_ids: Iterable[int]
) -> dict[int, CaseNote]:
    """Return the last note that resolved the case of each of these readers, without its text; or
    the one that reopened it, which has no reasons."""
    return _by_reader(_LAST_RESOLUTIONS.all(db, [(id,) for id in reader_ids]))


def ended_snoozes(db: Database, _access: ListAccess, now: datetime) -> dict[int, datetime]:
    """Return when the snooze of a case ended, by reader.

    It does not count after the case was snoozed again or resolved, or was changed before the end.
    """
    since = to_db_time(now - DUE_FOR_AT_MOST)
    rows = _ENDED_SNOOZES.all(db, since=since, now=to_db_time(now))
    return {row.user_id: from_db_time(row.until) for row in rows}


def last_texts(db: Database, access: RowAccess, reader_ids: Iterable[int]) -> dict[int, CaseNote]:
    """Return the last note with a text about each of these readers."""
    inside = readers_inside(db, access.scope, reader_ids)
    return _by_reader(_LAST_TEXTS.all(db, [(id,) for id in inside]))


def notes(db: Database, permit: Permit, *, length: int) -> tuple[CaseNote, ...]:
    """Return the newest notes about a reader, newest first."""
    rows = _NOTES.all(db, user_id=permit.subject_id, length=length)
    return tuple(map(_note, rows))


def add_note(
    db: Database,
    note: NewCaseNote,
    now: datetime,
    *,
    author_id: int,
    details: str,
    ip_address: str | None = None,
) -> None:
    """Log a note and add it, in one transaction; `details` says where it was written.

    Refuses a text or a snooze that is too long, a change of a case that somebody else has changed
    since, and a reader whose account is closed: nothing is logged then. Otherwise as `log_access`.
    """
    text = checked_text(note.text, required=note.kind is NoteKind.NOTE)
    until = None if note.until is None else checked_snooze(note.until, now)
    event = AuditEvent(author_id, _ACTIONS[note.kind], note.reader_id, details, ip_address)

    def append(db: Database, permit: Permit) -> None:
        if note.kind is not NoteKind.NOTE:
            _require_seen(db, permit, note, author_id)
        added = _APPEND.one_or_none(
            db,
            user_id=permit.subject_id,
            author_id=author_id,
            kind=str(note.kind),
            text=text or None,
            until=until and to_db_time(until),
            reasons=None if note.reasons is None else json.dumps(note.reasons),
            now=to_db_time(now),
        )
        if added is None:
            raise Refusal(ErrorKind.NOT_FOUND, "this account is no longer a reader's")

    log_change(db, event, now, append)


def _require_seen(db: Database, permit: Permit, note: NewCaseNote, author_id: int) -> None:
    """Refuse a change if there is a later one, by somebody else, than the author has seen."""
    change = _CHANGE.one_or_none(db, user_id=permit.subject_id)
    if change and change.id != note.after and change.author_user_id != author_id:
        raise CaseChanged(change.id)


def _by_reader(rows: Iterable[Any]) -> dict[int, CaseNote]:
    return {row.user_id: _note(row) for row in rows}


def _note(row: Any) -> CaseNote:
    return CaseNote(
        id=row.id,
        kind=NoteKind(row.kind),
        author_id=row.author_user_id,
        author_name=clean(row.full_name),
        created_at=from_db_time(row.created_at),
        until=from_db_time_or_none(row.until),
        reasons=frozenset(json.loads(row.reasons or "[]")),
        text=clean(row.text),
    )
