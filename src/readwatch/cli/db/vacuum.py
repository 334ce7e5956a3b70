"""`readwatch db vacuum`: the space of deleted rows, and the statistics of the planner."""

from collections.abc import Iterator
from dataclasses import asdict
from time import monotonic
from typing import Any

import click

from readwatch.cli.confirmation import confirm
from readwatch.cli.database import database
from readwatch.cli.examples import examples
from readwatch.cli.main import database_url
from readwatch.cli.operator import cli_event
from readwatch.cli.output import print_json, print_line, with_progress
from readwatch.cli.settings import acting_admin
from readwatch.domain.audit import AuditAction
from readwatch.domain.clock import system_clock
from readwatch.domain.errors import unavailable
from readwatch.domain.health import format_bytes
from readwatch.domain.vacuum import VacuumNeeds
from readwatch.store.audit import log as audit_log
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database
from readwatch.store.engine.database import EngineSettings
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.sqlite import SQLite
from readwatch.store.identity import users
from readwatch.store.lifecycle.health import database_size
from readwatch.store.lifecycle.vacuum import number_of_steps, vacuum_needs, vacuum_steps

BUSY_SECONDS = 60
"""The longest wait for another program: the service copies the long WAL of a vacuum at a commit."""


@click.command("vacuum", epilog=examples("readwatch db vacuum", "readwatch db vacuum --yes"))
@acting_admin
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def command(context: click.Context, admin: str | None, *, yes: bool, as_json: bool) -> None:
    """Free the space of deleted rows.

    This also collects the statistics that the planner of queries uses. The service may keep
    running. On SQLite nobody can write meanwhile: apps get 503 and send their activities again.
    Before it begins, the command says how long that takes, and how much room on the disk it needs.
    On PostgreSQL nobody waits.
    """
    url = database_url(context)
    with database(url, Role.MAINTENANCE) as db:
        migrations.require_current(db)
        acting = users.acting_admin(db, admin)
        needs = vacuum_needs(db) if isinstance(db, SQLite) else None
        for sentence in _warnings(needs):
            print_line(sentence, err=True)
        if needs is not None:
            _require_room(needs)
            if not yes:
                confirm("Vacuum the database now?", refusal="nothing was changed")
        _log(db, acting.id)
    began = monotonic()
    with database(url, Role.OWNER, EngineSettings(busy_seconds=BUSY_SECONDS)) as db:
        before = database_size(db)
        for _ in with_progress(vacuum_steps(db), "Vacuuming", number_of_steps(db)):
            pass
        after = database_size(db)
    _report(before, after, monotonic() - began, needs, as_json=as_json)


def _warnings(needs: VacuumNeeds | None) -> Iterator[str]:
    """Yield what to know before a vacuum begins."""
    if needs is None:
        yield "others can read and write meanwhile; the tables keep their space for new rows"
        return
    shortest, longest = needs.seconds
    yield (
        f"nobody can write for about {shortest} s on a fast disk, {longest} s on a slow one; "
        "apps get 503 and send again"
    )
    for room in needs.rooms:
        yield (
            f"it needs up to {format_bytes(room.needed)} in {room.folder}, where "
            f"{format_bytes(room.free)} is free"
        )


def _require_room(needs: VacuumNeeds) -> None:
    for room in needs.rooms:
        if room.shortage is not None:
            raise unavailable(
                f"nothing was changed: {room.shortage}; free some space, or, for SQLite's "
                "temporary file only, set SQLITE_TMPDIR to a folder on another disk"
            )


def _log(db: Database, acting_id: int) -> None:
    event = cli_event(actor_id=acting_id, action_type=AuditAction.VACUUMED_DATABASE, details="cli")
    audit_log.log_event(db, event, system_clock())


def _report(
    before: int, after: int, seconds: float, needs: VacuumNeeds | None, *, as_json: bool
) -> None:
    if as_json:
        print_json(_as_json(before, after, seconds, needs))
        return
    size = f"{format_bytes(before)} before, {format_bytes(after)} now"
    print_line(f"vacuumed in {seconds:.1f} s: {size}")


def _as_json(before: int, after: int, seconds: float, needs: VacuumNeeds | None) -> dict[str, Any]:
    return {
        "size_before": before,
        "size_after": after,
        "seconds": round(seconds, 1),
        "estimated_seconds": needs and needs.seconds,
        "rooms": needs and [{**asdict(room), "folder": str(room.folder)} for room in needs.rooms],
    }
