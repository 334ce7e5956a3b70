"""Login, resume and logout."""

from datetime import datetime
from typing import Annotated, Literal

from flask import Blueprint, request
from pydantic import Field
from typing_extensions import TypedDict

from readwatch.domain.errors import ReadwatchError
from readwatch.domain.sessions import Principal
from readwatch.domain.users import User
from readwatch.ingest.authentication import current_principal, current_token_hash
from readwatch.ingest.openapi import ANYONE, Link, documented
from readwatch.ingest.request_body import MAX_LOGIN_BYTES, json_object
from readwatch.ingest.schemas import Login, Resume, validated
from readwatch.ingest.services import Services, current_services
from readwatch.store.engine.connections import Database
from readwatch.store.identity import resume_tokens, sessions
from readwatch.store.identity.login import LoginSource, log_in
from readwatch.store.identity.tokens import Tokens, hash_token, new_resume_token, new_token

routes = Blueprint("sessions", __name__)


class LoggedIn(TypedDict):
    """A new session: its token, the time of the first heartbeat and a resume token (readers)."""

    token: Annotated[str, Field(description="for `Authorization: Bearer`")]
    token_type: Literal["Bearer"]
    session_id: int
    heartbeat_seconds: Annotated[int, Field(description="send the first heartbeat after this time")]
    resume_token: Annotated[str | None, Field(description="null for consultants and admins")]
    user: User


_AUTHENTICATED = "Send `token` as the bearer token."
_OWN_ID = {"reader_id": "$response.body#/user/id"}
_AFTER_LOGIN = (
    Link("heartbeat_heartbeat", _AUTHENTICATED),
    Link("activities_add_activities", _AUTHENTICATED),
    Link("account_me", _AUTHENTICATED),
    Link("readers_reader", "The reader's own account.", parameters=_OWN_ID),
    Link("readers_activities", "The reader's own activities.", parameters=_OWN_ID),
    Link("readers_sessions", "The reader's own sessions.", parameters=_OWN_ID),
    Link(
        "sessions_resume",
        "When the session has ended.",
        body={"resume_token": "$response.body#/resume_token"},
    ),
    Link("sessions_logout", _AUTHENTICATED),
)


@routes.post("/api/login")
@documented({200: LoggedIn}, roles=ANYONE, body=Login, errors=(401, 429, 503), links=_AFTER_LOGIN)
def login() -> LoggedIn:
    """Log in with e-mail and password; each login opens a session."""
    body = validated(Login, json_object(None, MAX_LOGIN_BYTES))
    services, user_agent = current_services(), request.user_agent.string or None
    source = LoginSource(email=body.email, address=request.remote_addr, program="api")
    tokens = Tokens(new_token(), new_resume_token())

    def open_session(db: Database, user: User, now: datetime) -> tuple[User, Principal]:
        principal = sessions.open_session(
            db,
            user,
            hash_token(tokens.session_token),
            now,
            ip_address=source.address,
            user_agent=user_agent,
            device_type=body.device_type,
        )
        if not user.user_role.is_staff:
            resume_tokens.save_resume_token(db, principal, tokens.resume_token, now)
        return user, principal

    with services.metrics.failures_counted():
        user, principal = log_in(
            services.db,
            services.writer.run,
            source,
            body.password,
            services.clock,
            open_session,
            cost=services.settings.bcrypt_cost,
        )
    return _logged_in(services, user, principal, tokens)


@routes.post("/api/resume")
@documented({200: LoggedIn}, roles=ANYONE, body=Resume, errors=(401, 503), links=_AFTER_LOGIN)
def resume() -> LoggedIn:
    """Open a new session with a resume token instead of the password.

    The response contains new tokens; store both before you use them. If the response is lost, send
    the request again: until the new token or the new resume token is first used, the same resume
    token gets the same response. After that it is old, and sending it ends the session, as a logout
    does. A resume token expires after 30 days.
    """
    body, services = (
        validated(Resume, json_object(None, MAX_LOGIN_BYTES)),
        current_services(),
    )
    address, agent = request.remote_addr, request.user_agent.string or None
    resumed = services.writer.run(
        lambda db: resume_tokens.resume_session(
            db,
            body.resume_token,
            services.now(),
            ip_address=address,
            user_agent=agent,
            device_type=body.device_type,
        )
    )
    if isinstance(resumed, ReadwatchError):
        raise resumed
    return _logged_in(services, resumed.user, resumed.principal, resumed.tokens)


def _logged_in(services: Services, user: User, principal: Principal, tokens: Tokens) -> LoggedIn:
    return {
        "token": tokens.session_token,
        "token_type": "Bearer",
        "session_id": principal.session_id,
        "heartbeat_seconds": services.load_shedder.heartbeat_seconds(),
        "resume_token": None if user.user_role.is_staff else tokens.resume_token,
        "user": user,
    }


@routes.post("/api/logout")
@documented({204: None})
def logout() -> tuple[str, int]:
    """End the session and delete its resume token.

    If the session has ended already, the device is logged out too, and the response is 401.
    """
    services, session_token = current_services(), current_token_hash()
    if services.session_cache.find(session_token, services.now()) is None:
        services.writer.run(lambda db: resume_tokens.end_device(db, session_token, services.now()))
    principal = current_principal()
    services.writer.run(lambda db: sessions.end_session(db, principal, services.now()))
    services.session_cache.discard(session_token)
    return "", 204
