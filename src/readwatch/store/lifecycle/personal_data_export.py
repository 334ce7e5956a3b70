"""All data about one user without secrets, in chunks, to be given to the user."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import peewee
from peewee import fn

from readwatch.domain.text import SafeText, clean
from readwatch.store.audit.log import Permit
from readwatch.store.engine import models
from readwatch.store.engine.connections import Database

ROWS_AT_ONCE = 5_000

Value = int | float | bool | datetime | SafeText | None

_ACTORS = {
    models.ConsultantAccessLog: models.ConsultantAccessLog.consultant_user,
    models.CaseNotes: models.CaseNotes.author_user,
}
_LONGEST = 2**20
_SECRETS = {models.Users.password_hash, models.ReaderSessions.session_token}
_SECRETS |= {models.StaffSessions.session_token, models.Invitations.code_hash}


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the export: the rows at the start, with values in the order of `columns`."""

    name: str
    columns: tuple[str, ...]
    length: int
    _key: peewee.Field
    _query: Any

    def chunks(self, db: Database) -> Iterator[list[tuple[Value, ...]]]:
        """Yield the rows in the order of their key, without rows added since the start."""
        query, left = self._query, self.length
        while left > 0:
            rows = list(query.limit(min(left, ROWS_AT_ONCE)).execute(db))
            if not rows:
                return
            yield [tuple(_value(value) for value in row[1:]) for row in rows]
            query, left = self._query.where(self._key > rows[-1][0]), left - len(rows)


def parts(db: Database, permit: Permit) -> tuple[Part, ...]:
    """Return all data about one user: account, profile, sessions, invitation, activities, reading
    progress, hours of reading, totals of archived activities, case notes about the user, that the
    user wrote some about others, the user's own entries of the access log, and accesses to the
    user's data. Who wrote a note or accessed the data is given by role only."""
    user_id = permit.subject_id
    log, session, user = models.ConsultantAccessLog, models.ReaderSessions, models.Users
    accesses = (log.id, log.created_at, user.user_role, log.action_type, log.action_details)
    member, assigned = models.ReaderGroupMembers, models.ConsultantGroups
    note = models.CaseNotes
    about = (
        note.id,
        note.created_at,
        user.user_role,
        note.kind,
        note.text,
        note.until,
        note.reasons,
    )
    own = (log.id, log.created_at, log.action_type, log.action_details, log.ip_address)
    return (
        _part(db, "account", user.id, user.id == user_id),
        _part(db, "profile", models.ReaderProfiles.id, models.ReaderProfiles.user == user_id),
        _part(db, "sessions", session.id, session.user == user_id),
        _part(db, "staff_sessions", models.StaffSessions.id, models.StaffSessions.user == user_id),
        _part(db, "invitations", models.Invitations.user, models.Invitations.user == user_id),
        _part(db, "groups", member.group, member.user == user_id, _of_group(member.added_at)),
        _part(
            db,
            "assigned_groups",
            assigned.group,
            assigned.user == user_id,
            _of_group(assigned.assigned_at),
        ),
        _part(
            db, "activities", models.ReaderActivities.id, models.ReaderActivities.user == user_id
        ),
        _part(
            db,
            "content_progress",
            models.ReaderContentProgress.content_id,
            models.ReaderContentProgress.user == user_id,
        ),
        _part(db, "quizzes", models.ReaderQuizzes.content_id, models.ReaderQuizzes.user == user_id),
        _part(db, "hours", models.ReaderHours.hour, models.ReaderHours.user == user_id),
        *(
            _part(db, table._meta.table_name, key, table.user == user_id)
            for table, key in (
                (models.ArchivedTotals, models.ArchivedTotals.user),
                (models.ArchivedContentProgress, models.ArchivedContentProgress.content_id),
                (models.ArchivedQuizzes, models.ArchivedQuizzes.content_id),
            )
        ),
        _part(db, "case_notes", note.id, note.user == user_id, about),
        _part(
            db,
            "case_notes_by_this_user",
            note.id,
            note.author_user == user_id,
            (note.id, note.created_at, note.kind, note.until),
        ),
        _part(db, "accesses_to_this_user", log.id, log.target_user == user_id, accesses),
        _part(db, "accesses_by_this_user", log.id, log.consultant_user == user_id, own),
    )


def _of_group(since: peewee.Field) -> tuple[peewee.Field, ...]:
    return models.ReaderGroups.id, models.ReaderGroups.name, since


def _part(
    db: Database,
    name: str,
    key: peewee.Field,
    about: peewee.Expression,
    fields: tuple[peewee.Field, ...] = (),
) -> Part:
    """Return the rows that match `about`, with the given fields or all except secrets."""
    model = key.model
    fields = fields or tuple(field for field in model._meta.sorted_fields if field not in _SECRETS)
    query = model.select(key, *fields).where(about).order_by(key).tuples()
    if models.Users in {field.model for field in fields} - {model}:
        query = query.join(models.Users, on=_ACTORS[model] == models.Users.id)
    if models.ReaderGroups in {field.model for field in fields}:
        query = query.join(models.ReaderGroups)
    length = model.select(fn.count(key)).where(about).tuples().execute(db)[0][0]
    return Part(name, tuple(field.column_name for field in fields), length, key, query)


def _value(value: Any) -> Value:
    """Return a value as safe text; JSON is parsed already by PostgreSQL's driver and Peewee."""
    if isinstance(value, dict | list):
        value = json.dumps(value, ensure_ascii=False)
    return clean(value, limit=_LONGEST) if isinstance(value, str) else value
