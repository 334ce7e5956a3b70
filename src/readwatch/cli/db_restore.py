"""`readwatch db restore`: put a backup in the place of the database."""

import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path

import click

from readwatch.cli.database import database
from readwatch.cli.db_backup import anchor_file, checked, refuse_postgresql
from readwatch.cli.files import FILE, draft_of_copy, unwritable
from readwatch.cli.main import database_url
from readwatch.cli.operator import cli_event
from readwatch.cli.output import print_line, with_progress
from readwatch.cli.settings import (
    acting_admin,
    anchor_log_setting,
    default_anchor_log,
    default_erasure_list,
    erasure_list_setting,
)
from readwatch.domain.audit import AuditAction
from readwatch.domain.audit_chain import Anchor, Gap, append_anchor, read_anchors
from readwatch.domain.clock import system_clock
from readwatch.domain.erasure_list import read_erased_accounts
from readwatch.domain.errors import ReadwatchError, conflict, invalid, safe_errors
from readwatch.domain.files import make_private_folders
from readwatch.domain.health import format_bytes
from readwatch.domain.plural import counted
from readwatch.store.audit import heads
from readwatch.store.audit.gaps import details_of_restore, gaps
from readwatch.store.engine import migrations
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.sqlite import make_sqlite_file, sqlite_path, sqlite_url
from readwatch.store.engine.sqlite_copy import (
    copy_bytes,
    copy_steps,
    number_of_steps,
    open_source,
    replace_file,
    require_unused,
)
from readwatch.store.identity import users
from readwatch.store.lifecycle import erasure
from readwatch.store.lifecycle import restore as restored
from readwatch.store.lifecycle.backup import Contents

_CONSEQUENCES = (
    "Everybody has to log in again. Passwords, roles and suspensions are those of the backup."
)


@click.command("restore")
@click.argument("file", type=FILE)
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@anchor_log_setting
@erasure_list_setting
@acting_admin
@click.pass_context
def restore(
    context: click.Context,
    file: Path,
    yes: bool,
    anchor_log: Path | None,
    erasure_list: Path | None,
    admin: str | None,
) -> None:
    """Check a backup FILE, and put it in the place of the database.

    The service and all consoles have to be stopped. The replaced database is kept beside the new
    one. All sessions end, people who were erased since the backup are erased again, and the access
    log says which of its entries are missing. Until the last step nothing is changed.
    """
    url = database_url(context)
    refuse_postgresql(url)
    path = sqlite_path(url).absolute()
    require_unused(path)
    anchor_log = anchor_log or default_anchor_log(url)
    erased = read_erased_accounts(erasure_list or default_erasure_list(url))
    make_private_folders(path.parent)
    with draft_of_copy(path) as draft:
        _copy(file, draft)
        contents = _checked(file, draft)
        now = system_clock()
        replaced_entries = _replaced_entries(url, path, anchor_log)
        aside = _aside(path, now)
        with database(sqlite_url(draft), Role.OWNER) as db:
            migrations.pending(migrations.history(db), migrations.available_migrations(db))
            acting = users.acting_admin(db, admin)
            if not yes:
                _confirm(file, contents, path, aside)
            migrations.upgrade(db, migrations.available_migrations(db))
            event = cli_event(
                actor_id=acting.id,
                action_type=AuditAction.RESTORED_BACKUP,
                details=details_of_restore(contents.head.entries, replaced_entries),
            )
            restored.record(db, event, now)
            gap = gaps(db)[-1]
            returned = restored.returned_accounts(db, erased)
        _erase_again(draft, returned, acting.id)
        make_sqlite_file(draft)
        replace_file(draft, path, aside)
    for line in _lines(file, path, aside, contents, gap, len(returned)):
        print_line(line)
    _anchor(anchor_log, Anchor(now, gap.head))


def _copy(file: Path, draft: Path) -> None:
    with open_source(file) as source:
        size, free = copy_bytes(source), shutil.disk_usage(draft.parent).free
        if free < size:
            raise conflict(
                f"nothing was restored: the backup needs {format_bytes(size)}, and the disk of "
                f"{draft.parent} has {format_bytes(free)} left"
            )
        for _ in with_progress(copy_steps(source, draft), "Copying", number_of_steps(source)):
            pass


def _checked(file: Path, draft: Path) -> Contents:
    """Check the copy of a backup; refuse a damaged one, and one that differs from its anchor."""
    contents = checked(draft)
    if contents.defects:
        raise conflict(
            f"nothing was restored: {file} is damaged: {contents.defects[0]}; use another backup"
        )
    beside = anchor_file(file)
    anchors = read_anchors(beside) if beside.exists() else ()
    if anchors and anchors[-1].head != contents.head:
        raise conflict(
            f"nothing was restored: the access log in {file} is not the one of its anchor {beside}"
        )
    return contents


def _replaced_entries(url: str, path: Path, anchor_log: Path) -> int | None:
    """Return the length of the replaced access log, from its database or else its anchors."""
    if path.exists():
        with suppress(ReadwatchError), safe_errors(), database(url, Role.MAINTENANCE) as db:
            return heads.current_head(db).entries
    anchors = read_anchors(anchor_log) if anchor_log.exists() else ()
    return max((anchor.head.entries for anchor in anchors), default=None)


def _aside(path: Path, now: datetime) -> Path:
    """Return a new name for the replaced database."""
    name = f"{path.name}.replaced-{now.astimezone(UTC):%Y%m%d-%H%M%S}"
    names = chain([name], (f"{name}-{number}" for number in count(2)))
    return next(path.with_name(name) for name in names if not path.with_name(name).exists())


def _confirm(file: Path, contents: Contents, path: Path, aside: Path) -> None:
    """Say what will happen, and ask; without a terminal refuse."""
    if not sys.stdin.isatty():
        raise invalid("there is no terminal to ask on; use --yes")
    print_line(f"{file} has {contents.sentence}")
    if path.exists():
        print_line(f"The database of today will be kept as {aside}")
    print_line(_CONSEQUENCES)
    click.confirm("Restore it?", abort=True)


def _erase_again(draft: Path, user_ids: Sequence[int], acting_id: int) -> None:
    """Erase accounts that the backup has brought back, and clear the space of their rows."""
    if not user_ids:
        return
    url, now = sqlite_url(draft), system_clock()
    with database(url, Role.ERASURE) as db:
        for user_id in with_progress(user_ids, "Erasing again"):
            event = cli_event(
                actor_id=acting_id,
                action_type=AuditAction.ERASED_USER,
                subject_id=user_id,
                details="cli restore, erased before",
            )
            for _ in restored.erase_again(db, user_id, event, now):
                pass
    with database(url, Role.OWNER) as db:
        erasure.clear_unused_space(db)


def _lines(
    file: Path, path: Path, aside: Path, contents: Contents, gap: Gap, erased: int
) -> Iterator[str]:
    yield f"restored {path} from {file}: {contents.sentence}"
    if aside.exists():
        yield f"the replaced database is {aside}"
    if erased:
        yield f"erased {counted(erased, 'account')} again"
    yield f"access log: {gap.sentence}"
    yield _CONSEQUENCES


def _anchor(file: Path, anchor: Anchor) -> None:
    """Anchor the access log with the entry of the restore; earlier anchors then end there."""
    try:
        make_private_folders(file.parent)
        append_anchor(file, anchor)
    except OSError as error:
        raise unwritable(file, error) from None
