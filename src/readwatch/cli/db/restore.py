"""`readwatch db restore`: put a backup in the place of the database."""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path

import click

from readwatch.cli.anchor_log import anchors_in, open_anchor_log
from readwatch.cli.confirmation import confirm, require_terminal
from readwatch.cli.database import database
from readwatch.cli.db.backup import anchor_file, checked, refuse_postgresql
from readwatch.cli.examples import examples
from readwatch.cli.files import FILE, draft_of_copy, private_folder
from readwatch.cli.main import database_url
from readwatch.cli.operator import cli_event
from readwatch.cli.output import busy, print_line, with_progress
from readwatch.cli.settings import (
    acting_admin,
    anchor_log_setting,
    default_anchor_log,
    default_erasure_list,
    erasure_list_setting,
)
from readwatch.domain.audit import AuditAction
from readwatch.domain.audit_chain import Anchor, Gap, append_anchor
from readwatch.domain.clock import system_clock
from readwatch.domain.disk_room import room
from readwatch.domain.erasure_list import ErasedAccount, read_erased_accounts
from readwatch.domain.errors import ReadwatchError, conflict, invalid, safe_errors
from readwatch.store.audit import heads
from readwatch.store.audit.gaps import details_of_restore, gaps
from readwatch.store.engine import migrations
from readwatch.store.engine.catalogue import schema_differences
from readwatch.store.engine.connections import Database
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
from readwatch.store.lifecycle import archives, erasure
from readwatch.store.lifecycle import restore as restored
from readwatch.store.lifecycle.backup import Contents

CONSEQUENCES = (
    "Everybody has to log in again. Passwords, roles, suspensions and deletions are those of the "
    "backup."
)

NOBODY_KNOWS = (
    "it is not known who was erased since the backup, because there is neither a list of erased "
    "accounts nor a readable database to replace; name the list with --erasure-list"
)


@click.command(
    "restore",
    epilog=examples("readwatch db restore monday.db", "readwatch db restore monday.db --yes"),
)
@click.argument("file", type=FILE)
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@anchor_log_setting
@erasure_list_setting
@acting_admin
@click.pass_context
def command(
    context: click.Context,
    file: Path,
    yes: bool,
    anchor_log: Path | None,
    erasure_list: Path | None,
    admin: str | None,
) -> None:
    """Check a backup FILE, and replace the database by it.

    The service and all consoles have to be stopped. The replaced database is kept beside the new
    one. All sessions end, people who were erased since the backup are erased again, and the access
    log says which of its entries are missing. Until the last step nothing is changed.
    """
    url = database_url(context)
    refuse_postgresql(url)
    with open_source(file):  # a file that is no backup is refused before anything is asked or made
        if not yes:
            require_terminal()
    path = sqlite_path(url).resolve()
    require_unused(path)
    anchor_log = anchor_log or default_anchor_log(url)
    listed = erased_in_list(erasure_list, default_erasure_list(url))
    private_folder(path.parent)
    with draft_of_copy(path) as draft:
        _copy(file, draft)
        contents = _checked(file, draft)
        now = system_clock()
        aside = _aside(path, now)
        replaced = what_is_replaced(url if path.exists() else None, anchor_log, now)
        with database(sqlite_url(draft), Role.OWNER) as db:
            migrations.upgrade(db, migrations.available_migrations(db))
            _refuse_changed_schema(file, db)
            acting = users.acting_admin(db, admin)
            returned = returned_accounts(db, listed, replaced)
            if listed is None and replaced.erased is None:
                print_line(f"note: {NOBODY_KNOWS}", err=True)
            if not yes:
                _confirm(file, contents, path, aside, returned)
                require_unused(path)
                # Meanwhile somebody may have used the database, and erased an account in it.
                replaced = what_is_replaced(url if path.exists() else None, anchor_log, now)
                returned = returned_accounts(db, listed, replaced)
            details = details_of_restore(contents.head.entries, replaced.entries, file.name)
            event = cli_event(
                actor_id=acting.id, action_type=AuditAction.RESTORED_BACKUP, details=details
            )
            restored.record(db, event, now)
            gap = gaps(db)[-1]
        erase_again(sqlite_url(draft), returned, acting.id)
        folders = replaced.archive_folders
        in_archives = [
            *erase_from_archives(sqlite_url(draft), returned, folders),
            *unlisted_archives(sqlite_url(draft), folders),
        ]
        make_sqlite_file(draft)
        _give_to_owner(draft, path)
        open_anchor_log(anchor_log)
        replace_file(draft, path, aside)
    try:
        write_anchor(anchor_log, Anchor(now, gap.head, is_of_restore=True))
    finally:
        for line in (*_lines(file, path, aside, contents, gap, returned), *in_archives):
            print_line(line)


