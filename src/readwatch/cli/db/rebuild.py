"""`readwatch db rebuild`: the rollups, computed again from the activities."""

from collections.abc import Iterator
from dataclasses import asdict

import click

from readwatch.cli.database import database
from readwatch.cli.examples import examples
from readwatch.cli.main import database_url
from readwatch.cli.operator import cli_event
from readwatch.cli.output import print_line, with_progress
from readwatch.cli.settings import acting_admin
from readwatch.domain.audit import AuditAction
from readwatch.domain.clock import system_clock
from readwatch.domain.health import RollupMismatches
from readwatch.domain.plural import counted
from readwatch.store.audit import log as audit_log
from readwatch.store.engine import migrations
from readwatch.store.engine.privileges import Role
from readwatch.store.identity import users
from readwatch.store.recording import rebuild as rollup_rebuild


@click.command("rebuild", epilog=examples("readwatch db rebuild"))
@acting_admin
@click.pass_context
def command(context: click.Context, admin: str | None) -> None:
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
