"""`readwatch maintenance purge`: delete old sessions and the oldest entries of the access log."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import click

from readwatch.cli.confirmation import confirm
from readwatch.cli.database import database
from readwatch.cli.examples import examples
from readwatch.cli.files import FILE
from readwatch.cli.main import database_url
from readwatch.cli.maintenance.access_log_cut import (
    FinishedCut,
    PlannedCut,
    cut_access_log,
    finish_removal,
    planned_cut,
)
from readwatch.cli.operator import cli_event
from readwatch.cli.option_types import AGE
from readwatch.cli.output import print_json, print_line, with_progress
from readwatch.cli.settings import acting_admin, anchor_log_setting, default_anchor_log
from readwatch.domain.ages import Age, cutoff
from readwatch.domain.audit import AuditAction
from readwatch.domain.audit_cuts import LEAST_AGE as LEAST_AGE_OF_ENTRY
from readwatch.domain.clock import system_clock
from readwatch.domain.plural import counted
from readwatch.store.audit import log as audit_log
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database
from readwatch.store.engine.exclusive import exclusive_maintenance
from readwatch.store.engine.privileges import Role
from readwatch.store.identity import users
from readwatch.store.lifecycle import purge


@click.command(
    "purge",
    epilog=examples(
        "readwatch maintenance purge --sessions 1y --dry-run",
        "readwatch maintenance purge --access-log 3y --to removed.jsonl",
    ),
)
@click.option(
    "--sessions",
    type=AGE,
    metavar="AGE",
    help="Delete readers' sessions that ended longer ago than this, such as 1y or 180d.",
)
@click.option(
    "--staff-sessions",
    type=AGE,
    metavar="AGE",
    help="Delete sessions of consultants and admins at the API that ended longer ago.",
)
@click.option(
    "--access-log",
    type=AGE,
    metavar="AGE",
    help="Remove the entries of the access log that are older, and cut the log there.",
)
@click.option(
    "--to",
    "copy",
    type=FILE,
    metavar="FILE",
    help="Write the removed entries of the access log to this new file first, as JSON Lines.",
)
@click.option("--without-copy", is_flag=True, help="Remove entries of the access log for good.")
@click.option("--dry-run", is_flag=True, help="Say what would be deleted, and delete nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@anchor_log_setting
@acting_admin
@click.pass_context
def command(
    context: click.Context,
    sessions: Age | None,
    staff_sessions: Age | None,
    access_log: Age | None,
    copy: Path | None,
    without_copy: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    anchor_log: Path | None,
    admin: str | None,
) -> None:
    """Delete old sessions, and the oldest entries of the access log.

    The service may keep running. Totals and activities stay, and so does each reader's last session
    of that time. The rest of the access log can be verified as before: its entry says where it was
    cut, and so does an anchor. An interrupted purge can be run again.
    """
    if sessions is staff_sessions is access_log is None:
        raise click.UsageError(
            "say what to delete: --sessions AGE, --staff-sessions AGE or --access-log AGE"
        )
    if not dry_run and (access_log is not None) != ((copy is not None) ^ without_copy):
        raise click.UsageError(
            "with --access-log, and only then, either name a file for the removed entries, "
            "--to FILE, or say --without-copy"
        )
    url, now = database_url(context), system_clock()
    anchor_log = anchor_log or default_anchor_log(url)
    with database(url, Role.PURGE) as db:
        migrations.require_current(db)
        acting = users.acting_admin(db, admin)
        with exclusive_maintenance(db):
            purge.require_right_clock(db, now)
            old = Old(
                sessions=old_sessions(db, sessions, now),
                staff_sessions=old_staff_sessions(db, staff_sessions, now),
                cut=None if access_log is None else _planned(db, access_log, now, anchor_log),
            )
            if dry_run:
                _print(old.as_json(), old.lines("would delete"), as_json=as_json)
                return
            if old and not yes:
                for line in old.lines("to delete:"):
                    print_line(line, err=True)
                confirm("This cannot be undone. Delete it?", refusal="nothing was deleted")
            purged = _purge(db, old, acting.id, now, anchor_log, copy)
    _print(purged.as_json(), purged.lines(), as_json=as_json)


def _planned(db: Database, age: Age, now: datetime, anchor_log: Path) -> PlannedCut | None:
    return planned_cut(db, before_of_cut(age, now), anchor_log)


def before_of_cut(age: Age, now: datetime) -> datetime:
    """Return the time before which entries of the access log have an age; refuse a young one."""
    return cutoff(
        age,
        now,
        at_least_days=LEAST_AGE_OF_ENTRY.days,
        reason="the access log keeps what is newer",
    )


def _print(report: dict[str, object], lines: Iterator[str], *, as_json: bool) -> None:
    if as_json:
        print_json(report)
        return
    for line in lines:
        print_line(line)


# Sessions ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OldSessions:
    """The sessions of readers or of staff that ended before a time, and their number."""

    of_staff: bool
    before: datetime
    sessions: int

    @property
    def name(self) -> str:
        """Name them, with their number."""
        noun = "staff session" if self.of_staff else "reader session"
        return f"{counted(self.sessions, noun)} that ended before {self.before:%Y-%m-%d}"


def _before(age: Age, now: datetime) -> datetime:
    return cutoff(
        age,
        now,
        at_least_days=purge.LEAST_AGE.days,
        reason="pages and reports of readers show twelve weeks",
    )


def old_sessions(db: Database, age: Age | None, now: datetime) -> OldSessions | None:
    """Return the readers' sessions that are older than an age."""
    if age is None:
        return None
    before = _before(age, now)
    return OldSessions(False, before, purge.old_sessions(db, before, now))


