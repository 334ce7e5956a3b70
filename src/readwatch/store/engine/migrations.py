"""Migrations: `schema/<engine>/NNNN_name.sql`, each applied once, in order, all or nothing.

A file whose first line is `OUTSIDE_TRANSACTION` runs outside of a transaction, for statements such
as CREATE INDEX CONCURRENTLY. Each of its statements ends with a semicolon at the end of a line. An
interruption leaves a part of it, and it runs again from its beginning, so each statement has to
allow that (DROP INDEX CONCURRENTLY IF EXISTS first).
"""

import functools
import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import peewee

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
from readwatch.store.engine.database import DEFAULTS, EngineSettings
from readwatch.store.engine.errors import kind_and_reason
from readwatch.store.engine.locks import Lock, acquire_lock
from readwatch.store.engine.models import SchemaHistory
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.sqlite import is_sqlite_url, make_sqlite_file, sqlite_path
from readwatch.store.engine.statements import Statement

OUTSIDE_TRANSACTION = "-- This migration cannot run in a transaction."
"""The first line of a migration that runs outside of a transaction."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of the schema."""

    number: int
    name: str
    checksum: str
    sql: str

    def __str__(self) -> str:
        """Return the number and the name, as in the name of the file."""
        return f"{self.number:04} ({self.name})"

    @property
    def runs_in_transaction(self) -> bool:
        """Tell whether all of the file is applied in one transaction."""
        return not self.sql.startswith(OUTSIDE_TRANSACTION)

    @property
    def statements(self) -> tuple[str, ...]:
        """The statements, for a migration that runs outside of a transaction."""
        return tuple(filter(str.strip, re.split(r";[ \t]*$", self.sql, flags=re.MULTILINE)))


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
# PostgreSQL may answer `to_regclass` alone from a cache that is older than the lock of the schema.
_HAS_HISTORY = Statement(
    "SELECT 1 AS found FROM sqlite_master WHERE name = 'schema_history'",
    postgresql="SELECT 1 AS found FROM pg_class WHERE oid = to_regclass('schema_history')",
)
# A new table begins its ids again; ids of deleted rows must not be used twice.
_HAS_NEXT_IDS = Statement("SELECT 1 AS found FROM sqlite_master WHERE name = 'sqlite_sequence'")
_NEXT_IDS = Statement("SELECT name, seq FROM sqlite_sequence")
_KEEP_NEXT_ID = Statement(
    """
    REPLACE INTO sqlite_sequence (rowid, name, seq)
    SELECT s.rowid, t.name, max(:seq, coalesce(s.seq, 0))
    FROM sqlite_master t LEFT JOIN sqlite_sequence s ON s.name = t.name
    WHERE t.type = 'table' AND t.name = :name AND t.sql LIKE '%AUTOINCREMENT%'
    """
)
_DANGLING = Statement('SELECT "table" AS child, parent FROM pragma_foreign_key_check LIMIT 1')
_LIMIT = Statement("SELECT current_setting(:name)")
_SET_LIMIT = Statement("SELECT set_config(:name, :limit, FALSE)")
_NEWEST = CompiledQuery(SchemaHistory.select(peewee.fn.max(SchemaHistory.number).alias("number")))


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


def newest_schema(url: str) -> int:
    """Return the number of the newest schema that this program has for the engine of a URL."""
    return _available("sqlite" if is_sqlite_url(url) else "postgresql")[-1].number


@functools.cache  # for the readiness check; installed files do not change
def _available(engine: str) -> tuple[Migration, ...]:
    return migrations(schema_folder() / engine)


def create_or_upgrade(url: str) -> tuple[Migration, ...]:
    """Create or upgrade the database at `url` with its privileges; return the new migrations."""
    if is_sqlite_url(url):
        make_sqlite_file(sqlite_path(url))
    db = open_database(url, Role.OWNER)
    try:
        with connection(db):
            applied = upgrade(db, available_migrations(db))
            enforce_privileges(db)
            return applied
    finally:
        close_all(db)


def enforce_privileges(db: Database) -> None:
    """Bring the privileges that PostgreSQL enforces in line with those of the current schema."""
    if not is_sqlite(db):  # each SQLite connection has an authorizer
        from readwatch.store.engine.grants import enforce  # needs PostgreSQL's driver

        enforce(db)


def unenforced_privileges(url: str) -> tuple[str, ...]:
    """Return one sentence for each privilege that the engine does not enforce."""
    if is_sqlite_url(url):
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
    """Apply the missing migrations as `upgrade_steps` does, and return them."""
    return tuple(upgrade_steps(db, available))


def upgrade_steps(db: Database, available: Sequence[Migration]) -> Iterator[Migration]:
    """Apply the missing migrations, each in one transaction with its row of the history, and yield
    each when it is committed.

    A lock makes a second process wait, which then has nothing to apply. An error names the
    migration, which has changed nothing. Raises ValueError inside a transaction.
    """
    if db.in_transaction():
        raise ValueError("each migration has a transaction of its own")
    with _without_limit(db, "statement_timeout"):
        while (migration := _next(db, available)) is not None:
            with _named(migration):
                is_new = _apply(db, migration, available)
            if is_new:
                yield migration


