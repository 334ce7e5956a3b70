"""The database of one command."""

from collections.abc import Iterator
from contextlib import contextmanager

from readwatch.store.engine.connections import Database, close_all, connection, open_database
from readwatch.store.engine.database import DEFAULTS, EngineSettings
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.sqlite import notice_signals


@contextmanager
def database(
    url: str, role: Role = Role.ADMIN, settings: EngineSettings = DEFAULTS
) -> Iterator[Database]:
    """Open a database with the privileges of the role, and close it at the end.

    Ctrl+c interrupts its statements.
    """
    db = open_database(url, role, settings)
    try:
        with connection(db):
            notice_signals(db)
            yield db
    finally:
        close_all(db)
