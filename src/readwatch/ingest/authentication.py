"""Who sent a request: the token in its header says so."""

from flask import request

from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.domain.sessions import Principal
from readwatch.domain.users import UserRole
from readwatch.ingest.services import services
from readwatch.store.audit.log import LoggedListAccess, list_access
from readwatch.store.engine.connections import connection
from readwatch.store.identity.tokens import token_hash
from readwatch.store.identity.users import existing_id


def current_caller() -> Principal:
    """Return who sent the request; without a valid token the answer is 401."""
    running = services()
    caller = running.callers.find(current_token_hash(), running.now())
    if caller is None:
        raise ReadwatchError(
            ErrorKind.UNAUTHENTICATED, "this token is not valid any more; log in again"
        )
    return caller


def current_token_hash() -> str:
    """Return the hash of the token that came with the request; without one the answer is 401."""
    scheme, _, token = request.environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise ReadwatchError(
            ErrorKind.UNAUTHENTICATED, "a token is needed: Authorization: Bearer <token>"
        )
    return token_hash(token.strip())


def current_reader() -> Principal:
    """Return the reader who sent the request; anybody else's token is refused with 403."""
    caller = current_caller()
    if caller.user_role is not UserRole.READER:
        raise ReadwatchError(ErrorKind.FORBIDDEN, "only readers can do this")
    return caller


def admit_to_list(view: str) -> LoggedListAccess:
    """Return the right of a consultant or an admin to see a list of all readers, logged first.

    A reader is refused with 403.
    """
    caller, running = current_caller(), services()
    if not caller.user_role.is_staff:
        raise refused(caller, "only consultants and admins can do this", view)
    look = AuditEvent(
        caller.user_id,
        AuditAction.VIEWED_LIST,
        details=f"api, {view}",
        ip_address=request.remote_addr,
    )
    with connection(running.db) as db:
        access = list_access(db, caller.user_id)
    return running.looks.log_list_access(access, look, running.now())


def refused(
    caller: Principal, sentence: str, view: str, reader_id: int | None = None
) -> ReadwatchError:
    """Return the refusal of a look at others' data, once it is on record."""
    running = services()
    with connection(running.db) as db:
        target_id = None if reader_id is None else existing_id(db, reader_id)
    look = AuditEvent(
        caller.user_id, AuditAction.REFUSED_ACCESS, target_id, f"api, {view}", request.remote_addr
    )
    running.looks.log_refusal(look, running.now())
    return ReadwatchError(ErrorKind.FORBIDDEN, sentence)
