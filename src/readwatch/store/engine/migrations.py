"""Migrations: `schema/<engine>/NNNN_name.sql`, each applied once, in order, all or nothing."""

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from readwatch.domain.errors import ReadwatchError, misconfigured
from readwatch.store.engine.compiled import CompiledQuery, Param
from readwatch.store.engine.connections import (
    Database,
    close_all,
    connection,
    driver_connection,
    is_sqlite,
    open_database,
)
from readwatch.store.engine.locks import Lock, acquire_lock
from readwatch.store.engine.models import SchemaHistory
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.sqlite import CACHE_MIB, make_sqlite_file, sqlite_path
from readwatch.store.engine.statements import Statement


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of the schema."""

    number: int
    name: str
    checksum: str
    sql: str


@dataclass(frozen=True, slots=True)
class Applied:
    """One applied migration, from the history of a database."""

    number: int
    name: str
    checksum: str


_READ_HISTORY = CompiledQuery(
    SchemaHistory.select(SchemaHistory.number, SchemaHistory.name, SchemaHistory.checksum).order_by(
        SchemaHistory.number
    )
)
_ADD_HISTORY = CompiledQuery(
    SchemaHistory.insert(
        {
            SchemaHistory.number: Param("number"),
            SchemaHistory.name: Param("name"),
            SchemaHistory.checksum: Param("checksum"),
        }
    )
)
_HAS_HISTORY = Statement(
    "SELECT 1 AS found FROM sqlite_master WHERE name = 'schema_history'",
    postgresql="SELECT 1 AS found WHERE to_regclass('schema_history') IS NOT NULL",
)


def schema_folder() -> Path:
    """Return the folder of the DDL: inside the wheel, or beside `src/` in a checkout."""
    packaged = Path(str(files("readwatch") / "_schema"))
    return packaged if packaged.is_dir() else Path(__file__).parents[4] / "schema"


def migrations(folder: Path) -> tuple[Migration, ...]:
    """Return the migrations in the folder of one engine, in order."""
    return tuple(
        Migration(
            number=int(path.name[:4]),
            name=path.stem[5:],
            checksum=hashlib.sha256(path.read_bytes()).hexdigest(),
            sql=path.read_text(encoding="utf-8"),
        )
        for path in sorted(folder.glob("[0-9][0-9][0-9][0-9]_*.sql"))
    )


def available_migrations(db: Database) -> tuple[Migration, ...]:
    """Return the migrations that this program has for the engine of `db`."""
    return _available("sqlite" if is_sqlite(db) else "postgresql")


@functools.cache  # for the readiness check; installed files do not change
def _available(engine: str) -> tuple[Migration, ...]:
    return migrations(schema_folder() / engine)


def create_or_upgrade(url: str) -> tuple[Migration, ...]:
    """Create or upgrade the database at `url` with its privileges; return the new migrations."""
    if url.startswith("sqlite:"):
        make_sqlite_file(sqlite_path(url))
    db = open_database(url, Role.OWNER)
    try:
        with connection(db):
            applied = upgrade(db, available_migrations(db))
            _enforce_privileges(db)
            return applied
    finally:
        close_all(db)


def _enforce_privileges(db: Database) -> None:
    if not is_sqlite(db):  # each SQLite connection has an authorizer
        from readwatch.store.engine.grants import enforce  # needs PostgreSQL's driver

        enforce(db)


def unenforced_privileges(url: str) -> tuple[str, ...]:
    """Return one sentence for each privilege that the engine does not enforce."""
    if url.startswith("sqlite:"):
        return ()
    from readwatch.store.engine.grants import unenforced_privileges  # needs PostgreSQL's driver

    db = open_database(url, Role.OWNER)
    try:
        with connection(db):
            require_current(db)
            return unenforced_privileges(db)
    finally:
        close_all(db)


def upgrade(db: Database, available: Sequence[Migration]) -> tuple[Migration, ...]:
    """Apply the missing migrations, each in one transaction with its row of the history.

    A lock makes a second process wait, which then has nothing to apply.
    """
    applied = []
    while (migration := _apply_next(db, available)) is not None:
        applied.append(migration)
    return tuple(applied)


def _apply_next(db: Database, available: Sequence[Migration]) -> Migration | None:
    with db.atomic():  # BEGIN IMMEDIATE is the lock on SQLite
        acquire_lock(db, Lock.SCHEMA)
        missing = pending(history(db), available)
        if not missing:
            return None
        migration = missing[0]
        driver_connection(db).execute(migration.sql)
        _ADD_HISTORY(db, number=migration.number, name=migration.name, checksum=migration.checksum)
        return migration


def history(db: Database) -> tuple[Applied, ...]:
    """Return the applied migrations; an empty database has none."""
    if _HAS_HISTORY.one_or_none(db) is None:
        return ()
    return tuple(Applied(row.number, row.name, row.checksum) for row in _READ_HISTORY.all(db))


def pending(applied: Sequence[Applied], available: Sequence[Migration]) -> tuple[Migration, ...]:
    """Return the migrations to apply; refuse a newer database and one with another history."""
    if len(applied) > len(available):
        raise misconfigured(
            f"upgrade readwatch: the database has schema {applied[-1].number}, "
            f"this program {available[-1].number}"
        )
    for done, file in zip(applied, available, strict=False):
        if (done.number, done.checksum) != (file.number, file.checksum):
            raise misconfigured(
                f"the history of this database differs at schema {done.number} ({done.name}): "
                "it was made by another build of readwatch or edited; restore a backup"
            )
    return tuple(available[len(applied) :])


def open_current(
    url: str, role: Role, *, cache_mib: int = CACHE_MIB, statement_seconds: int | None = None
) -> Database:
    """Open the database at `url`; close and refuse one that this program cannot use."""
    db = open_database(url, role, cache_mib=cache_mib, statement_seconds=statement_seconds)
    try:
        with connection(db):
            require_current(db)
    except ReadwatchError:
        close_all(db)
        raise
    return db


def require_current(db: Database) -> None:
    """Refuse a database that this program cannot use; the error names the fix."""
    applied = history(db)
    if pending(applied, available_migrations(db)):
        needs = "needs an upgrade" if applied else "has no readwatch schema"
        raise misconfigured(f"the database {needs}; run: readwatch init")
