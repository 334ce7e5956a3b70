"""Invitations: a person sets the first password, or a forgotten one, with a code."""

from flask import Blueprint, request

from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.users import checked_password
from readwatch.ingest.openapi import ANYONE, documented
from readwatch.ingest.request_body import MAX_LOGIN_BYTES, json_object
from readwatch.ingest.schemas import Invitation, validated
from readwatch.ingest.services import current_services
from readwatch.store.audit.log import append_in_transaction
from readwatch.store.engine.connections import Database, connection
from readwatch.store.engine.locks import Lock, acquire_lock
from readwatch.store.identity import accounts, invitations, lockout
from readwatch.store.identity.login import Origin, failures_counted
from readwatch.store.identity.passwords import hash_queued

routes = Blueprint("invitations", __name__)


@routes.post("/api/invitation")
@documented({204: None}, roles=ANYONE, body=Invitation, errors=(401, 429, 503))
def set_password() -> tuple[str, int]:
    """Set the password of an account with the code of an invitation, and end its sessions.

    A code is valid for 72 hours and for one password. A code that was used, has expired, was
    replaced or revoked, and one that never existed get the same 401. A password that is refused
    with 422 leaves the code valid. Wrong codes slow down further ones and logins from the same
    address.
    """
    body = validated(Invitation, json_object(None, MAX_LOGIN_BYTES))
    services = current_services()
    origin = Origin(address=request.remote_addr, program="api")
    with (
        services.metrics.failures_counted(),
        failures_counted(services.db, services.writer.run, origin, services.clock),
    ):
        with connection(services.db) as db:
            invited = invitations.invited_user(db, body.code, services.now())
        password = checked_password(body.password, invited.user_role)
        password_hash = hash_queued(password, services.settings.bcrypt_cost)

        def change(db: Database) -> None:
            now = services.now()
            acquire_lock(db, Lock.ROLLUPS)
            lockout.refuse_if_locked(db, None, origin.address, now)
            # The code may have been used, or the role changed, since the password was checked.
            user = invitations.invited_user(db, body.code, now)
            checked_password(password, user.user_role)
            lockout.delete_failures(db, user.email, origin.address)
            if user.user_role.is_staff:
                event = AuditEvent(
                    actor_id=user.id,
                    action_type=AuditAction.SET_PASSWORD,
                    subject_id=user.id,
                    details="api, invitation",
                    ip_address=origin.address,
                )
                append_in_transaction(db, event, now)
            # After the entry: for staff the engine refuses a new password without it.
            accounts.set_password(db, user.id, password_hash, now)

        services.writer.run(change)
    return "", 204
