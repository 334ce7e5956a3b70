"""The schema of a database: its migrations, its triggers and indexes, and its statistics."""

from collections.abc import Iterator
from functools import partial

from readwatch.cli.database import database
from readwatch.cli.operator import cli_event
from readwatch.domain.audit import AuditAction
from readwatch.domain.clock import system_clock
from readwatch.domain.errors import ReadwatchError
from readwatch.domain.findings import Finding, error, ok, warning
from readwatch.domain.plural import counted
from readwatch.store.audit import log as audit_log
from readwatch.store.audit.quick_check import quick_check
from readwatch.store.engine import migrations
from readwatch.store.engine.catalogue import missing_harmless
from readwatch.store.engine.connections import Database, is_sqlite
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.sqlite import SQLite
from readwatch.store.identity import users
from readwatch.store.lifecycle.health import database_size
from readwatch.store.lifecycle.vacuum import collect_statistics, has_statistics

MIN_BYTES_WITH_STATISTICS = 64 << 20
"""From this size on a wrong guess of SQLite's planner can be noticed."""


def migration_findings(db: Database) -> Iterator[Finding]:
    """Check whether the database has the schema of this program."""
    applied = migrations.history(db)
    if not applied:
        yield error("schema", "the database has no readwatch schema", "readwatch init")
        return
    try:
        pending = migrations.pending(applied, migrations.available_migrations(db))
    except ReadwatchError as refusal:
        yield error("schema", refusal.message, "pip install --upgrade readwatch, or restore")
        return
    schema = f"schema {applied[-1].number} ({applied[-1].name})"
    if pending:
        needs = counted(len(pending), "migration is", "migrations are")
        yield error("schema", f"{schema}: {needs} pending", "readwatch db upgrade")
    else:
        yield ok("schema", f"{schema} is that of this program")


def object_findings(db: Database, url: str, admin: str | None) -> Iterator[Finding]:
    """Check the triggers, indexes and columns of a current schema, and the end of the access log.

    Only what protects nothing is created again: a missing trigger of the access log is a trace of
    whoever has dropped it.
    """
    harmless = missing_harmless(db) if is_sqlite(db) else {}
    differences = quick_check(db)
    for sentence in differences:
        name = sentence.removesuffix(" is missing")
        if name in harmless:
            repair = partial(_create, url, admin, name, harmless[name])
            yield warning("objects", sentence, "readwatch doctor --fix", repair)
        else:
            fix = "find out who did this: docs/security.md; then restore a backup"
            yield error("objects", sentence, fix)
    if not differences:
        yield ok("objects", "tables, indexes and triggers are those of readwatch")


def statistics_findings(db: SQLite, url: str, admin: str | None) -> Iterator[Finding]:
    """Check whether SQLite's planner of queries has statistics of a database that is not small."""
    if database_size(db) >= MIN_BYTES_WITH_STATISTICS and not has_statistics(db):
        yield warning(
            "statistics",
            "SQLite has never counted what is in the indexes, so it may choose a slow one",
            "readwatch doctor --fix, or readwatch db vacuum",
            partial(_collect_statistics, url, admin),
        )


def admin_findings(db: Database) -> Iterator[Finding]:
    """Check whether there is an active admin, without whom most commands refuse to work."""
    admins = users.list_admins(db)
    if not admins:
        yield error("admins", "there is no admin yet", "readwatch init")
    elif not any(admin.is_active for admin in admins):
        yield error(
            "admins",
            "all admins are suspended",
            "the owner of the database sets is_active for one of them in SQL",
        )
    else:
        active = sum(admin.is_active for admin in admins)
        yield ok("admins", counted(active, "active admin"))


def _create(url: str, admin: str | None, name: str, definition: str) -> str:
    with database(url, Role.OWNER) as db:
        _log(db, admin, name)
        db.execute_sql(definition)
    return f"created {name}"


def _collect_statistics(url: str, admin: str | None) -> str:
    with database(url, Role.OWNER) as db:
        assert isinstance(db, SQLite)  # noqa: S101 - the check is for SQLite
        _log(db, admin, "statistics")
        collect_statistics(db)
    return "collected statistics for the planner of queries"


def _log(db: Database, admin: str | None, what: str) -> None:
    """Log a change of the database; the error names how to say which admin acts."""
    event = cli_event(
        actor_id=users.acting_admin(db, admin).id,
        action_type=AuditAction.FIXED_DATABASE,
        details=f"cli doctor, {what}",
    )
    audit_log.log_event(db, event, system_clock())
