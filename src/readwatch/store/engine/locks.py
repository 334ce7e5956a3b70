"""Locks between programs that write to the same database."""

from enum import IntEnum

from readwatch.store.engine.connections import Database, is_sqlite
from readwatch.store.engine.statements import Statement

_ACQUIRE_LOCK = Statement("SELECT pg_advisory_xact_lock(:key)")


class Lock(IntEnum):
    """What one program does at a time; on PostgreSQL the keys of advisory locks."""

    SCHEMA = 7_265_616_477
    ACCESS_LOG = 7_265_616_478
    ROLLUPS = 7_265_616_479  # and what changes them: activities and logins


def acquire_lock(db: Database, lock: Lock) -> None:
    """Wait, in a transaction, until nobody else has the lock; it is released with the transaction.

    On SQLite BEGIN IMMEDIATE has waited for everybody already.
    """
    if not is_sqlite(db):
        _ACQUIRE_LOCK(db, key=int(lock))
