"""Errors of the engines, converted to messages that name the cause and the fix."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import apsw
import peewee

from readwatch.domain.errors import ErrorKind, ReadwatchError, misconfigured, unavailable

POOLER_REFUSED = (
    "the database URL leads to a connection pooler, such as PgBouncer, which does not keep the "
    "settings of a session: its time zone, role and read-only mode; connect to PostgreSQL directly"
)
"""A pooler that shares sessions mixes times, privileges and statements of its clients."""

INVALID_ADDRESS = "the database URL has an invalid host or port"

CONNECTION_LOST = "the connection to the database was lost; try again"


@contextmanager
def engine_errors() -> Iterator[None]:
    """Convert errors of the engine to `ReadwatchError`, without values of the statement."""
    try:
        yield
    except peewee.InterfaceError:
        raise unavailable(CONNECTION_LOST) from None
    except peewee.DatabaseError as error:
        cause = error.__cause__ or error.__context__
        sentence = _sentence(cause)
        if sentence is not None:
            raise sentence from None
        if isinstance(error, peewee.OperationalError):
            raise unavailable("the database cannot be reached; is it running?") from None
        raise _without_values(error, cause).with_traceback(error.__traceback__) from None


def kind_and_reason(error: Exception) -> tuple[ErrorKind, str]:
    """Return the kind and the reason of an error of our own SQL, without values of the database.

    SQLite quotes no values. PostgreSQL does, except in errors of the SQL itself (class 42).
    """
    if isinstance(error, ReadwatchError):
        return error.kind, error.message
    cause = (error.__cause__ if isinstance(error, peewee.PeeweeException) else None) or error
    is_of_connection = type(cause).__name__ == "OperationalError"  # refused, or lost
    sentence = _sentence(cause) or (unavailable(CONNECTION_LOST) if is_of_connection else None)
    if sentence is not None and (is_of_connection or sentence.kind is ErrorKind.UNAVAILABLE):
        return sentence.kind, sentence.message
    diagnosis = getattr(cause, "diag", None)
    if diagnosis is None:
        reason = str(cause) if isinstance(cause, apsw.Error) else type(cause).__name__
    elif (diagnosis.sqlstate or "").startswith("42"):
        reason = diagnosis.message_primary
    else:
        names = (diagnosis.table_name, diagnosis.column_name, diagnosis.constraint_name)
        reason = " ".join((type(cause).__name__, *filter(None, names)))
    return ErrorKind.MISCONFIGURED, reason


def _sentence(cause: BaseException | None) -> ReadwatchError | None:
    match type(cause).__name__:
        case (
            "BusyError" | "LockedError" | "LockNotAvailable" | "QueryCanceled" | "DeadlockDetected"
        ):
            return unavailable("the database is busy; try again")
        case "InterruptError":
            return unavailable("the query was cancelled")
        case "NoAnswer":
            return unavailable("the database does not answer; try again")
        case "AdminShutdown" | "IdleInTransactionSessionTimeout":
            return unavailable(CONNECTION_LOST)
        case "FullError" | "DiskFull":
            return unavailable("the disk of the database is full")
        case "IOError" | "CorruptError":
            return unavailable("the database cannot be read: its disk or its file is damaged")
        case "NotADBError":
            return misconfigured("that file is not a SQLite database")
        case "CantOpenError":
            return misconfigured("the database cannot be opened: check its path and permissions")
        case "ReadOnlyError" | "PermissionsError":
            return misconfigured("the database cannot be written: check the permissions")
        case "ReadOnlySqlTransaction":
            return misconfigured(
                "the database cannot be written: PostgreSQL is a standby, or the database or this "
                "command is read-only"
            )
        case "InsufficientPrivilege":
            return misconfigured("PostgreSQL does not allow this to the user of the URL")
        case "UndefinedTable":
            return misconfigured(
                "this database has no readwatch schema; an admin makes it with: readwatch init"
            )
        case "SQLError" if str(cause).startswith("no such table"):
            return misconfigured(
                "this database has no readwatch schema; an admin makes it with: readwatch init"
            )
        case "OperationalError":
            return _refusal(str(cause))
    return None


def _refusal(reason: str) -> ReadwatchError | None:
    """Return the error for a refused connection; PostgreSQL gives the reason only as text."""
    if re.search(r'FATAL: +database ".*" does not exist', reason):
        return misconfigured("PostgreSQL has no database of that name; make it with createdb")
    if re.search(r'FATAL: +(role ".*" does not exist|.*authentication failed|no pg_hba)', reason):
        return misconfigured("PostgreSQL refuses this user or password")
    if "unsupported startup parameter" in reason:
        return misconfigured(POOLER_REFUSED)
    return None


def _without_values(
    error: peewee.DatabaseError, cause: BaseException | None
) -> peewee.DatabaseError:
    """Return the error without the row that PostgreSQL quotes; SQLite quotes no values."""
    diagnosis = getattr(cause, "diag", None)
    if diagnosis is None:
        return error
    return type(error)(f"{type(cause).__name__} {diagnosis.constraint_name or ''}".strip())
