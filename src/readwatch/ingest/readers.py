"""Data of readers, for the readers themselves, and for staff after the access is logged."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint
from typing_extensions import TypedDict

from readwatch.domain.audit import AuditAction
from readwatch.domain.presence import Presence
from readwatch.domain.sessions import OnlineReader, Session
from readwatch.domain.users import ReaderProfile, User
from readwatch.ingest.authentication import current_principal
from readwatch.ingest.authorization import (
    authorize_list,
    authorize_reader_data,
    authorize_rows,
)
from readwatch.ingest.feed import Activities
from readwatch.ingest.openapi import STAFF, Link, documented
from readwatch.ingest.schemas import Page, PageBefore, query_parameters
from readwatch.ingest.serialization import serialize
from readwatch.ingest.services import current_services
from readwatch.store import reader_data
from readwatch.store.engine.connections import connection
from readwatch.store.lists.online import online_ids, online_readers
from readwatch.store.lists.query import ListQuery

routes = Blueprint("readers", __name__)

_SAME_READER = {"reader_id": "$request.path.reader_id"}


@dataclass(frozen=True, slots=True)
class OnlineReaderWithPresence(OnlineReader):
    """A reader who is online, with the reader's presence."""

    presence: Presence


class OnlineReaders(TypedDict):
    """The readers who are online."""

    readers: Sequence[OnlineReaderWithPresence]


class ReaderAccount(TypedDict):
    """A reader's account and profile."""

    user: User
    profile: ReaderProfile


class Sessions(TypedDict):
    """A reader's latest sessions."""

    sessions: Sequence[Session]


@routes.get("/api/readers/online")
@documented(
    {200: OnlineReaders},
    roles=STAFF,
    links=(
        Link(
            "readers_reader",
            "The first reader of the list.",
            parameters={"reader_id": "$response.body#/readers/0/user_id"},
        ),
    ),
)
def online() -> OnlineReaders:
    """Return the readers who are online, the latest heartbeat first."""
    access = authorize_list("online")
    services = current_services()
    now = services.now()
    with connection(services.db) as db:
        ids = online_ids(db, access, ListQuery("full_name"), now).ids
    rows = authorize_rows(access, "online", ids)
    with connection(services.db) as db:
        readers = online_readers(db, rows, ids, now)
    return {
        "readers": [
            OnlineReaderWithPresence(**serialize(reader), presence=reader.presence_at(now))
            for reader in readers
        ]
    }


@routes.get("/api/readers/<id:reader_id>")
@documented(
    {200: ReaderAccount},
    errors=(403, 404),
    links=(
        Link("readers_activities", "The reader's activities.", parameters=_SAME_READER),
        Link("readers_sessions", "The reader's sessions.", parameters=_SAME_READER),
    ),
)
def reader(reader_id: int) -> ReaderAccount:
    """Return the account and the profile of a reader."""
    permit = authorize_reader_data(
        current_principal(), reader_id, AuditAction.VIEWED_READER_PROFILE
    )
    with connection(current_services().db) as db:
        user, profile = reader_data.account(db, permit), reader_data.profile(db, permit)
    return {"user": user, "profile": profile}


@routes.get("/api/readers/<id:reader_id>/activities")
@documented(
    {200: Activities},
    query=PageBefore,
    errors=(403, 404),
    links=(
        Link(
            "readers_activities",
            "Older activities than the first one.",
            parameters={**_SAME_READER, "before": "$response.body#/activities/0/id"},
        ),
    ),
)
def activities(reader_id: int) -> Activities:
    """Return a reader's activities, newest first; `before` is the last id of the previous page."""
    principal, page = current_principal(), query_parameters(PageBefore)
    permit = authorize_reader_data(principal, reader_id, AuditAction.VIEWED_READER_ACTIVITIES)
    with connection(current_services().db) as db:
        reader_data.require_reader(db, permit.subject_id)
        rows = reader_data.activities(db, permit, length=page.limit, before=page.before)
    return {"activities": rows}


@routes.get("/api/readers/<id:reader_id>/sessions")
@documented({200: Sessions}, query=Page, errors=(403, 404))
def sessions(reader_id: int) -> Sessions:
    """Return a reader's latest sessions, newest first."""
    principal, page = current_principal(), query_parameters(Page)
    permit = authorize_reader_data(principal, reader_id, AuditAction.VIEWED_READER_SESSIONS)
    with connection(current_services().db) as db:
        reader_data.require_reader(db, permit.subject_id)
        rows = reader_data.sessions(db, permit, length=page.limit)
    return {"sessions": rows}
