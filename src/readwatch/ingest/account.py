"""Login, resume, logout, and the principal's own account."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from flask import Blueprint, request
from typing_extensions import TypedDict

from readwatch.domain.audit import AuditAction, AuditEntryForReader, AuditEvent
from readwatch.domain.errors import ReadwatchError
from readwatch.domain.sessions import Principal
from readwatch.domain.users import ReaderProfile, User, UserRole, checked_password
from readwatch.ingest.authentication import current_principal, current_token_hash
from readwatch.ingest.openapi import ANYONE, documented
from readwatch.ingest.request_body import MAX_LOGIN_BYTES, json_object
from readwatch.ingest.schemas import (
    Login,
    PageBefore,
    PasswordChange,
    Resume,
    query_parameters,
    validated,
)
from readwatch.ingest.services import Services, current_services
from readwatch.store import reader_data
from readwatch.store.audit.log import append_in_transaction, permit_own
from readwatch.store.engine.connections import Database, connection
from readwatch.store.identity import lockout, resume_tokens, sessions, users
from readwatch.store.identity.login import LoginSource, failures_counted, log_in
from readwatch.store.identity.passwords import hash_in_turn
from readwatch.store.identity.tokens import family_of, new_resume_token, new_token, token_hash

routes = Blueprint("account", __name__)


class LoggedIn(TypedDict):
    """A new session: its token and when its first heartbeat is due; only readers can resume."""

    token: str
    token_type: Literal["Bearer"]
    session_id: int
    heartbeat_seconds: int
    resume_token: str | None
    user: User


class OwnAccount(TypedDict):
    """The principal's account; only readers have a profile."""

    user: User
    profile: ReaderProfile | None


class OwnAccessLog(TypedDict):
    """The entries of the access log about the principal's data."""

    entries: Sequence[AuditEntryForReader]


@routes.post("/api/login")
@documented({200: LoggedIn}, roles=ANYONE, body=Login, errors=(401, 429, 503))
def login() -> LoggedIn:
    """Log in with e-mail and password; each login opens a session."""
    body = validated(Login, json_object(MAX_LOGIN_BYTES))
    services, user_agent = current_services(), request.user_agent.string or None
    source = LoginSource(email=body.email, address=request.remote_addr, program="api")
    token, new_resume = new_token(), new_resume_token()

    def open_session(db: Database, user: User, now: datetime) -> tuple[User, Principal]:
        principal = sessions.open_session(
            db,
            user,
            token_hash(token),
            now,
            ip_address=source.address,
            user_agent=user_agent,
            device_type=body.device_type,
        )
        if not user.user_role.is_staff:
            resume_tokens.save_resume_token(db, principal, new_resume, now)
        return user, principal

    user, principal = log_in(
        services.db,
        services.writer.run,
        source,
        body.password,
        services.clock,
        open_session,
        cost=services.settings.bcrypt_cost,
    )
    resume_token = None if user.user_role.is_staff else new_resume
    return _logged_in(services, user, principal, token, resume_token)


@routes.post("/api/resume")
@documented({200: LoggedIn}, roles=ANYONE, body=Resume, errors=(401, 503))
def resume_session() -> LoggedIn:
    """Open a new session with a resume token instead of the password.

    Each resume token works once and expires after 30 days. Store the new one before you use it.
    Sending a token twice ends the session, as a logout does.
    """
    body, services = validated(Resume, json_object(MAX_LOGIN_BYTES)), current_services()
    token, address, agent = new_token(), request.remote_addr, request.user_agent.string or None
    resume_token = new_resume_token(family_of(body.resume_token))
    resumed = services.writer.run(
        lambda db: resume_tokens.resume_session(
            db,
            body.resume_token,
            resume_token,
            token_hash(token),
            services.now(),
            ip_address=address,
            user_agent=agent,
            device_type=body.device_type,
        )
    )
    if isinstance(resumed, ReadwatchError):
        raise resumed
    user, principal = resumed
    return _logged_in(services, user, principal, token, resume_token)


def _logged_in(
    services: Services, user: User, principal: Principal, token: str, resume_token: str | None
) -> LoggedIn:
    return {
        "token": token,
        "token_type": "Bearer",
        "session_id": principal.session_id,
        "heartbeat_seconds": services.load_shedder.heartbeat_seconds(),
        "resume_token": resume_token,
        "user": user,
    }


@routes.post("/api/logout")
@documented({204: None})
def logout() -> tuple[str, int]:
    """End the session and delete its resume token.

    If the session has ended already, the resume token is deleted too, and the response is 401.
    """
    services, session_token = current_services(), current_token_hash()
    if services.session_cache.find(session_token, services.now()) is None:
        services.writer.run(lambda db: sessions.delete_resume_token(db, session_token))
    principal = current_principal()
    services.writer.run(lambda db: sessions.end_session(db, principal, services.now()))
    services.session_cache.forget(session_token)
    return "", 204


@routes.get("/api/me")
@documented({200: OwnAccount})
def me() -> OwnAccount:
    """Return the principal's account and, for a reader, the profile."""
    principal = current_principal()
    with connection(current_services().db) as db:
        user = users.get_user(db, principal.user_id)
        profile = (
            reader_data.profile(db, permit_own(principal))
            if principal.user_role is UserRole.READER
            else None
        )
    return {"user": user, "profile": profile}


@routes.get("/api/me/access-log")
@documented({200: OwnAccessLog}, query=PageBefore)
def access_log() -> OwnAccessLog:
    """Return who accessed the principal's data, newest first.

    `before` is the last id of the previous page. `action_type` names the view or the action.
    `full_name` is null unless the installation shows the names of consultants and admins.
    """
    principal, page = current_principal(), query_parameters(PageBefore)
    services = current_services()
    by_name = services.settings.viewers_shown_by == "name"
    with connection(services.db) as db:
        entries = reader_data.looks(
            db, permit_own(principal), by_name=by_name, length=page.limit, before=page.before
        )
    return {"entries": entries}


@routes.put("/api/me/password")
@documented({204: None}, body=PasswordChange, errors=(403, 429))
def change_password() -> tuple[str, int]:
    """Change the principal's password and end all other sessions of the user."""
    principal, services = current_principal(), current_services()
    body, cost = (
        validated(PasswordChange, json_object(MAX_LOGIN_BYTES)),
        services.settings.bcrypt_cost,
    )
    new_password = checked_password(body.new_password, principal.user_role, field="new_password")
    with connection(services.db) as db:
        email = users.get_user(db, principal.user_id).email
    source = LoginSource(email=email, address=request.remote_addr, program="api")
    with failures_counted(services.db, services.writer.run, source, services.clock):
        old_hash = users.check_current_password(
            services.db, principal.user_id, body.current_password, cost=cost
        )
    new_hash = hash_in_turn(new_password, cost)

    def change(db: Database) -> None:
        now = services.now()
        lockout.refuse_if_locked(db, email, source.address, now)
        lockout.purge_failures(db, email, source.address)
        users.change_password(db, principal.user_id, old_hash, new_hash, now)
        sessions.end_other_sessions(db, principal, now)
        if principal.user_role.is_staff:
            event = AuditEvent(
                consultant_user_id=principal.user_id,
                action_type=AuditAction.SET_PASSWORD,
                target_user_id=principal.user_id,
                details="api",
                ip_address=source.address,
            )
            append_in_transaction(db, event, now)

    services.writer.run(change)
    return "", 204
