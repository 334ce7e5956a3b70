"""`readwatch maintenance sweep` and `run`: what a timer calls."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from readwatch.cli.database import database
from readwatch.cli.examples import examples
from readwatch.cli.files import unwritable
from readwatch.cli.main import database_url
from readwatch.cli.maintenance.access_log_cut import cut_access_log, finish_removal, planned_cut
from readwatch.cli.maintenance.archive import archive_if_due
from readwatch.cli.maintenance.purge import (
    OldSessions,
    before_of_cut,
    old_sessions,
    old_staff_sessions,
    purge_sessions,
)
from readwatch.cli.operator import cli_event
from readwatch.cli.option_types import AGE
from readwatch.cli.output import print_json, print_line, with_progress
from readwatch.cli.serve import session_timeout_setting
from readwatch.cli.settings import acting_admin, anchor_log_setting, default_anchor_log, setting
from readwatch.domain.ages import Age
from readwatch.domain.audit import AuditAction
from readwatch.domain.clock import system_clock
from readwatch.domain.errors import ReadwatchError, misconfigured, safe_errors
from readwatch.domain.files import make_private_folders
from readwatch.store.audit import cuts
from readwatch.store.audit import log as audit_log
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database, connection
from readwatch.store.engine.exclusive import exclusive_maintenance
from readwatch.store.engine.privileges import Role
from readwatch.store.identity import users
from readwatch.store.lifecycle import purge
from readwatch.store.lifecycle import sweep as sweeping
from readwatch.store.lifecycle.vacuum import collect_statistics

CUT_EVERY = timedelta(days=30)
"""`maintenance run` cuts the access log so often at most: each cut is an entry, an anchor and a
file."""

NO_COPIES = "discard"


@click.command("sweep", epilog=examples("readwatch maintenance sweep"))
@session_timeout_setting
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@acting_admin
@click.pass_context
def sweep(context: click.Context, session_timeout: int, as_json: bool, admin: str | None) -> int:
    """End sessions that timed out, and delete expired rows.

    A running service does this by itself, each minute and each hour; this is for times without one,
    and does no harm while one runs.
    """
    url = database_url(context)
    timeout = timedelta(minutes=session_timeout)

    def jobs(db: Database, _acting_id: int, _now: datetime) -> tuple[Job, ...]:
        return (Job("sweep", lambda: _sweep(db, timeout)),)

    return _print(_run(url, admin, "sweep", jobs), as_json=as_json)


@click.command(
    "run",
    epilog=examples(
        "readwatch maintenance run",
        "readwatch maintenance run --purge-sessions-older-than 1y",
    ),
)
@session_timeout_setting
@setting(
    "--archive-older-than",
    type=AGE,
    metavar="AGE",
    help="Move activities that arrived longer ago to files, once a month.  [default: never]",
)
@setting(
    "--archive-folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Folder for the files of archived activities, of this database only.",
)
@setting(
    "--purge-sessions-older-than",
    type=AGE,
    metavar="AGE",
    help="Delete readers' sessions that ended longer ago, such as 1y.  [default: never]",
)
@setting(
    "--purge-staff-sessions-older-than",
    type=AGE,
    metavar="AGE",
    help="Delete staff sessions at the API that ended longer ago.  [default: never]",
)
@setting(
    "--purge-access-log-older-than",
    type=AGE,
    metavar="AGE",
    help="Remove older entries of the access log, once in 30 days.  [default: never]",
)
@setting(
    "--access-log-copies",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Folder for the removed entries of the access log; the word discard keeps no copy.",
)
@anchor_log_setting
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@acting_admin
@click.pass_context
def run(
    context: click.Context,
    session_timeout: int,
    archive_older_than: Age | None,
    archive_folder: Path | None,
    purge_sessions_older_than: Age | None,
    purge_staff_sessions_older_than: Age | None,
    purge_access_log_older_than: Age | None,
    access_log_copies: Path | None,
    anchor_log: Path | None,
    as_json: bool,
    admin: str | None,
) -> int:
    """Do what is due: sweep, and what the settings say about old data.

    For a timer, once a day. It asks nothing and prints a line for each job. If a job fails, the
    others still run, and the exit code is 1.
    """
    url = database_url(context)
    anchor_log = anchor_log or default_anchor_log(url)

    def jobs(db: Database, acting_id: int, now: datetime) -> Iterator[Job]:
        yield Job("sweep", lambda: _sweep(db, timedelta(minutes=session_timeout)))
        if (archive_age := archive_older_than) is not None:
            yield Job("archive", lambda: _archive(url, archive_age, archive_folder, acting_id, now))
        if (age := purge_sessions_older_than) is not None:
            yield Job("sessions", lambda: _purge(db, old_sessions(db, age, now), acting_id, now))
        if (staff_age := purge_staff_sessions_older_than) is not None:
            yield Job(
                "staff sessions",
                lambda: _purge(db, old_staff_sessions(db, staff_age, now), acting_id, now),
            )
        if (log_age := purge_access_log_older_than) is not None:
            yield Job(
                "access log",
                lambda: _cut(db, log_age, acting_id, now, anchor_log, access_log_copies),
            )
        yield Job("statistics", lambda: _collect_statistics(url))

    return _print(_run(url, admin, "run", jobs), as_json=as_json)


# A run ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Job:
    """A job of a run: its name, and the function that does it and says what it did."""

    name: str
    work: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Result:
    """What a job did, or why it failed."""

    job: str
    done: str | None
    error: str | None = None


Jobs = Callable[[Database, int, datetime], "Iterator[Job] | tuple[Job, ...]"]
"""Returns the jobs for a database, an acting admin and a time."""


def _run(url: str, admin: str | None, command: str, jobs: Jobs) -> list[Result]:
    """Log a sweep or a run first, and do all its jobs; log the end of a run if none failed."""
    with database(url, Role.PURGE) as db:
        migrations.require_current(db)
        acting, now = users.acting_admin(db, admin), system_clock()
        with exclusive_maintenance(db):
            purge.require_right_clock(db, now)
            chosen = tuple(jobs(db, acting.id, now))
            details = f"cli, {command}: {', '.join(job.name for job in chosen)}"
            _log(db, acting.id, AuditAction.BEGAN_MAINTENANCE, details)
            results = [_attempt(db, job) for job in chosen]
            # A sweep is one job of a run: it must not hide that the others fail.
            if command == "run" and not any(result.error for result in results):
                _log(db, acting.id, AuditAction.FINISHED_MAINTENANCE, details)
    return results


def _attempt(db: Database, job: Job) -> Result:
    try:
        with safe_errors(), connection(db):
            return Result(job.name, job.work())
    except ReadwatchError as error:
        return Result(job.name, None, error.message)


def _log(db: Database, acting_id: int, action_type: AuditAction, details: str) -> None:
    event = cli_event(actor_id=acting_id, action_type=action_type, details=details)
    audit_log.log_event(db, event, system_clock())


def _print(results: list[Result], *, as_json: bool) -> int:
    """Print a line for each job, and return the exit code."""
    if as_json:
        print_json([{"job": each.job, "done": each.done, "error": each.error} for each in results])
    for each in results:
        if each.error is not None:
            print_line(f"readwatch: {each.job}: {each.error}", err=True)
        elif not as_json:
            print_line(f"{each.job}: {each.done}")
    return 1 if any(each.error for each in results) else 0


# The jobs ---------------------------------------------------------------------------------------


def _sweep(db: Database, session_timeout: timedelta) -> str:
    steps = sweeping.sweep(db, system_clock, session_timeout)
    for _ in with_progress(steps, "Sweeping", sweeping.STEPS):
        pass
    finish_removal(db)
    return "ended sessions that timed out, deleted expired rows"


def _archive(url: str, age: Age, folder: Path | None, acting_id: int, now: datetime) -> str:
    if folder is None:
        raise misconfigured("nothing was archived: set archive_folder")
    return archive_if_due(url, age, folder, acting_id, now)


def _purge(db: Database, old: OldSessions | None, acting_id: int, now: datetime) -> str:
    deleted = purge_sessions(db, old, acting_id, now)
    return "nothing" if deleted is None else f"deleted {deleted.name}"


def _cut(
    db: Database,
    age: Age,
    acting_id: int,
    now: datetime,
    anchor_log: Path,
    copies: Path | None,
) -> str:
    if copies is None:  # said on the first day, not when entries are old enough
        raise misconfigured(
            "nothing was removed: set access_log_copies to a folder for the removed entries, or to "
            f"the word {NO_COPIES}"
        )
    newest = cuts.newest_cut(db)
    if newest is not None and now < newest.cut_at + CUT_EVERY:
        return f"not due, it was cut on {newest.cut_at:%Y-%m-%d}"
    planned = planned_cut(db, before_of_cut(age, now), anchor_log)
    if planned is None:
        return "nothing is old enough"
    copy = _new_copy(copies, now)
    return cut_access_log(db, planned, acting_id, anchor_log=anchor_log, copy=copy).sentence


def _new_copy(folder: Path, now: datetime) -> Path | None:
    """Return the file for the removed entries, or None if no copies are kept."""
    if str(folder) == NO_COPIES:
        return None
    folder = folder.expanduser()
    try:
        make_private_folders(folder)
    except OSError as error:
        raise unwritable(folder, error) from None
    return folder / f"access-log-{now.astimezone(UTC):%Y%m%d-%H%M%S}.jsonl"


def _collect_statistics(url: str) -> str:
    with database(url, Role.OWNER) as db:
        return collect_statistics(db)
