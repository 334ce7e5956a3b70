"""Authorization: readers read their own data, staff read all data after the access is logged.

Each view calls one of these functions, or `current_principal` if any valid token is enough. A list
calls two: one before it finds its rows, one before it reads them.
"""

from collections.abc import Iterable

from flask import request

from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.domain.sessions import Principal
from readwatch.domain.users import UserRole
from readwatch.ingest.authentication import current_principal
from readwatch.ingest.services import current_services
from readwatch.store import reader_data
from readwatch.store.audit.log import (
    ListAccess,
    OutsideScope,
    Permit,
    RowAccess,
    is_in_scope,
    list_access,
    permit_own_data,
)
from readwatch.store.engine.connections import connection
from readwatch.store.identity.users import id_or_none


def require_reader() -> Principal:
    """Return the reader who sent the request; refuse everybody else with 403."""
    principal = current_principal()
    if principal.user_role is not UserRole.READER:
        raise ReadwatchError(ErrorKind.FORBIDDEN, "only readers can do this")
    return principal


def authorize_list(view: str) -> ListAccess:
    """Return the right of staff to find the rows of a list; refuse a reader with 403."""
    principal, services = current_principal(), current_services()
    try:
        with connection(services.db) as db:
            return list_access(db, principal.user_id)
    except ReadwatchError as error:
        if error.kind is ErrorKind.FORBIDDEN:
            _log_refusal(principal, view)
        raise


def authorize_rows(
    access: ListAccess, view: str, reader_ids: Iterable[int | None], *, page: str = ""
) -> RowAccess:
    """Log the access to the rows of a list, and return the right to read them.

    `reader_ids` are the readers of the rows; a list with pages names the `page`.
    """
    services = current_services()
    return services.audit_deduplicator.log_rows(
        access,
        _list_event(access, view),
        reader_ids,
        services.now(),
        page_event=_list_event(access, f"{view} {page}") if page else None,
    )


def _list_event(access: ListAccess, view: str) -> AuditEvent:
    return AuditEvent(
        actor_id=access.user_id,
        action_type=AuditAction.VIEWED_LIST,
        details=f"api, {view}",
        ip_address=request.remote_addr,
    )


def authorize_reader_data(principal: Principal, reader_id: int, action: AuditAction) -> Permit:
    """Return the permit of readers for their own data, or of staff after logging the access.

    Another reader's data is refused with 403, as is to a consultant of groups that of a reader of
    others; an id that is no reader's with 404.
    """
    services = current_services()
    if not principal.user_role.is_staff:
        if principal.user_id != reader_id:
            _log_refusal(principal, action, reader_id)
            raise ReadwatchError(ErrorKind.FORBIDDEN, "readers can see only their own data")
        return permit_own_data(principal)
    with connection(services.db) as db:
        # First, so that the answer does not tell which ids are those of other readers.
        is_visible = is_in_scope(db, principal.user_id, reader_id)
        if is_visible:
            reader_data.require_reader(db, reader_id)
    if not is_visible:
        _log_refusal(principal, action, reader_id)
        raise OutsideScope
    event = AuditEvent(
        actor_id=principal.user_id,
        action_type=action,
        subject_id=reader_id,
        details="api",
        ip_address=request.remote_addr,
    )
    return services.audit_deduplicator.log_access(event, services.now())


def _log_refusal(principal: Principal, view: str, reader_id: int | None = None) -> None:
    services = current_services()
    with connection(services.db) as db:
        target_id = None if reader_id is None else id_or_none(db, reader_id)
    event = AuditEvent(
        actor_id=principal.user_id,
        action_type=AuditAction.REFUSED_ACCESS,
        subject_id=target_id,
        details=f"api, {view}",
        ip_address=request.remote_addr,
    )
    services.audit_deduplicator.log_refusal(
        event, services.now(), of_staff=principal.user_role.is_staff
    )
