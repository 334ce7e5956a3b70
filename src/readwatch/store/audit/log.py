"""The access log: an access is logged before the data is read.

`Permit`, `ListAccess` and `RowAccess` prove that: queries of readers' data take one, and only this
module makes them.
"""

from collections.abc import Callable, Iterable
from dataclasses import InitVar, dataclass, replace
from datetime import datetime
from typing import Protocol, TypeVar

from readwatch.domain.audit import GENESIS, AuditAction, AuditEvent, entry_hash, few_readers
from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.domain.sessions import Principal
from readwatch.domain.users import UserRole
from readwatch.store.audit.scope import Scope, contains_all, scope_of
from readwatch.store.engine.bulk import BulkRow, BulkStatement
from readwatch.store.engine.compiled import TRUE, CompiledQuery, Param
from readwatch.store.engine.connections import Database, connection
from readwatch.store.engine.locks import Lock, acquire_lock
from readwatch.store.engine.models import ConsultantAccessLog, Users
from readwatch.store.engine.times import to_db_time

T = TypeVar("T")

_SEAL = object()

_HEAD = CompiledQuery(
    ConsultantAccessLog.select(ConsultantAccessLog.row_hash)
    .order_by(ConsultantAccessLog.id.desc())
    .limit(1)
)
_APPEND = CompiledQuery(
    ConsultantAccessLog.insert(
        {
            ConsultantAccessLog.consultant_user: Param("consultant_user_id"),
            ConsultantAccessLog.action_type: Param("action_type"),
            ConsultantAccessLog.target_user: Param("target_user_id"),
            ConsultantAccessLog.action_details: Param("action_details"),
            ConsultantAccessLog.ip_address: Param("ip_address"),
            ConsultantAccessLog.created_at: Param("created_at"),
            ConsultantAccessLog.prev_hash: Param("prev_hash"),
            ConsultantAccessLog.row_hash: Param("row_hash"),
        }
    ).returning(ConsultantAccessLog.id)
)
_APPEND_ALL = BulkStatement(
    {
        "consultant_user_id": "bigint",
        "action_type": "text",
        "target_user_id": "bigint",
        "action_details": "text",
        "ip_address": "text",
        "created_at": "timestamptz",
        "prev_hash": "text",
        "row_hash": "text",
    },
    """
    INSERT INTO consultant_access_log (
        consultant_user_id, action_type, target_user_id, action_details, ip_address, created_at,
        prev_hash, row_hash
    ) SELECT
        consultant_user_id, action_type, target_user_id, action_details, ip_address, created_at,
        prev_hash, row_hash
    FROM given
    """,
)
_ROLE = CompiledQuery(
    Users.select(Users.user_role).where(
        Users.id == Param("user_id"), Users.is_active == TRUE, Users.deleted_at.is_null()
    )
)


class RunInTransaction(Protocol):
    """Runs a write in a transaction, and returns its result after the commit."""

    def __call__(self, write: Callable[[Database], T], /) -> T:
        """Run `write` and commit."""


class Refusal(ReadwatchError):
    """An access or a change is refused; nothing is wrong with the access log."""


class OutsideScope(Refusal):
    """A consultant of groups may not see a reader of others."""

    def __init__(self) -> None:
        super().__init__(ErrorKind.FORBIDDEN, "this reader is in none of your groups")


# Proofs -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Permit:
    """Proof that a query may read the data of `subject_id`: the access is logged as the entry
    `entry_id` or, if that is None, users read their own data."""

    subject_id: int
    entry_id: int | None
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        """Raise TypeError if another module creates the object."""
        _check_seal(seal)


@dataclass(frozen=True, slots=True)
class ListAccess:
    """The right of an active consultant or admin to find the rows of a list, as ids: those of the
    readers in the scope."""

    user_id: int
    user_role: UserRole
    scope: Scope
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        """Raise TypeError if another module creates the object."""
        _check_seal(seal)


