"""`readwatch db`: the database itself, checked and mended; no personal data is shown."""

from collections.abc import Iterator
from dataclasses import asdict

import click

from readwatch.cli import db_rights
from readwatch.cli.database import database
from readwatch.cli.main import database_url
from readwatch.cli.output import print_json, print_table, with_progress
from readwatch.cli.settings import acting_admin
from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.clock import system_clock
from readwatch.domain.health import Finding, RollupMismatches, findings, format_bytes
from readwatch.store.audit import log as audit_log
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database
from readwatch.store.engine.privileges import Role
from readwatch.store.identity import users
from readwatch.store.lifecycle import health
from readwatch.store.recording import rebuild as rollup_rebuild


@click.group()
def command() -> None:
    """Check the database, and mend what can be mended while the service runs."""


command.add_command(db_rights.show)
command.add_command(db_rights.grant)


@command.command("health")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of tables.")
@click.pass_context
def health_(context: click.Context, as_json: bool) -> int:
    """Tell how the database is, also while the service writes: exit code 0 if all is well.

    Among other things all rollups, the totals that screens show, are compared with the activities.
    """
    with database(database_url(context), Role.MAINTENANCE) as db:
        migrations.require_current(db)
        condition = health.database_status(db)
        wrong = None if condition.damages else _compared(db)
    found = list(findings(condition, wrong))
    healthy = all(finding.healthy for finding in found)
    if as_json:
        print_json(
            {
                "healthy": healthy,
                **asdict(condition),
                "wrong_rows": None if wrong is None else asdict(wrong),
                "mends": {finding.name: finding.fix for finding in found if finding.fix},
            }
        )
    else:
        print_table(("what", "state", "finding"), [_row(finding) for finding in found])
        print_table(
            ("table, with its indexes", "size"),
            [(table.name, format_bytes(table.size)) for table in condition.tables],
        )
    return 0 if healthy else 1


def _compared(db: Database) -> RollupMismatches:
    pieces = with_progress(rollup_rebuild.chunks(db), "Comparing totals with activities")
    return sum((piece.compare(db) for piece in pieces), RollupMismatches())


def _row(finding: Finding) -> tuple[str, str, str]:
    if finding.fix is None:
        return finding.name, "ok", finding.text
    return finding.name, "WRONG", f"{finding.text}: {finding.fix}"


@command.command("rebuild")
@acting_admin
@click.pass_context
def rebuild(context: click.Context, admin: str | None) -> None:
    """Count the totals that screens show again from the activities, and mend what is wrong.

    The service may go on writing meanwhile. When it is stopped, what was mended stays mended;
    call it again for the rest.
    """
    with database(database_url(context), Role.MAINTENANCE) as db:
        migrations.require_current(db)
        acting = users.acting_admin(db, admin)
        now = system_clock()
        audit_log.log_event(
            db, AuditEvent(acting.id, AuditAction.REBUILT_ROLLUPS, details="cli"), now
        )
        pieces = with_progress(rollup_rebuild.chunks(db), "Counting again")
        mended = sum((piece.rebuild(db, now) for piece in pieces), RollupMismatches())
    for line in _lines(mended):
        click.echo(line)


def _lines(mended: RollupMismatches) -> Iterator[str]:
    for rollup, rows in asdict(mended).items():
        if rows:
            yield f"mended {rows:,} {'row' if rows == 1 else 'rows'} of {rollup}"
    if not mended:
        yield "nothing to mend: the rollups agree with the activities"
