"""`readwatch db backup`: copy the database while it is used, and check the copy."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from readwatch.cli.database import database
from readwatch.cli.examples import examples
from readwatch.cli.files import FILE, draft_of_copy, private_folder
from readwatch.cli.main import database_url
from readwatch.cli.operator import cli_event
from readwatch.cli.option_types import WholeNumber
from readwatch.cli.output import print_json, print_line, with_progress
from readwatch.cli.settings import acting_admin
from readwatch.domain.audit import AuditAction
from readwatch.domain.audit_chain import Anchor
from readwatch.domain.clock import system_clock
from readwatch.domain.disk_room import room
from readwatch.domain.errors import conflict, invalid
from readwatch.domain.files import atomic_text_file, keep_draft
from readwatch.domain.health import format_bytes
from readwatch.store.audit import log as audit_log
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database, driver_connection
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.sqlite import is_sqlite_url, sqlite_url
from readwatch.store.engine.sqlite_copy import copy_bytes, copy_steps, number_of_steps
from readwatch.store.identity import users
from readwatch.store.lifecycle.backup import Contents, check

_NAME = re.compile(r"readwatch-\d{8}-\d{6}\.db")


@click.command(
    "backup",
    epilog=examples("readwatch db backup monday.db", "readwatch db backup --to backups --keep 14"),
)
@click.argument("file", type=FILE, required=False)
@click.option(
    "--to",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Write to this folder, under a name with the time.",
)
@click.option(
    "--keep",
    type=WholeNumber(1, 10_000),
    metavar="N",
    help="With --to: keep the newest N backups of the folder, and delete older ones.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@acting_admin
@click.pass_context
def command(
    context: click.Context,
    file: Path | None,
    folder: Path | None,
    keep: int | None,
    as_json: bool,
    admin: str | None,
) -> None:
    """Copy the database to a new FILE, and check the copy.

    The service and consoles may keep running. Only you can read the file. Beside it is its anchor:
    the head of the copy's access log. The backup is logged first.
    """
    now = system_clock()
    target = _target(file, folder, keep, now)
    url = database_url(context)
    refuse_postgresql(url)
    if folder is not None:
        private_folder(folder)
    with database(url, Role.BACKUP) as db:
        acting = users.acting_admin(db, admin)
        made = back_up(db, target, acting.id, now)
    deleted = [] if keep is None else list(_delete_old(target, keep))
    if as_json:
        print_json({**made.as_json(), "deleted": [str(old) for old in deleted]})
    else:
        for line in made.lines():
            print_line(line)
        for old in deleted:
            print_line(f"deleted {old}")


def _target(file: Path | None, folder: Path | None, keep: int | None, now: datetime) -> Path:
    if file is not None and folder is None and keep is None:
        return file
    if file is None and folder is not None:
        return folder / f"readwatch-{now.astimezone(UTC):%Y%m%d-%H%M%S}.db"
    raise click.UsageError("name either a new FILE, or a folder: --to FOLDER [--keep N]")


def refuse_postgresql(url: str) -> None:
    """Refuse a database that has its own programs for backups."""
    if not is_sqlite_url(url):
        raise invalid(
            "this is for SQLite; back up PostgreSQL with pg_dump or pgBackRest: see "
            "docs/postgresql.md"
        )


@dataclass(frozen=True, slots=True)
class Backup:
    """A complete backup."""

    file: Path
    size: int
    contents: Contents

    def as_json(self) -> dict[str, object]:
        """Return it for `--json`."""
        head = self.contents.head
        return {
            "file": str(self.file),
            "size": self.size,
            "rows": self.contents.rows,
            "access_log": {"entries": head.entries, "id": head.id, "row_hash": head.row_hash},
        }

    def lines(self) -> Iterator[str]:
        """Yield it in sentences."""
        yield f"backed up to {self.file}: {format_bytes(self.size)}, checked"
        yield self.contents.sentence


def back_up(db: Database, target: Path, acting_id: int, now: datetime) -> Backup:
    """Log a backup, write it and check it; until the check has passed, a failure leaves no file.

    `db` is SQLite with the role of backups.
    """
    migrations.pending(migrations.history(db), migrations.available_migrations(db))
    source = driver_connection(db)
    _refuse_names_in_use(Path(db.database).resolve(), target)
    _require_room(target.parent, copy_bytes(source))
    with draft_of_copy(target) as draft:
        _log(db, AuditAction.BACKED_UP_DATABASE, f"cli, to {target.name}", acting_id)
        steps = with_progress(copy_steps(source, draft), "Copying", number_of_steps(source))
        for _ in steps:
            pass
        contents = checked(draft)
        if contents.defects:
            raise conflict(
                f"nothing was backed up, because the copy is damaged: {contents.defects[0]}; "
                "see: readwatch db health"
            )
        keep_draft(draft, target)
        with atomic_text_file(anchor_file(target), replace=False) as text:
            text.write(Anchor(now, contents.head).line)
    _log(db, AuditAction.CHECKED_BACKUP, f"cli, {target.name}", acting_id)
    return Backup(target, target.stat().st_size, contents)


def _refuse_names_in_use(database_file: Path, target: Path) -> None:
    for file in (target, anchor_file(target)):
        if file.exists():
            raise conflict(f"{file} already exists; name a new file")
    if target.resolve() in (
        database_file.with_name(f"{database_file.name}{suffix}")
        for suffix in ("-journal", "-shm", "-wal")
    ):
        raise conflict(f"SQLite uses {target} for the database; name another file")


def checked(copy: Path) -> Contents:
    """Check a copy, with a progress bar, and return what is in it."""
    with database(sqlite_url(copy.absolute()), Role.OWNER) as db:
        *_, contents = with_progress(check(db), "Checking the copy")
    return contents


def anchor_file(backup: Path) -> Path:
    """Return the file beside a backup with the head of its access log."""
    return backup.with_name(f"{backup.name}.anchor")


def _require_room(folder: Path, size: int) -> None:
    try:
        shortage = room(size, folder).shortage
    except OSError as error:
        raise invalid(f"{folder} cannot be used: {error.strerror}") from None
    if shortage is not None:
        raise conflict(f"nothing was backed up: {shortage}; free some space, or use another disk")


def _log(db: Database, action_type: AuditAction, details: str, acting_id: int) -> None:
    event = cli_event(actor_id=acting_id, action_type=action_type, details=details)
    audit_log.log_event(db, event, system_clock())


def _delete_old(new: Path, keep: int) -> Iterator[Path]:
    """Delete old backups of a folder, so that `keep` are left; other files stay, and the new one
    stays also if the clock was wrong before."""
    others = sorted(
        file
        for file in new.parent.iterdir()
        if _NAME.fullmatch(file.name) and file.is_file() and file.name != new.name
    )
    for old in others[: max(0, len(others) - keep + 1)]:
        try:
            old.unlink()
            anchor_file(old).unlink(missing_ok=True)
        except OSError as error:
            raise conflict(
                f"{new} is complete, but {old} cannot be deleted: {error.strerror}"
            ) from None
        yield old
