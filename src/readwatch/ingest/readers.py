"""Readers' data: their own for readers; for consultants and admins after the look is on record."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, request
from typing_extensions import TypedDict

from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.presence import Presence
from readwatch.domain.sessions import OnlineReader, Principal, Session
from readwatch.domain.users import ReaderProfile, User
from readwatch.ingest.authentication import admit_to_list, current_caller, refused
from readwatch.ingest.feed import Activities
from readwatch.ingest.openapi import STAFF, described
from readwatch.ingest.schemas import Page, PageBefore, query
from readwatch.ingest.serialization import serialize
from readwatch.ingest.services import services
from readwatch.store import reader_data
from readwatch.store.audit.log import Permit, permit_own
from readwatch.store.engine.connections import connection
from readwatch.store.lists.online import online_readers

routes = Blueprint("readers", __name__)


@dataclass(frozen=True, slots=True)
class SeenReader(OnlineReader):
    """A reader who is online, and what they seem to be doing."""

    presence: Presence


class Online(TypedDict):
    """Who is online."""

    readers: Sequence[SeenReader]


class Account(TypedDict):
    """A reader."""

    user: User
    profile: ReaderProfile


class Sessions(TypedDict):
    """A reader's latest sessions."""

    sessions: Sequence[Session]


@routes.get("/api/readers/online")
@described({200: Online}, who=STAFF)
def online() -> Online:
    """Return who is online, the one heard from last first."""
    admit_to_list("online")
    running = services()
    now = running.now()
    with connection(running.db) as db:
        found = online_readers(db, now)
    return {"readers": [SeenReader(**serialize(it), presence=it.presence_at(now)) for it in found]}


@routes.get("/api/readers/<id:reader_id>")
@described({200: Account}, errors=(403, 404))
def reader(reader_id: int) -> Account:
    """Return the account and the profile of a reader."""
    permit = permitted(current_caller(), reader_id, AuditAction.VIEWED_READER_PROFILE)
    with connection(services().db) as db:
        user, profile = reader_data.account(db, permit), reader_data.profile(db, permit)
    return {"user": user, "profile": profile}


@routes.get("/api/readers/<id:reader_id>/activities")
@described({200: Activities}, query=PageBefore, errors=(403, 404))
def activities(reader_id: int) -> Activities:
    """Return a reader's activities, newest first; `before` is the id that a page ended with."""
    caller, page = current_caller(), query(PageBefore)
    permit = permitted(caller, reader_id, AuditAction.VIEWED_READER_ACTIVITIES)
    with connection(services().db) as db:
        reader_data.account(db, permit)
        found = reader_data.activities(db, permit, length=page.limit, before=page.before)
    return {"activities": found}


@routes.get("/api/readers/<id:reader_id>/sessions")
@described({200: Sessions}, query=Page, errors=(403, 404))
def sessions(reader_id: int) -> Sessions:
    """Return a reader's latest sessions, newest first."""
    caller, page = current_caller(), query(Page)
    permit = permitted(caller, reader_id, AuditAction.VIEWED_READER_SESSIONS)
    with connection(services().db) as db:
        reader_data.account(db, permit)
        found = reader_data.sessions(db, permit, length=page.limit)
    return {"sessions": found}


def permitted(caller: Principal, reader_id: int, action: AuditAction) -> Permit:
    """Return the caller's right to read this reader's data; staff's looks are on record first."""
    running = services()
    if not caller.user_role.is_staff:
        if caller.user_id != reader_id:
            raise refused(caller, "readers see their own data only", action, reader_id)
        return permit_own(caller)
    with connection(running.db) as db:
        reader_data.require_reader(db, reader_id)  # whom there is not, nobody can look at
    look = AuditEvent(caller.user_id, action, reader_id, "api", request.remote_addr)
    return running.looks.log_access(look, running.now())
