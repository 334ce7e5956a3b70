"""A user's own account, access log and password."""

from collections.abc import Sequence

from flask import Blueprint, request
from typing_extensions import TypedDict

from readwatch.domain.audit import AuditAction, AuditEntryForReader, AuditEvent
from readwatch.domain.users import ReaderProfile, User, UserRole, checked_password
from readwatch.ingest.authentication import current_principal
from readwatch.ingest.openapi import Link, documented
from readwatch.ingest.request_body import MAX_LOGIN_BYTES, json_object
from readwatch.ingest.schemas import PageBefore, PasswordChange, query_parameters, validated
from readwatch.ingest.services import current_services
from readwatch.store import reader_data
from readwatch.store.audit import heads
from readwatch.store.audit.log import append_in_transaction, permit_own_data
from readwatch.store.engine.connections import Database, connection
from readwatch.store.identity import invitations, lockout, sessions, users
from readwatch.store.identity.login import LoginSource, failures_counted
from readwatch.store.identity.passwords import hash_queued

routes = Blueprint("account", __name__)


class OwnAccount(TypedDict):
    """The user's own account; only readers have a profile."""

    user: User
    profile: ReaderProfile | None


class LogHead(TypedDict):
    """The last entry of the whole log; a later log without it was cut off or rewritten."""

    id: int
    row_hash: str


class OwnAccessLog(TypedDict):
    """The entries of the access log about the user's own data, and the end of the whole log."""

    entries: Sequence[AuditEntryForReader]
    head: LogHead


@routes.get("/api/me")
@documented(
    {200: OwnAccount},
    links=(
        Link(
            "readers_reader",
            "A reader's own account.",
            parameters={"reader_id": "$response.body#/user/id"},
        ),
        Link("account_access_log", "Who accessed the user's own data."),
    ),
)
def me() -> OwnAccount:
    """Return the user's own account and, for a reader, the profile."""
    principal = current_principal()
    with connection(current_services().db) as db:
        user = users.get_user(db, principal.user_id)
        profile = (
            reader_data.profile(db, permit_own_data(principal))
            if principal.user_role is UserRole.READER
            else None
        )
    return {"user": user, "profile": profile}


@routes.get("/api/me/access-log")
@documented(
    {200: OwnAccessLog},
    query=PageBefore,
    links=(
        Link(
            "account_access_log",
            "Older entries than the first one.",
            parameters={"before": "$response.body#/entries/0/id"},
        ),
    ),
)
def access_log() -> OwnAccessLog:
    """Return who accessed the user's own data, newest first.

    `before` is the last id of the previous page. `action_type` names the view or the action.
    `full_name` is null unless a setting of the service shows the names of consultants and admins.
    `head` is the last entry of the whole log, whoever it is about.
    """
    principal, page = current_principal(), query_parameters(PageBefore)
    services = current_services()
    by_name = services.settings.viewers_shown_by == "name"
    with connection(services.db) as db:
        entries = reader_data.accesses(
            db, permit_own_data(principal), by_name=by_name, length=page.limit, before=page.before
        )
        head = heads.last_entry(db)
    return {"entries": entries, "head": {"id": head.id, "row_hash": head.row_hash}}


@routes.put("/api/me/password")
@documented({204: None}, body=PasswordChange, errors=(403, 429))
def change_password() -> tuple[str, int]:
    """Change the user's own password and end all other sessions of the user."""
    principal, services = current_principal(), current_services()
    body = validated(PasswordChange, json_object(principal, MAX_LOGIN_BYTES))
    cost = services.settings.bcrypt_cost
    new_password = checked_password(body.new_password, principal.user_role, field="new_password")
    with connection(services.db) as db:
        email = users.get_user(db, principal.user_id).email
    source = LoginSource(email=email, address=request.remote_addr, program="api")
    with (
        services.metrics.failures_counted(),
        failures_counted(services.db, services.writer.run, source, services.clock),
    ):
        old_hash = users.check_current_password(
            services.db, principal.user_id, body.current_password, cost=cost
        )
    new_hash = hash_queued(new_password, cost)

    def change(db: Database) -> None:
        now = services.now()
        lockout.refuse_if_locked(db, email, source.address, now)
        lockout.delete_failures(db, email, source.address)
        if principal.user_role.is_staff:
            event = AuditEvent(
                actor_id=principal.user_id,
                action_type=AuditAction.SET_PASSWORD,
                subject_id=principal.user_id,
                details="api",
                ip_address=source.address,
            )
            append_in_transaction(db, event, now)
        # After the entry: for staff the engine refuses a new password without it.
        users.change_password(db, principal.user_id, old_hash, new_hash, now)
        invitations.revoke(db, principal.user_id)
        sessions.end_other_sessions(db, principal, now)

    services.writer.run(change)
    return "", 204
