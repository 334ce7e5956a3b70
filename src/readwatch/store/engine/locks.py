"""Locks between programs that write to the same database."""

from enum import IntEnum

from readwatch.store.engine.connections import Database, is_sqlite
from readwatch.store.engine.statements import Statement

_ACQUIRE_LOCK = Statement("SELECT pg_advisory_xact_lock(:key)")


class Lock(IntEnum):
    """The locks that one program at a time can have; on PostgreSQL the keys of advisory locks."""

    SCHEMA = 7_265_616_477
    ACCESS_LOG = 7_265_616_478
    ROLLUPS = 7_265_616_479  # and the rows that change them: activities and logins
    MAINTENANCE = 7_265_616_480  # of a session: store/engine/exclusive.py


def acquire_lock(db: Database, lock: Lock) -> None:
    """Wait for the lock, inside a transaction, which releases it at its end.

    On SQLite this does nothing: after BEGIN IMMEDIATE no other program writes.
    """
    if not is_sqlite(db):
        _ACQUIRE_LOCK(db, key=int(lock))
