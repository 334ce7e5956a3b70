"""Readers' data: their own for readers; for consultants and admins after the look is on record."""

from typing import Any

from flask import Blueprint, request

from readwatch.domain.access_log import Action, Look, Permit
from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.ingest.authentication import current_caller, current_staff
from readwatch.ingest.bodies import Page, PageBefore, query
from readwatch.ingest.service import service
from readwatch.ingest.shown import shown
from readwatch.store import access_log, overview, readers
from readwatch.store.database import using

routes = Blueprint("readers", __name__)


@routes.get("/api/readers/online")
def online() -> dict[str, Any]:
    """Return who is online, the one heard from last first."""
    current_staff()
    running = service()
    now = running.now()
    with using(running.db) as db:
        found = overview.online_readers(db, now)
    return {"readers": [shown(reader) | {"state": reader.presence(now)} for reader in found]}


@routes.get("/api/readers/<int:reader_id>")
def reader(reader_id: int) -> dict[str, Any]:
    """Return the account and the profile of a reader."""
    permit = permitted(reader_id, Action.VIEWED_READER_PROFILE)
    with using(service().db) as db:
        user, profile = readers.account(db, permit), readers.profile(db, permit)
    return {"user": shown(user), "profile": shown(profile)}


@routes.get("/api/readers/<int:reader_id>/activities")
def activities(reader_id: int) -> dict[str, Any]:
    """Return a reader's activities, newest first; `before` is the id that a page ended with."""
    page = query(PageBefore)
    permit = permitted(reader_id, Action.VIEWED_READER_ACTIVITIES)
    with using(service().db) as db:
        readers.account(db, permit)
        found = readers.activities(db, permit, length=page.limit, before=page.before)
    return {"activities": [shown(activity) for activity in found]}


@routes.get("/api/readers/<int:reader_id>/sessions")
def sessions(reader_id: int) -> dict[str, Any]:
    """Return a reader's latest sessions, newest first."""
    page = query(Page)
    permit = permitted(reader_id, Action.VIEWED_READER_SESSIONS)
    with using(service().db) as db:
        readers.account(db, permit)
        found = readers.sessions(db, permit, length=page.limit)
    return {"sessions": [shown(session) for session in found]}


def permitted(reader_id: int, action: Action) -> Permit:
    """Return the caller's right to read this reader's data; staff's looks go on record first."""
    caller, running = current_caller(), service()
    if not caller.user_role.is_staff:
        if caller.user_id != reader_id:
            raise ReadwatchError(ErrorKind.FORBIDDEN, "readers see their own data only")
        return access_log.permit_own(caller)
    with using(running.db) as db:
        readers.require_reader(db, reader_id)  # whom there is not, nobody can look at
        look = Look(caller.user_id, action, reader_id, "api", request.remote_addr)
        return access_log.permit_look(db, look, running.now())
