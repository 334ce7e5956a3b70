"""`readwatch db`: check, repair and back up the database, without showing personal data."""

from collections.abc import Iterator
from dataclasses import asdict

import click

from readwatch.cli import db_backup, db_privileges, db_restore
from readwatch.cli.database import database
from readwatch.cli.main import database_url
from readwatch.cli.operator import cli_event
from readwatch.cli.output import print_json, print_line, print_table, with_progress
from readwatch.cli.settings import acting_admin
from readwatch.domain.audit import AuditAction
from readwatch.domain.clock import system_clock
from readwatch.domain.health import (
    CheckResult,
    RollupMismatches,
    check_results,
    format_bytes,
    log_results,
)
from readwatch.domain.plural import counted
from readwatch.store.audit import log as audit_log
from readwatch.store.audit.quick_check import quick_check
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database
from readwatch.store.engine.privileges import Role
from readwatch.store.identity import users
from readwatch.store.lifecycle import health
from readwatch.store.recording import rebuild as rollup_rebuild


@click.group()
def command() -> None:
    """Check, repair and back up the database, also while the service is running."""


command.add_command(db_backup.backup)
command.add_command(db_restore.restore)
command.add_command(db_privileges.show)
command.add_command(db_privileges.grant)


@command.command("health")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def health_(context: click.Context, as_json: bool) -> int:
    """Check the database; the exit code is 0 if it is healthy.

    This also compares all rollups, the totals that screens show, with the activities, and looks for
    signs that the access log was cut off or lost its triggers. The service may keep running.
    """
    with database(database_url(context), Role.MAINTENANCE) as db:
        migrations.require_current(db)
        status = health.database_status(db)
        mismatches = None if status.damages else _mismatches(db)
        log_findings = None if status.damages else quick_check(db)
    results = [*check_results(status, mismatches), *log_results(log_findings)]
    healthy = all(result.healthy for result in results)
    if as_json:
        print_json(
            {
                "healthy": healthy,
                **asdict(status),
                "wrong_rows": None if mismatches is None else asdict(mismatches),
                "access_log": log_findings,
                "fixes": {result.name: result.fix for result in results if result.fix},
            }
        )
    else:
        print_table(("check", "result", "finding"), [_row(result) for result in results])
        print_line("")
        print_table(
            ("table with its indexes", "size"),
            [(table.name, format_bytes(table.size)) for table in status.tables],
        )
    return 0 if healthy else 1


def _mismatches(db: Database) -> RollupMismatches:
    chunks = with_progress(rollup_rebuild.chunks(db), "Comparing rollups with activities")
    return sum((chunk.compare(db) for chunk in chunks), RollupMismatches())


def _row(result: CheckResult) -> tuple[str, str, str]:
    if result.fix is None:
        return result.name, "ok", result.text
    return result.name, "WRONG", f"{result.text}: {result.fix}"


@command.command("rebuild")
@acting_admin
@click.pass_context
def rebuild(context: click.Context, admin: str | None) -> None:
    """Compute the rollups again and correct wrong rows.

    Rollups are the totals that screens show. The service may keep running. If the command is
    interrupted, the corrected rows stay; run it again for the rest.
    """
    with database(database_url(context), Role.MAINTENANCE) as db:
        migrations.require_current(db)
        acting = users.acting_admin(db, admin)
        now = system_clock()
        audit_log.log_event(
            db,
            cli_event(actor_id=acting.id, action_type=AuditAction.REBUILT_ROLLUPS, details="cli"),
            now,
        )
        chunks = with_progress(rollup_rebuild.chunks(db), "Computing rollups")
        corrected = sum((chunk.rebuild(db, now) for chunk in chunks), RollupMismatches())
    for line in _lines(corrected):
        print_line(line)


def _lines(corrected: RollupMismatches) -> Iterator[str]:
    for rollup, rows in asdict(corrected).items():
        if rows:
            yield f"corrected {counted(rows, 'row')} of {rollup}"
    if not corrected:
        yield "the rollups agree with the activities; nothing was changed"
