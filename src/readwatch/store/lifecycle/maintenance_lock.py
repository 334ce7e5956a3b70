"""The lock of maintenance: one run at a time, of all programs that use a database."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from readwatch.domain.errors import conflict, misconfigured
from readwatch.store.engine.connections import Database
from readwatch.store.engine.locks import Lock
from readwatch.store.engine.sqlite import SQLite
from readwatch.store.engine.statements import Statement

_TRY_LOCK = Statement("SELECT pg_try_advisory_lock(:key)")
_UNLOCK = Statement("SELECT pg_advisory_unlock(:key)")

_IN_USE = "another maintenance run uses this database; wait until it is complete"


@contextmanager
def maintenance_lock(db: Database) -> Iterator[None]:
    """Hold the lock, or refuse because another run has it.

    It ends with the process, also after a kill. On SQLite it is the lock of a file beside the
    database, which stays there; on PostgreSQL a lock of the session, so the connection of this
    thread must stay open.
    """
    if isinstance(db, SQLite):
        with _locked_file(Path(db.database)):
            yield
        return
    if not _TRY_LOCK.scalar(db, key=int(Lock.MAINTENANCE)):
        raise conflict(_IN_USE)
    try:
        yield
    finally:
        _UNLOCK.scalar(db, key=int(Lock.MAINTENANCE))


@contextmanager
def _locked_file(database_file: Path) -> Iterator[None]:
    # Not the database itself: closing a file releases all of SQLite's locks on it.
    file = database_file.with_name(f"{database_file.name}.maintenance")
    try:
        descriptor = os.open(file, os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise misconfigured(
            f"{file} cannot be written: {error.strerror}; run this as the user of the service"
        ) from None
    try:
        if os.geteuid() == 0:  # so that the user of the service can lock it, too
            owner = database_file.stat()
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise conflict(_IN_USE) from None
    finally:
        os.close(descriptor)
