"""The database of one call."""

from collections.abc import Iterator
from contextlib import contextmanager

from readwatch.store.database import Database, close_all, is_sqlite, open_database, using
from readwatch.store.rights import Role


@contextmanager
def database(url: str) -> Iterator[Database]:
    """Open a database as the admin may use it, and let go of it however the call ends."""
    db = open_database(url, Role.ADMIN)
    try:
        with using(db):
            yield db
    finally:
        if is_sqlite(db):
            db.close()  # moving the WAL into the file is the service's business
        else:
            close_all(db)
