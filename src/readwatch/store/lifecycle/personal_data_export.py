"""All that is kept about one person, in portions, to be handed to them; secrets are left out."""

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

_LONGEST = 2**20
_SECRETS = {models.Users.password_hash, models.ReaderSessions.session_token}
_SECRETS |= {models.StaffSessions.session_token}


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of one kind, as many as there were; each has its values in the order of `columns`."""

    name: str
    columns: tuple[str, ...]
    length: int
    _key: peewee.Field
    _query: Any

    def portions(self, db: Database) -> Iterator[list[tuple[Value, ...]]]:
        """Yield the rows in the order of their key; what has come since is left out."""
        query, left = self._query, self.length
        while left > 0:
            found = list(query.limit(min(left, ROWS_AT_ONCE)).execute(db))
            if not found:
                return
            yield [tuple(_value(value) for value in row[1:]) for row in found]
            query, left = self._query.where(self._key > found[-1][0]), left - len(found)


def parts(db: Database, permit: Permit) -> tuple[Part, ...]:
    """Return what there is about one person: account, profile, sessions, what they read and did,
    what they looked at as staff, and who looked at them: that in roles, not in names."""
    person = permit.subject_id
    log, session, user = models.ConsultantAccessLog, models.ReaderSessions, models.Users
    looks = (log.id, log.created_at, user.user_role, log.action_type, log.action_details)
    own = (log.id, log.created_at, log.action_type, log.action_details, log.ip_address)
    return (
        _part(db, "account", user.id, user.id == person),
        _part(db, "profile", models.ReaderProfiles.id, models.ReaderProfiles.user == person),
        _part(db, "sessions", session.id, session.user == person),
        _part(db, "staff_sessions", models.StaffSessions.id, models.StaffSessions.user == person),
        _part(db, "activities", models.ReaderActivities.id, models.ReaderActivities.user == person),
        _part(
            db,
            "content_progress",
            models.ReaderContentProgress.content_id,
            models.ReaderContentProgress.user == person,
        ),
        _part(db, "quizzes", models.ReaderQuizzes.content_id, models.ReaderQuizzes.user == person),
        _part(db, "looks_at_this_person", log.id, log.target_user == person, looks),
        _part(db, "looks_of_this_person", log.id, log.consultant_user == person, own),
    )


def _part(
    db: Database,
    name: str,
    key: peewee.Field,
    about: peewee.Expression,
    fields: tuple[peewee.Field, ...] = (),
) -> Part:
    """Return the rows that are `about` a person, with these fields or all that are no secret."""
    model = key.model
    fields = fields or tuple(it for it in model._meta.sorted_fields if it not in _SECRETS)
    query = model.select(key, *fields).where(about).order_by(key).tuples()
    if models.Users in {field.model for field in fields} - {model}:
        query = query.join(
            models.Users, on=models.ConsultantAccessLog.consultant_user == models.Users.id
        )
    length = model.select(fn.count(key)).where(about).tuples().execute(db)[0][0]
    return Part(name, tuple(field.column_name for field in fields), length, key, query)


def _value(value: Any) -> Value:
    """Return a value as it can be shown; PostgreSQL's driver and Peewee have parsed JSON."""
    if isinstance(value, dict | list):
        value = json.dumps(value, ensure_ascii=False)
    return clean(value, limit=_LONGEST) if isinstance(value, str) else value
