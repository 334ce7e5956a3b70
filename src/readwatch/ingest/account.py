"""Login, logout, coming back, and one's own account."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from flask import Blueprint, request
from typing_extensions import TypedDict

from readwatch.domain.audit import AuditAction, AuditEntryForReader, AuditEvent
from readwatch.domain.errors import ReadwatchError
from readwatch.domain.sessions import Principal
from readwatch.domain.users import ReaderProfile, User, UserRole, checked_password
from readwatch.ingest.authentication import current_caller, current_token_hash
from readwatch.ingest.openapi import ANYONE, described
from readwatch.ingest.request_body import MAX_LOGIN_BYTES, json_object
from readwatch.ingest.schemas import Login, PageBefore, PasswordChange, Resume, checked, query
from readwatch.ingest.services import services
from readwatch.store import reader_data
from readwatch.store.audit.log import append_in_transaction, permit_own
from readwatch.store.engine.connections import Database, connection
from readwatch.store.identity import lockout, resume_tokens, sessions, users
from readwatch.store.identity.login import LoginSource, failures_counted, log_in
from readwatch.store.identity.passwords import hash_queued
from readwatch.store.identity.tokens import family_of, new_resume_token, new_token, token_hash

routes = Blueprint("account", __name__)


class LoggedIn(TypedDict):
    """A token, and how often it wants a heartbeat; staff get no resume token."""

    token: str
    token_type: Literal["Bearer"]
    session_id: int
    heartbeat_seconds: int
    resume_token: str | None
    user: User


class OwnAccount(TypedDict):
    """Who the caller is; only readers have a profile."""

    user: User
    profile: ReaderProfile | None


class Looks(TypedDict):
    """Looks at one's own data."""

    looks: Sequence[AuditEntryForReader]


@routes.post("/api/login")
@described({200: LoggedIn}, who=ANYONE, body=Login, errors=(401, 429, 503))
def login() -> LoggedIn:
    """Open a session for the one who knows the password."""
    body = checked(Login, json_object(MAX_LOGIN_BYTES))
    running, agent = services(), request.user_agent.string or None
    source = LoginSource(email=body.email, address=request.remote_addr, program="api")
    token, new_resume = new_token(), new_resume_token()

    def open_session(db: Database, user: User, now: datetime) -> tuple[User, Principal]:
        caller = sessions.open_session(
            db,
            user,
            token_hash(token),
            now,
            ip_address=source.address,
            user_agent=agent,
            device_type=body.device_type,
        )
        if not user.user_role.is_staff:
            resume_tokens.save_resume_token(db, caller, new_resume, now)
        return user, caller

    user, caller = log_in(
        running.db,
        running.writer.run,
        source,
        body.password,
        running.clock,
        open_session,
        cost=running.settings.bcrypt_cost,
    )
    return _logged_in(user, caller, token, None if user.user_role.is_staff else new_resume)


@routes.post("/api/resume")
@described({200: LoggedIn}, who=ANYONE, body=Resume, errors=(401, 503))
def resume_session() -> LoggedIn:
    """Open a new session for a device that was signed in, without the password.

    Each resume token is good for once: keep the new one. One that is sent again signs the device
    out.
    """
    body, running = checked(Resume, json_object(MAX_LOGIN_BYTES)), services()
    token, address, agent = new_token(), request.remote_addr, request.user_agent.string or None
    resume_token = new_resume_token(family_of(body.resume_token))
    resumed = running.writer.run(
        lambda db: resume_tokens.resume_session(
            db,
            body.resume_token,
            resume_token,
            token_hash(token),
            running.now(),
            ip_address=address,
            user_agent=agent,
            device_type=body.device_type,
        )
    )
    if isinstance(resumed, ReadwatchError):
        raise resumed
    user, caller = resumed
    return _logged_in(user, caller, token, resume_token)


def _logged_in(user: User, caller: Principal, token: str, resume_token: str | None) -> LoggedIn:
    return {
        "token": token,
        "token_type": "Bearer",
        "session_id": caller.session_id,
        "heartbeat_seconds": services().load.heartbeat_seconds(),
        "resume_token": resume_token,
        "user": user,
    }


@routes.post("/api/logout")
@described({204: None})
def logout() -> tuple[str, int]:
    """End the session of the token; one that is silent for long cannot be resumed any more."""
    running, session_token = services(), current_token_hash()
    if running.callers.find(session_token, running.now()) is None:
        running.writer.run(lambda db: sessions.delete_resume_token(db, session_token))
    caller = current_caller()
    running.writer.run(lambda db: sessions.end_session(db, caller, running.now()))
    running.callers.discard(session_token)
    return "", 204


@routes.get("/api/me")
@described({200: OwnAccount})
def me() -> OwnAccount:
    """Return the caller's own account, and the profile of a reader."""
    caller = current_caller()
    with connection(services().db) as db:
        user = users.get_user(db, caller.user_id)
        profile = (
            reader_data.profile(db, permit_own(caller))
            if caller.user_role is UserRole.READER
            else None
        )
    return {"user": user, "profile": profile}


@routes.get("/api/me/access-log")
@described({200: Looks}, query=PageBefore)
def looks() -> Looks:
    """Return who looked at the caller's data, newest first; `before` is the id a page ended with.

    `action_type` names the view or the deed. Consultants and admins are named only where the
    installation says so, others never.
    """
    caller, page, running = current_caller(), query(PageBefore), services()
    by_name = running.settings.looks_told_by == "name"
    with connection(running.db) as db:
        found = reader_data.accesses(
            db, permit_own(caller), by_name=by_name, length=page.limit, before=page.before
        )
    return {"looks": found}


@routes.put("/api/me/password")
@described({204: None}, body=PasswordChange, errors=(403, 429))
def change_password() -> tuple[str, int]:
    """Change the caller's own password, and end all other sessions of this user."""
    caller, running = current_caller(), services()
    body, cost = checked(PasswordChange, json_object(MAX_LOGIN_BYTES)), running.settings.bcrypt_cost
    new_password = checked_password(body.new_password, caller.user_role, field="new_password")
    with connection(running.db) as db:
        email = users.get_user(db, caller.user_id).email
    source = LoginSource(email=email, address=request.remote_addr, program="api")
    with failures_counted(running.db, running.writer.run, source, running.clock):
        old_hash = users.check_current_password(
            running.db, caller.user_id, body.current_password, cost=cost
        )
    new_hash = hash_queued(new_password, cost)

    def change(db: Database) -> None:
        now = running.now()
        lockout.refuse_if_locked(db, email, source.address, now)
        lockout.delete_failures(db, email, source.address)
        users.change_password(db, caller.user_id, old_hash, new_hash, now)
        sessions.end_other_sessions(db, caller, now)
        if caller.user_role.is_staff:
            look = AuditEvent(
                caller.user_id, AuditAction.SET_PASSWORD, caller.user_id, "api", source.address
            )
            append_in_transaction(db, look, now)

    running.writer.run(change)
    return "", 204
