"""`readwatch db upgrade`: bring the schema of a database up to this program, after a backup."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path
from typing import Any, TypeVar

import click

from readwatch.cli.confirmation import confirm
from readwatch.cli.database import database
from readwatch.cli.db.backup import Backup, back_up
from readwatch.cli.examples import examples
from readwatch.cli.files import private_folder
from readwatch.cli.main import database_url
from readwatch.cli.operator import cli_event
from readwatch.cli.output import print_json, print_line, with_progress
from readwatch.cli.settings import acting_admin
from readwatch.domain.audit import AuditAction
from readwatch.domain.clock import system_clock
from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.domain.plural import counted
from readwatch.store.audit import log as audit_log
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import open_database
from readwatch.store.engine.database import EngineSettings
from readwatch.store.engine.migrations import Migration
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.sqlite import is_sqlite_url, sqlite_path
from readwatch.store.engine.upgrade_plan import PlannedMigration, UpgradePlan, upgrade_plan
from readwatch.store.identity import users

BUSY_SECONDS = 60
"""The longest wait for another program: one that upgrades the same database, or a long commit."""

_PATIENT = EngineSettings(busy_seconds=BUSY_SECONDS)

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--backup-to",
        "folder",
        type=click.Path(file_okay=False, path_type=Path),
        metavar="FOLDER",
        help="SQLite: folder of the backup before an upgrade.  [default: the database's]",
    ),
    click.option(
        "--no-backup", is_flag=True, help="SQLite: make no backup, because you have a new one."
    ),
    click.option("--yes", is_flag=True, help="Do not ask."),
    acting_admin,
)


def upgrade_options(command: F) -> F:
    """Add the options that an upgrade needs."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command(
    "upgrade", epilog=examples("readwatch db upgrade --dry-run", "readwatch db upgrade --yes")
)
@click.option("--dry-run", is_flag=True, help="Only say what an upgrade would do.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@upgrade_options
@click.pass_context
def command(
    context: click.Context,
    admin: str | None,
    folder: Path | None,
    *,
    dry_run: bool,
    as_json: bool,
    no_backup: bool,
    yes: bool,
) -> None:
    """Upgrade the database to this version of readwatch.

    First the command says what it will do, asks, and on SQLite makes a checked backup. Each
    migration is applied completely or not at all; after an interruption run the command again.
    There is no way back to an older version except to restore the backup.
    """
    url = database_url(context)
    plan = planned(url)
    target = None if no_backup else backup_file(url, folder, plan, system_clock())
    for line in plan_lines(plan, target):
        print_line(line, err=as_json)
    done = Upgrade()
    if not dry_run:
        done = carry_out(plan, url, target, admin, yes=yes, err=as_json)
    if as_json:
        print_json(_as_json(plan, done, dry_run=dry_run))


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What an upgrade has done."""

    backup: Backup | None = None
    applied: tuple[Migration, ...] = ()


def planned(url: str) -> UpgradePlan:
    """Return the plan of an upgrade; refuse a missing database."""
    open_database(url, Role.BACKUP)  # a role that creates no file
    with database(url, Role.OWNER) as db:
        return upgrade_plan(db)


def backup_file(url: str, folder: Path | None, plan: UpgradePlan, now: datetime) -> Path | None:
    """Return the name of a new backup, None on PostgreSQL; `db backup --keep` does not delete it.

    Without a folder it is in that of the database.
    """
    if not is_sqlite_url(url):
        return None
    folder = folder or sqlite_path(url).resolve().parent
    name = f"readwatch-schema-{plan.last.number}-{now.astimezone(UTC):%Y%m%d-%H%M%S}"
    names = chain([name], (f"{name}-{number}" for number in count(2)))
    return next(file for each in names if not (file := folder / f"{each}.db").exists())


def carry_out(
    plan: UpgradePlan, url: str, target: Path | None, admin: str | None, *, yes: bool, err: bool
) -> Upgrade:
    """Ask, make the backup, and apply the migrations of a plan, and print what was done.

    `admin` is the e-mail of the acting admin, and `err` prints to stderr. Without a migration it
    only brings PostgreSQL's privileges in line, for an upgrade that was interrupted before that.
    """
    done = Upgrade()
    if plan.migrations:
        with database(url, Role.BACKUP) as db:
            acting_id = users.acting_admin(db, admin).id
        if not yes:
            confirm(_prompt(target), refusal="nothing was changed")
        backup = None if target is None else _backed_up(url, target, acting_id)
        for line in () if backup is None else backup.lines():
            print_line(line, err=err)
        done = Upgrade(backup, _applied(url, plan, acting_id, err=err))
        if backup is not None:
            print_line(
                f"to go back to the older version: readwatch db restore {backup.file}", err=err
            )
    with database(url, Role.OWNER) as db:
        migrations.enforce_privileges(db)
    print_unenforced(url)
    return done


def _prompt(target: Path | None) -> str:
    if target is None:
        return "Is there a new backup of your own, and shall the upgrade begin?"
    return "Make the backup, and upgrade the database now?"


def _backed_up(url: str, target: Path, acting_id: int) -> Backup:
    try:
        private_folder(target.parent)
        with database(url, Role.BACKUP, _PATIENT) as db:
            return back_up(db, target, acting_id, system_clock())
    except ReadwatchError as error:
        hint = "; --backup-to names another folder" if error.kind is ErrorKind.INVALID else ""
        raise ReadwatchError(
            error.kind, f"nothing was upgraded, because there is no backup: {error.message}{hint}"
        ) from None


def _applied(url: str, plan: UpgradePlan, acting_id: int, *, err: bool) -> tuple[Migration, ...]:
    """Log the upgrade and apply the migrations; print those that are committed, also on failure."""
    number = plan.migrations[-1].migration.number
    event = cli_event(
        actor_id=acting_id,
        action_type=AuditAction.UPGRADED_DATABASE,
        details=f"cli, schema {plan.last.number} to {number}",
    )
    applied: list[Migration] = []
    with database(url, Role.OWNER, _PATIENT) as db:
        audit_log.log_event(db, event, system_clock())
        steps = migrations.upgrade_steps(db, migrations.available_migrations(db))
        try:
            applied.extend(with_progress(steps, "Upgrading", len(plan.migrations)))
        finally:
            for migration in applied:
                print_line(f"applied schema {migration.number} ({migration.name})", err=err)
    return tuple(applied)


def print_unenforced(url: str) -> None:
    """Print the privileges that PostgreSQL does not enforce, and who can change that."""
    unenforced = migrations.unenforced_privileges(url)
    for sentence in unenforced:
        print_line(f"PostgreSQL does not enforce all privileges: {sentence}", err=True)
    if unenforced:
        print_line(
            "the administrator of the server can run: readwatch db rights --sql | psql", err=True
        )


def plan_lines(plan: UpgradePlan, target: Path | None) -> Iterator[str]:
    """Yield what an upgrade is going to do, in sentences."""
    schema = f"{plan.last.number} ({plan.last.name})"
    if not plan.migrations:
        yield f"the database has schema {schema}, that of this program; there is nothing to do"
        return
    newest = plan.migrations[-1].migration
    yield (
        f"the database has schema {schema}, this program {newest.number} ({newest.name}); "
        f"{counted(len(plan.migrations), 'migration')} to apply:"
    )
    for each in plan.migrations:
        yield f"  {each.migration.number} {each.migration.name}: {_touched(each)}"
    if target is None:
        yield "no backup is made here: make one of your own first (PostgreSQL: pg_dump, pgBackRest)"
    else:
        yield f"first a checked backup is written: {target}"
    yield "services and consoles that run write nothing from then on; start them with this version"


def _touched(planned_migration: PlannedMigration) -> str:
    tables = [
        name if rows is None else f"{name}, about {counted(rows, 'row')}"
        for name, rows in planned_migration.rows.items()
    ]
    return "; ".join(tables) or "no rows that exist"


def _as_json(plan: UpgradePlan, done: Upgrade, *, dry_run: bool) -> Mapping[str, object]:
    return {
        "dry_run": dry_run,
        "schema": plan.last.number,
        "migrations": [
            {"number": each.migration.number, "name": each.migration.name, "rows": each.rows}
            for each in plan.migrations
        ],
        "backup": done.backup and done.backup.as_json(),
        "applied": [migration.number for migration in done.applied],
    }
