"""One maintenance command at a time: what moves or deletes history in many transactions."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import ELOOP
from pathlib import Path

import peewee

from readwatch.domain.errors import conflict, misconfigured
from readwatch.store.engine.connections import Database
from readwatch.store.engine.locks import Lock
from readwatch.store.engine.sqlite import SQLite
from readwatch.store.engine.statements import Statement

_TRY_LOCK = Statement("SELECT 1", postgresql="SELECT pg_try_advisory_lock(:key)")
_UNLOCK = Statement("SELECT 1", postgresql="SELECT pg_advisory_unlock(:key)")
_BUSY = (
    "another command archives, purges, exports or erases data of this database; try again when it "
    "has ended"
)


@contextmanager
def exclusive_maintenance(db: Database) -> Iterator[None]:
    """Refuse while another program is in this block for the same database.

    The lock ends with the process, also if it is killed.
    """
    with _locked_file(db) if isinstance(db, SQLite) else _locked_session(db):
        yield


@contextmanager
def _locked_file(db: SQLite) -> Iterator[None]:
    """Lock a file beside the database, never the database: closing it would end SQLite's locks.

    The file stays, because another program may be about to lock it. A link is refused: it would let
    the owner of the folder get a file of root.
    """
    path = Path(db.database).resolve()
    file = path.with_name(f"{path.name}.maintenance")
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        reason = "it is a link; delete it" if error.errno == ELOOP else error.strerror
        raise misconfigured(f"{file} cannot be opened: {reason}") from None
    try:
        if os.fstat(descriptor).st_nlink > 1:
            raise misconfigured(f"{file} cannot be used: it is a link; delete it")
        _give_to_owner(descriptor, path)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise conflict(_BUSY) from None
        yield
    finally:
        os.close(descriptor)


def _give_to_owner(descriptor: int, database: Path) -> None:
    """Let the owner of the database use the file as well, if root has made it."""
    if os.geteuid() == 0:
        owner = database.stat()
        os.fchown(descriptor, owner.st_uid, owner.st_gid)


@contextmanager
def _locked_session(db: Database) -> Iterator[None]:
    """Lock PostgreSQL's session of this thread."""
    if not _TRY_LOCK.scalar(db, key=int(Lock.MAINTENANCE)):
        raise conflict(_BUSY)
    try:
        yield
    finally:
        with suppress(peewee.PeeweeException):  # with a lost connection its lock is lost too
            _UNLOCK(db, key=int(Lock.MAINTENANCE))
