"""`readwatch maintenance archive`: old activities, from the database to files."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import click

from readwatch.cli.archives import archives_options, own_folders
from readwatch.cli.confirmation import confirm
from readwatch.cli.database import database
from readwatch.cli.examples import examples
from readwatch.cli.main import database_url
from readwatch.cli.operator import cli_event
from readwatch.cli.option_types import AGE
from readwatch.cli.output import local_time, print_json, print_line, with_progress
from readwatch.cli.settings import acting_admin
from readwatch.domain.ages import Age
from readwatch.domain.archive_files import Archive
from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.clock import system_clock
from readwatch.domain.health import format_bytes
from readwatch.domain.plural import counted
from readwatch.store.audit import log as audit_log
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database, is_sqlite
from readwatch.store.engine.database import EngineSettings
from readwatch.store.engine.exclusive import exclusive_maintenance
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.sqlite import WRITER_CACHE_MIB
from readwatch.store.identity import users
from readwatch.store.lifecycle import archives, archiving

_SETTINGS = EngineSettings(cache_mib=WRITER_CACHE_MIB)
"""Each activity that leaves the database changes about ten pages, mostly the same ones."""


@click.command(
    "archive",
    epilog=examples(
        "readwatch maintenance archive --older-than 1y --to archive",
        "readwatch maintenance archive --verify",
    ),
)
@click.option(
    "--older-than",
    "age",
    type=AGE,
    metavar="AGE",
    help="Archive activities that arrived longer ago: 1y, 18mo or 90d, at least 90 days.",
)
@click.option(
    "--to",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Write the files to this folder, which is for this database only.",
)
@click.option("--verify", is_flag=True, help="Check the files of all archives instead.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@archives_options
@acting_admin
@click.pass_context
def command(
    context: click.Context,
    age: Age | None,
    folder: Path | None,
    verify: bool,
    yes: bool,
    as_json: bool,
    archive_folders: tuple[Path, ...],
    archives_gone: bool,
    admin: str | None,
) -> int:
    """Move old activities to compressed files, or check them.

    The service may keep running. All totals stay what they are. If the command is interrupted, run
    it again: nothing is lost, and nothing is doubled. The archive is logged first. With --verify
    the exit code is 1 if a file is missing or damaged.
    """
    if verify != (age is None and folder is None) or (age is None) != (folder is None):
        raise click.UsageError("give --older-than AGE and --to FOLDER, or --verify", context)
    with database(database_url(context), Role.ARCHIVE, _SETTINGS) as db:
        migrations.require_current(db)
        acting_id = users.acting_admin(db, admin).id
        if age is None or folder is None:
            listed = archives.moved_to(archives.archives(db), own_folders(db, archive_folders))
            return _verify(listed, as_json=as_json)
        now = system_clock()
        before = archiving.arrived_before(age, now)
        with exclusive_maintenance(db):
            _take_over_folders(db, archive_folders, acting_id, archives_gone=archives_gone)
            request = _Request(age, before, own_folders(db, [folder])[0])
            planned = archiving.plan(db, before)
            moved = _archive(db, request, planned, acting_id, now, yes=yes)
            unlisted = archives.unlisted_files(archives.archives(db), request.folder)
        report = _Report(request, moved, unlisted)
        if as_json:
            print_json(report.as_json())
        else:
            for line in report.lines(is_file=is_sqlite(db)):
                print_line(line)
    return 0


def archive_if_due(url: str, age: Age, folder: Path, acting_id: int, now: datetime) -> str:
    """Archive old activities if those of a month have come together, or an earlier run was
    interrupted; return what was done.

    Call it in `exclusive_maintenance`.
    """
    with database(url, Role.ARCHIVE, _SETTINGS) as db:
        before = archiving.arrived_before(age, now)
        request = _Request(age, before, own_folders(db, [folder])[0])
        planned = archiving.due_plan(db, request.before)
        if planned is None:
            return "not due, less than a month of activities is old enough"
        moved = _archive(db, request, planned, acting_id, now, yes=True)
    activities = counted(sum(moved.values()), "activity", "activities")
    return f"moved {activities} to {counted(len(moved), 'file')} in {request.folder}"


@dataclass(frozen=True, slots=True)
class _Request:
    """What to archive, and where."""

    age: Age
    before: datetime
    folder: Path


@dataclass(frozen=True, slots=True)
class _Report:
    """What was archived: the number of activities that left the database, by file."""

    request: _Request
    moved: dict[Path, int]
    unlisted: Sequence[Path]

    def as_json(self) -> dict[str, object]:
        return {
            "folder": str(self.request.folder),
            "before": self.request.before,
            "activities": sum(self.moved.values()),
            "files": [
                {"file": str(file), "activities": activities, "size": file.stat().st_size}
                for file, activities in self.moved.items()
            ],
            "unlisted": [str(file) for file in self.unlisted],
        }

    def lines(self, *, is_file: bool) -> Iterator[str]:
        before = local_time(self.request.before)
        if self.moved:
            size = format_bytes(sum(file.stat().st_size for file in self.moved))
            activities = counted(sum(self.moved.values()), "activity", "activities")
            files = counted(len(self.moved), "file")
            yield f"moved {activities} that arrived before {before} to {files}, {size}"
            if is_file:
                yield (
                    "new rows use the space in the database file; make the file smaller with: "
                    "readwatch db vacuum"
                )
        else:
            yield f"nothing to archive: no more activities arrived before {before}"
        yield from map(_of_no_archive, self.unlisted)


def _of_no_archive(file: Path) -> str:
    return f"{file} was left alone: it has activities that this database does not have"


def _take_over_folders(
    db: Database, folders: Sequence[Path], acting_id: int, *, archives_gone: bool
) -> None:
    """Note where archives are now, and log and forget those that the user says are gone."""
    archives.relocate(db, own_folders(db, folders))
    gone = archives.missing(archives.archives(db)) if archives_gone else ()
    if gone:
        details = f"cli, {counted(len(gone), 'archive is gone', 'archives are gone')}"
        audit_log.log_event(db, _event(acting_id, details), system_clock())
    for archive in gone:
        archives.remove(db, archive)


def _event(acting_id: int, details: str) -> AuditEvent:
    return cli_event(
        actor_id=acting_id, action_type=AuditAction.ARCHIVED_ACTIVITIES, details=details
    )


def _archive(
    db: Database,
    request: _Request,
    planned: archiving.Plan,
    acting_id: int,
    now: datetime,
    *,
    yes: bool,
) -> dict[Path, int]:
    """Ask, log and archive; return the number of moved activities by file."""
    if not planned.activities and not archiving.is_interrupted(db, request.folder):
        return {}
    if planned.activities and not yes:
        activities = counted(planned.activities, "activity", "activities")
        confirm(
            f"Move {activities} that arrived before {local_time(request.before)} to "
            f"{request.folder}?",
            refusal="nothing was archived",
        )
    details = f"cli, older than {request.age}, to {request.folder.name}"
    event = _event(acting_id, details)
    moved: dict[Path, int] = {}
    steps = archiving.archive(db, request.folder, planned, event, now)
    for step in with_progress(steps, "Archiving", planned.steps):
        moved[step.file] = moved.get(step.file, 0) + step.moved
    return moved


# Verify -----------------------------------------------------------------------------------------


def _verify(listed: Sequence[Archive], *, as_json: bool) -> int:
    complete = [archive for archive in listed if archive.sha256 is not None]
    checked = list(with_progress(archives.verify(complete), "Checking archives", len(complete)))
    findings = [*(defect for _, defect in checked if defect), *_findings_in_folders(complete)]
    activities = sum(archive.activities for archive in complete)
    if as_json:
        print_json({"files": len(complete), "activities": activities, "findings": findings})
    else:
        for finding in findings:
            print_line(finding)
        if not findings:
            files = counted(len(complete), "file")
            print_line(
                f"{files} with {counted(activities, 'activity', 'activities')}: all are as they "
                "were written"
            )
    return 1 if findings else 0


def _findings_in_folders(complete: Sequence[Archive]) -> Iterator[str]:
    for folder in archives.without_manifest(complete):
        yield f"{folder} has no manifest; the next archive writes it again"
    for folder in sorted({Path(archive.folder) for archive in complete}):
        for file in archives.unlisted_files(complete, folder):
            yield (
                f"{file} is not listed; the next archive takes it over if the database has all its "
                "activities"
            )
