"""What an upgrade is going to do, before it begins: its migrations, and the tables they touch."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from readwatch.store.engine.connections import Database, is_sqlite
from readwatch.store.engine.estimates import estimated_rows
from readwatch.store.engine.migrations import (
    Applied,
    Migration,
    available_migrations,
    history,
    no_schema,
    pending,
)

# Comments, and definitions whose text names tables that are only read later.
_WITHOUT_WORK = {
    True: re.compile(r"--[^\n]*|CREATE TRIGGER.*?\bEND;", re.DOTALL),
    False: re.compile(r"--[^\n]*|CREATE TRIGGER[^;]*;|CREATE [A-Z ]*FUNCTION.*?\$\$;", re.DOTALL),
}
_TABLE = re.compile(r"\b(?:TABLE(?:\s+IF\s+(?:NOT\s+)?EXISTS)?|UPDATE|INTO|FROM|JOIN|ON)\s+(\w+)")


@dataclass(frozen=True, slots=True)
class PlannedMigration:
    """A migration that is to be applied, and the approximate rows of the tables that it reads or
    changes; None is an unknown number."""

    migration: Migration
    rows: Mapping[str, int | None]


@dataclass(frozen=True, slots=True)
class UpgradePlan:
    """The last migration of a database, and those that it needs, in order."""

    last: Applied
    migrations: tuple[PlannedMigration, ...]


def upgrade_plan(db: Database) -> UpgradePlan:
    """Return the plan of an upgrade, at a cost that does not depend on the size of the database.

    Requires the role of the owner. Refuse a database without a schema, with a newer one, or with
    another history.
    """
    applied = history(db)
    if not applied:
        raise no_schema()
    return UpgradePlan(
        applied[-1],
        tuple(
            PlannedMigration(migration, estimated_rows(db, _tables(migration.sql, is_sqlite(db))))
            for migration in pending(applied, available_migrations(db))
        ),
    )


def _tables(sql: str, of_sqlite: bool) -> set[str]:
    """Return the names in a migration that can be those of tables with rows."""
    return set(_TABLE.findall(_WITHOUT_WORK[of_sqlite].sub("", sql)))