@dataclass(frozen=True, slots=True)
class Replaced:
    """The length of the replaced access log, the accounts that are erased there, and the folders of
    its archives; None for what is not known."""

    entries: int | None
    erased: tuple[ErasedAccount, ...] | None
    archive_folders: tuple[str, ...]


def erased_in_list(named: Path | None, default: Path) -> tuple[ErasedAccount, ...] | None:
    """Return the accounts of the list of erased accounts, None without a list; one that the user
    names has to exist."""
    file = named or default
    if named is not None and not named.exists():
        raise invalid(
            f"there is no list of erased accounts at {named}; if nobody was erased, make an empty "
            "file there"
        )
    try:
        return read_erased_accounts(file) if file.exists() else None
    except OSError as error:
        raise invalid(f"{file} cannot be read: {error.strerror}") from None
    except ReadwatchError as error:
        raise invalid(f"{file}: {error.message}") from None


def _copy(file: Path, draft: Path) -> None:
    with open_source(file) as source:
        shortage = room(copy_bytes(source), draft.parent).shortage
        if shortage is not None:
            raise conflict(f"nothing was restored: {shortage}; free some space")
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
    anchors = anchors_in(beside)
    if anchors and anchors[-1].head != contents.head:
        raise conflict(
            f"nothing was restored: the access log in {file} is not the one of its anchor {beside}"
        )
    return contents


def what_is_replaced(url: str | None, anchor_log: Path, now: datetime) -> Replaced:
    """Return what is known of the replaced database, which may be damaged or missing."""
    lengths = [anchor.head.entries for anchor in anchors_in(anchor_log)]
    erased: tuple[ErasedAccount, ...] | None = None
    folders: tuple[str, ...] = ()
    if url is not None:
        with suppress(ReadwatchError), safe_errors(), database(url, Role.MAINTENANCE) as db:
            erased = restored.erased_accounts(db, now)
            lengths.append(heads.current_head(db).entries)
            folders = tuple({archive.folder for archive in archives.archives(db)})
    return Replaced(max(lengths, default=None), erased, folders)


def returned_accounts(
    db: Database, listed: tuple[ErasedAccount, ...] | None, replaced: Replaced
) -> tuple[int, ...]:
    """Return the accounts of a backup that were erased since."""
    return restored.returned_accounts(db, (*(listed or ()), *(replaced.erased or ())))


def _refuse_changed_schema(file: Path, db: Database) -> None:
    for difference in schema_differences(db):
        raise conflict(
            f"nothing was restored: the schema in {file} was changed: {difference}; use another "
            "backup"
        )


def _give_to_owner(draft: Path, path: Path) -> None:
    """Give the new database to those who can use the replaced one: its owner and its group.

    Without a replaced one, the owner of the folder gets it, who runs the service. Only root can
    give it to another owner.
    """
    like = (path if path.exists() else path.parent).stat()
    descriptor = os.open(draft, os.O_RDONLY | os.O_NOFOLLOW)  # the folder may be another user's
    try:
        if os.geteuid() == 0:
            os.fchown(descriptor, like.st_uid, like.st_gid)
        if path.exists():
            with suppress(PermissionError):  # of a group that this user is not in
                os.fchown(descriptor, -1, like.st_gid)
                os.fchmod(descriptor, stat.S_IMODE(like.st_mode))
    finally:
        os.close(descriptor)