@dataclass(frozen=True, slots=True)
class RowAccess:
    """The right to read the rows that a list has found: nobody needs to be named in the access log,
    or everybody who needs to be is named."""

    user_id: int
    user_role: UserRole
    scope: Scope
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        """Raise TypeError if another module creates the object."""
        _check_seal(seal)


def _check_seal(seal: object) -> None:
    if seal is not _SEAL:
        raise TypeError("only the access log makes permits: call one of its functions")


def permit_own_data(principal: Principal) -> Permit:
    """Return the permit of users for their own data."""
    return Permit(principal.user_id, None, _SEAL)


def list_access(db: Database, user_id: int) -> ListAccess:
    """Return a user's right to list readers; refuse all but active consultants and admins."""
    role = _staff_role(db, user_id)
    return ListAccess(user_id, role, scope_of(db, user_id, role), _SEAL)


def _staff_role(db: Database, user_id: int) -> UserRole:
    """Return the role of an active consultant or admin; refuse everybody else."""
    user = _ROLE.one_or_none(db, user_id=user_id)
    role = UserRole(user.user_role) if user else UserRole.READER
    if not role.is_staff:
        raise ReadwatchError(ErrorKind.FORBIDDEN, "only consultants and admins can do this")
    return role


# Entries ----------------------------------------------------------------------------------------


def log_event(db: Database, event: AuditEvent, now: datetime) -> int:
    """Append an entry, commit it, and return its id.

    Raises ValueError inside a transaction.
    """
    return transaction_on(db)(lambda db: append_in_transaction(db, event, now))


def log_access(db: Database, event: AuditEvent, now: datetime) -> Permit:
    """Log an access to one reader's data, commit the entry, and return the permit.

    All but active consultants and admins are refused, without an entry; a consultant of groups is
    refused a reader of others, with an entry. Raises ValueError inside a transaction, because a
    rollback would undo the entry.
    """
    return log_access_by(transaction_on(db), event, now)


def log_access_by(run_in_transaction: RunInTransaction, event: AuditEvent, now: datetime) -> Permit:
    """Log an access with `commit`, for example the writer of the service, and return the permit."""
    return _log_and_change(run_in_transaction, event, now, lambda _db, permit: permit)


def log_change(
    db: Database, event: AuditEvent, now: datetime, change: Callable[[Database, Permit], T]
) -> T:
    """Log a change of one reader's data and make it in the same transaction: both are committed, or
    neither if `change` fails. Otherwise as `log_access`."""
    return _log_and_change(transaction_on(db), event, now, change)


def _log_and_change(
    run_in_transaction: RunInTransaction,
    event: AuditEvent,
    now: datetime,
    change: Callable[[Database, Permit], T],
) -> T:
    subject_id = event.subject_id
    if subject_id is None:
        raise ValueError("an access to a reader's data names the reader")

    def write(db: Database) -> T | OutsideScope:
        role = _staff_role(db, event.actor_id)
        if not contains_all(db, scope_of(db, event.actor_id, role), [subject_id]):
            refusal = replace(event, action_type=AuditAction.REFUSED_ACCESS)
            append_in_transaction(db, refusal, now)
            return OutsideScope()  # returned, so that the entry is committed
        return change(db, Permit(subject_id, append_in_transaction(db, event, now), _SEAL))

    result = run_in_transaction(write)
    if isinstance(result, OutsideScope):
        raise result
    return result


def is_in_scope(db: Database, user_id: int, reader_id: int) -> bool:
    """Tell whether a user may see a reader; a permit from before may not hold any more.

    All but active consultants and admins are refused.
    """
    return contains_all(db, scope_of(db, user_id, _staff_role(db, user_id)), [reader_id])


def log_list_access(
    db: Database, access: ListAccess, event: AuditEvent, now: datetime
) -> RowAccess:
    """Log a list or an export of the command line in one entry, commit it, and return the right to
    the rows."""
    return log_rows_by(transaction_on(db), access, [event], now)