def old_staff_sessions(db: Database, age: Age | None, now: datetime) -> OldSessions | None:
    """Return the staff sessions that are older than an age."""
    if age is None:
        return None
    before = _before(age, now)
    return OldSessions(True, before, purge.old_staff_sessions(db, before))


def purge_sessions(
    db: Database, old: OldSessions | None, acting_id: int, now: datetime
) -> OldSessions | None:
    """Log the purge of old sessions first, delete them, and return what was deleted."""
    if old is None or not old.sessions:
        return old
    event = cli_event(
        actor_id=acting_id, action_type=AuditAction.PURGED_SESSIONS, details=f"cli, {old.name}"
    )
    audit_log.log_event(db, event, system_clock())
    chunks = (
        purge.purge_staff_sessions(db, old.before)
        if old.of_staff
        else purge.purge_sessions(db, old.before, now)
    )
    total = -(-old.sessions // purge.CHUNK_SESSIONS)
    deleted = sum(with_progress(chunks, "Deleting sessions", total))
    return OldSessions(old.of_staff, old.before, deleted)


# All of a purge ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Old:
    """What a purge will delete; None is what it was not asked to delete."""

    sessions: OldSessions | None
    staff_sessions: OldSessions | None
    cut: PlannedCut | None

    def __bool__(self) -> bool:
        """Tell whether there is anything to delete."""
        return bool(self.cut) or any(each.sessions for each in self._of_sessions())

    def _of_sessions(self) -> Iterator[OldSessions]:
        yield from (each for each in (self.sessions, self.staff_sessions) if each is not None)

    def lines(self, begin: str) -> Iterator[str]:
        """Yield a line for each kind."""
        for each in self._of_sessions():
            yield f"{begin} {each.name}"
        if self.cut is not None:
            entries = counted(self.cut.entries, "entry", "entries")
            yield f"{begin} {entries} of the access log, up to entry {self.cut.head.id}"
        if not self:
            yield "nothing is old enough"

    def as_json(self) -> dict[str, object]:
        """Return it for `--json`."""
        return {
            "dry_run": True,
            "sessions": self.sessions and self.sessions.sessions,
            "staff_sessions": self.staff_sessions and self.staff_sessions.sessions,
            "access_log": self.cut and asdict(self.cut),
        }


@dataclass(frozen=True, slots=True)
class Purged:
    """What a purge has deleted, with the entries that an interrupted one has left."""

    sessions: OldSessions | None
    staff_sessions: OldSessions | None
    cut: FinishedCut | None
    left_entries: int

    def lines(self) -> Iterator[str]:
        """Yield a line for each kind."""
        for each in (self.sessions, self.staff_sessions):
            if each is not None and each.sessions:
                yield f"deleted {each.name}"
        if self.left_entries:
            left = counted(self.left_entries, "entry", "entries")
            yield f"deleted {left} of the access log that an interrupted purge has left"
        if self.cut is not None:
            yield self.cut.sentence
        if not any(self._numbers()):
            yield "nothing is old enough"

    def _numbers(self) -> Iterator[int]:
        yield from (each.sessions for each in (self.sessions, self.staff_sessions) if each)
        yield self.left_entries + (0 if self.cut is None else self.cut.entries)

    def as_json(self) -> dict[str, object]:
        """Return it for `--json`."""
        return {
            "dry_run": False,
            "sessions": self.sessions and self.sessions.sessions,
            "staff_sessions": self.staff_sessions and self.staff_sessions.sessions,
            "access_log": self.cut and self.cut.as_json(),
            "left_entries": self.left_entries,
        }


def _purge(
    db: Database, old: Old, acting_id: int, now: datetime, anchor_log: Path, copy: Path | None
) -> Purged:
    left_entries = finish_removal(db)
    cut = None
    if old.cut is not None:
        cut = cut_access_log(db, old.cut, acting_id, anchor_log=anchor_log, copy=copy)
    return Purged(
        purge_sessions(db, old.sessions, acting_id, now),
        purge_sessions(db, old.staff_sessions, acting_id, now),
        cut,
        left_entries,
    )
