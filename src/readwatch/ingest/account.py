"""Login, logout and one's own account."""

from typing import Any

from flask import Blueprint, request

from readwatch.domain.sessions import HEARTBEAT_SECONDS
from readwatch.domain.users import UserRole
from readwatch.ingest.authentication import current_caller, current_token_hash
from readwatch.ingest.bodies import Login, checked, json_object
from readwatch.ingest.service import service
from readwatch.ingest.shown import shown
from readwatch.store import readers, sessions, users
from readwatch.store.access_log import permit_own
from readwatch.store.database import using
from readwatch.store.tokens import new_token, token_hash

routes = Blueprint("account", __name__)


@routes.post("/api/login")
def login() -> dict[str, Any]:
    """Open a session for the one who knows the password."""
    body = checked(Login, json_object())
    running = service()
    with using(running.db) as db:
        user = users.authenticate(db, body.email, body.password, cost=running.settings.bcrypt_cost)
    token = new_token()
    address, agent = request.remote_addr, request.user_agent.string or None
    caller = running.writer.run(
        lambda db: sessions.open_session(
            db,
            user,
            token_hash(token),
            running.now(),
            ip_address=address,
            user_agent=agent,
            device_type=body.device_type,
        )
    )
    return {
        "token": token,
        "token_type": "Bearer",
        "session_id": caller.session_id,
        "heartbeat_seconds": HEARTBEAT_SECONDS,
        "user": shown(user),
    }


@routes.post("/api/logout")
def logout() -> tuple[str, int]:
    """End the session of the token."""
    caller, running = current_caller(), service()
    running.writer.run(lambda db: sessions.end_session(db, caller, running.now()))
    running.callers.forget(current_token_hash())
    return "", 204


@routes.get("/api/me")
def me() -> dict[str, Any]:
    """Return the caller's own account, and the profile of a reader."""
    caller = current_caller()
    with using(service().db) as db:
        user = users.get_user(db, caller.user_id)
        profile = (
            readers.profile(db, permit_own(caller)) if caller.user_role is UserRole.READER else None
        )
    return {"user": shown(user), "profile": profile and shown(profile)}