def _next(db: Database, available: Sequence[Migration]) -> Migration | None:
    return next(iter(pending(history(db), available)), None)


def _apply(db: Database, migration: Migration, available: Sequence[Migration]) -> bool:
    """Apply the next migration; return False if another program has applied it meanwhile."""
    if not migration.runs_in_transaction:
        with _without_limit(db, "lock_timeout"):  # it waits for all transactions, however long
            for statement in migration.statements:
                driver_connection(db).execute(statement)
    with _foreign_keys_off(db), _locked_schema(db):
        if _next(db, available) != migration:
            return False
        if migration.runs_in_transaction:
            _run(db, migration)
        _ADD_HISTORY(db, number=migration.number, name=migration.name, checksum=migration.checksum)
        return True


@contextmanager
def _locked_schema(db: Database) -> Iterator[None]:
    """Run the `with` block in a transaction during which no other program writes.

    With the lock of the rollups, no server commits a group after the migration that it began
    before.
    """
    with db.atomic():  # BEGIN IMMEDIATE is the lock on SQLite
        acquire_lock(db, Lock.SCHEMA)
        acquire_lock(db, Lock.ROLLUPS)
        yield


def _run(db: Database, migration: Migration) -> None:
    """Run a migration in its transaction, and check what SQLite does not check meanwhile."""
    if not is_sqlite(db):
        driver_connection(db).execute(migration.sql)
        return
    next_ids = _NEXT_IDS.all(db) if _HAS_NEXT_IDS.one_or_none(db) else []
    driver_connection(db).execute(migration.sql)
    for table in next_ids:
        _KEEP_NEXT_ID(db, name=table.name, seq=table.seq)
    for dangling in _DANGLING.all(db):
        raise misconfigured(
            f"rows of {dangling.child} refer to rows of {dangling.parent} that do not exist"
        )


@contextmanager
def _named(migration: Migration) -> Iterator[None]:
    """Add the name of the migration to an error, and leave out values of the database."""
    outcome = (
        "changed nothing"
        if migration.runs_in_transaction
        else "did not finish; running it again is safe"
    )
    try:
        yield
    except Exception as error:  # noqa: BLE001 - raised again, without values
        kind, reason = kind_and_reason(error)
        raise ReadwatchError(kind, f"migration {migration} {outcome}: {reason}") from None


@contextmanager
def _foreign_keys_off(db: Database) -> Iterator[None]:
    """Switch SQLite's foreign keys off, so that a migration can drop a table to replace it.

    Otherwise DROP TABLE first deletes all rows, with the rows that refer to them. It has no effect
    inside a transaction. https://www.sqlite.org/lang_altertable.html#otheralter
    """
    if not is_sqlite(db):
        yield
        return
    driver_connection(db).pragma("foreign_keys", False)
    try:
        yield
    finally:
        driver_connection(db).pragma("foreign_keys", True)


@contextmanager
def _without_limit(db: Database, name: str) -> Iterator[None]:
    """Lift `statement_timeout` or `lock_timeout` of this PostgreSQL connection."""
    if is_sqlite(db):
        yield
        return
    limit = _LIMIT.scalar(db, name=name)
    _SET_LIMIT(db, name=name, limit="0")
    try:
        yield
    finally:
        with suppress(peewee.PeeweeException):  # with a lost connection its limit is lost too
            _SET_LIMIT(db, name=name, limit=limit)


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
            f"this program {available[-1].number}; to go back to this version, restore the backup "
            "from before the upgrade"
        )
    for done, file in zip(applied, available, strict=False):
        if (done.number, done.checksum) != (file.number, file.checksum):
            raise misconfigured(
                f"the history of this database differs at schema {done.number} ({done.name}): "
                "it was made by another build of readwatch or edited; restore a backup"
            )
    return tuple(available[len(applied) :])


def refuse_newer_schema(db: Database) -> None:
    """Refuse to write to a schema that is newer than this program, with one small query.

    Call it in the transaction of the write, after the lock of the rollups: migrations take it, so
    the schema stays the same until the commit.
    """
    available = available_migrations(db)
    if _NEWEST.scalar(db) > available[-1].number:
        pending(history(db), available)


def open_current(url: str, role: Role, settings: EngineSettings = DEFAULTS) -> Database:
    """Open the database at `url`; close and refuse one that this program cannot use."""
    db = open_database(url, role, settings)
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
    if not applied:
        raise no_schema()
    if pending(applied, available_migrations(db)):
        raise misconfigured("the database needs an upgrade; an admin runs: readwatch db upgrade")


def no_schema() -> ReadwatchError:
    """Return the error for a database in which nothing was ever made."""
    return misconfigured("the database has no readwatch schema; an admin runs: readwatch init")