def _aside(path: Path, now: datetime) -> Path:
    """Return a new name for the replaced database."""
    name = f"{path.name}.replaced-{now.astimezone(UTC):%Y%m%d-%H%M%S}"
    names = chain([name], (f"{name}-{number}" for number in count(2)))
    return next(path.with_name(name) for name in names if not path.with_name(name).exists())


def _confirm(
    file: Path, contents: Contents, path: Path, aside: Path, returned: Sequence[int]
) -> None:
    """Say what will happen, and ask."""
    print_line(f"{file} has {contents.sentence}", err=True)
    if path.exists():
        print_line(f"The database of today will stay as {aside}", err=True)
    if returned:
        print_line(f"Erased before, and again now: {numbered(returned)}", err=True)
    print_line(CONSEQUENCES, err=True)
    confirm("Restore it?", refusal="nothing was restored")


def numbered(user_ids: Sequence[int]) -> str:
    """Return the numbers of accounts in words: `account 3`, `accounts 3, 5`."""
    noun = "account" if len(user_ids) == 1 else "accounts"
    return f"{noun} {', '.join(map(str, user_ids))}"


def erase_again(url: str, user_ids: Sequence[int], acting_id: int) -> None:
    """Erase accounts that the backup has brought back, and clear the space of their rows."""
    if not user_ids:
        return
    now = system_clock()
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
    with busy("Rewriting the file of the database"), database(url, Role.OWNER) as db:
        erasure.clear_unused_space(db)


def erase_from_archives(url: str, user_ids: Sequence[int], folders: Sequence[str]) -> Iterator[str]:
    """Erase accounts from the archives of the backup and of the replaced database, too: archives
    may have been brought back as well. Yield a sentence for each that could not be searched."""
    if not user_ids:
        return
    with database(url, Role.ERASURE) as db:
        listed = archives.archives(db)
        for archive in archives.missing(listed):
            yield f"the archive {archive.path} is not there: erase these accounts again later"
        archives.delete_drafts_beside(listed)
        for user_id in user_ids:
            files = archives.files_to_search(archives.archives(db), folders)
            try:
                for of_file in archives.search(files, user_id):
                    if of_file is not None:
                        archives.erase_user(db, of_file, user_id)
            except ReadwatchError as error:
                yield f"erase account {user_id} again later: {error.message}"


def unlisted_archives(url: str, folders: Sequence[str]) -> Iterator[str]:
    """Yield a sentence for each folder of the replaced database with files that the backup does not
    list, because it is older: an erasure would not search them."""
    with database(url, Role.ERASURE) as db:
        listed = archives.archives(db)
    for folder in folders:
        if archives.unlisted_files(listed, Path(folder)):
            yield (
                f"{folder} has archives that this backup does not list; before you erase anybody, "
                "archive to this folder again"
            )


def _lines(
    file: Path, path: Path, aside: Path, contents: Contents, gap: Gap, returned: Sequence[int]
) -> Iterator[str]:
    yield f"restored {path} from {file}: {contents.sentence}"
    if aside.exists():
        yield f"the replaced database is {aside}"
    if returned:
        yield f"erased again: {numbered(returned)}"
    yield f"access log: {gap.sentence}"
    yield CONSEQUENCES


def write_anchor(file: Path, anchor: Anchor) -> None:
    """Anchor the access log with the entry of the restore; earlier anchors then end there."""
    try:
        append_anchor(file, anchor)
    except OSError as error:
        raise conflict(
            f"the backup is restored, but {file} cannot be written: {error.strerror}; free some "
            "space and restore it again, otherwise audit verify takes the missing entries for a "
            "cut log"
        ) from None