def log_rows(
    db: Database,
    access: ListAccess,
    event: AuditEvent,
    reader_ids: Iterable[int | None],
    now: datetime,
) -> RowAccess:
    """Log an export, a copy or a print of rows, commit, and return the right to the rows.

    `reader_ids` are the readers of the rows. If they are few each of them gets an entry, otherwise
    there is one that names nobody. Rows of a reader whom the user may not see any more are refused.
    """
    readers = {id for id in reader_ids if id is not None}
    if not contains_all(db, access.scope, readers):
        raise OutsideScope
    events = [event.about(id) for id in sorted(few_readers(readers))] or [event]
    return log_rows_by(transaction_on(db), access, events, now)


def access_without_entry(access: ListAccess) -> RowAccess:
    """Return the right to rows that need no further entry: the list has no filter or many readers,
    or all its readers are logged."""
    return RowAccess(access.user_id, access.user_role, access.scope, _SEAL)


def log_rows_by(
    run_in_transaction: RunInTransaction,
    access: ListAccess,
    events: Iterable[AuditEvent],
    now: datetime,
) -> RowAccess:
    """Log all entries that the rows of a result need, and return the right to the rows."""
    events = tuple(events)
    if not events:
        raise ValueError("rows that need no entry are for access_without_entry")
    if any(event.actor_id != access.user_id for event in events):
        raise ValueError("an entry names the user whose right it is")

    def write(db: Database) -> None:
        for event in events:
            append_in_transaction(db, event, now)

    run_in_transaction(write)
    return RowAccess(access.user_id, access.user_role, access.scope, _SEAL)


def append_in_transaction(db: Database, event: AuditEvent, now: datetime) -> int:
    """Append an entry in the transaction of the change that it logs, and return its id.

    Raises ValueError outside of a transaction. One program appends at a time, so that the entries
    are one chain.
    """
    if not db.in_transaction():
        raise ValueError("without a transaction call log_event")
    prev_hash, created_at = _last_hash(db), to_db_time(now)
    entry_id: int = _APPEND.scalar(
        db,
        consultant_user_id=event.actor_id,
        action_type=str(event.action_type),
        target_user_id=event.subject_id,
        action_details=event.details,
        ip_address=event.ip_address,
        created_at=created_at,
        prev_hash=prev_hash,
        row_hash=entry_hash(prev_hash, event, created_at),
    )
    return entry_id


def append_all_in_transaction(db: Database, events: Iterable[AuditEvent], now: datetime) -> None:
    """Append many entries in this order with one statement, as `append_in_transaction` does."""
    if not db.in_transaction():
        raise ValueError("entries of a change are appended in its transaction")
    prev_hash, created_at = _last_hash(db), to_db_time(now)
    rows: list[BulkRow] = []
    for event in events:
        row_hash = entry_hash(prev_hash, event, created_at)
        rows.append(
            (
                event.actor_id,
                str(event.action_type),
                event.subject_id,
                event.details,
                event.ip_address,
                created_at,
                prev_hash,
                row_hash,
            )
        )
        prev_hash = row_hash
    _APPEND_ALL(db, rows)


def _last_hash(db: Database) -> str:
    """Return the hash that the next entry contains; nobody else can append until the commit."""
    acquire_lock(db, Lock.ACCESS_LOG)
    head = _HEAD.one_or_none(db)
    return head.row_hash if head else GENESIS


def transaction_on(db: Database) -> RunInTransaction:
    """Return a function that runs a write in a new transaction.

    Inside another transaction it raises ValueError.
    """

    def commit(write: Callable[[Database], T]) -> T:
        if db.in_transaction():
            raise ValueError("an entry that comes first is committed by itself")
        # BEGIN IMMEDIATE on SQLite: no other program writes during the transaction.
        with connection(db), db.atomic():
            return write(db)

    return commit
