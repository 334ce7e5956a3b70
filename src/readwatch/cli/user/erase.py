"""`readwatch user erase`: erase all data about a person from the database."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from readwatch.cli.archives import archives_options, available_archives, own_folders
from readwatch.cli.confirmation import confirm_email
from readwatch.cli.database import database
from readwatch.cli.examples import examples
from readwatch.cli.files import unwritable
from readwatch.cli.main import database_url
from readwatch.cli.operator import cli_event
from readwatch.cli.output import busy, print_json, print_line, print_table, with_progress
from readwatch.cli.settings import acting_admin, default_erasure_list, erasure_list_setting
from readwatch.domain.archive_files import Archive
from readwatch.domain.audit import AuditAction
from readwatch.domain.clock import system_clock
from readwatch.domain.erasure_list import ErasedAccount, append_erased_account
from readwatch.domain.errors import ReadwatchError
from readwatch.domain.plural import counted
from readwatch.store.audit import log as audit_log
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database
from readwatch.store.engine.exclusive import exclusive_maintenance
from readwatch.store.engine.privileges import Role
from readwatch.store.identity import users
from readwatch.store.lifecycle import archives, erasure
from readwatch.store.lifecycle.archives import ArchivedOfUser

_IN_ARCHIVES = "archived_activities"
"""The files of archives, among the tables of the report."""


@dataclass(frozen=True, slots=True)
class _Report:
    """The number of rows about a person before the erasure, and the number of rows left."""

    user_id: int
    email: str  # the pseudonym
    before: Mapping[str, int]
    left: Mapping[str, int]
    unused_space: str | None  # why the unused space was not cleared, or None
    named_in_access_log: int
    addresses_in_access_log: int

    @property
    def complete(self) -> bool:
        return self.unused_space is None and not any(self.left.values())


@click.command("erase", epilog=examples("readwatch user erase ann@example.org"))
@click.argument("email")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option(
    "--no-vacuum", is_flag=True, help="Do not overwrite unused space in the database file."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@erasure_list_setting
@archives_options
@acting_admin
@click.pass_context
def command(
    context: click.Context,
    email: str,
    yes: bool,
    no_vacuum: bool,
    as_json: bool,
    erasure_list: Path | None,
    archive_folders: tuple[Path, ...],
    archives_gone: bool,
    admin: str | None,
) -> int:
    """Erase all data about a person, also from the archives.

    This also works after `readwatch user delete`. The exit code is 0 if nothing is left. The
    service may keep running. Entries of the access log stay, with the number of the user instead of
    the name. At the end the SQLite file is rewritten; during that time nobody else can write to it.
    If the command is interrupted, run it again with the same e-mail.
    """
    if not yes:
        confirm_email(email, action="erase the person", refusal="nothing was erased")
    url = database_url(context)
    with database(url, Role.ERASURE) as db:
        migrations.require_current(db)
        acting, user_id = users.acting_admin(db, admin), users.account_id(db, email)
        file = erasure_list or default_erasure_list(url)
        with exclusive_maintenance(db):
            folders = own_folders(db, archive_folders)
            listed = available_archives(db, archive_folders, without_missing=archives_gone)
            archived = _search(listed, folders, user_id)
            before, named = _close_account(db, acting.id, user_id, email, file)
            archives.relocate(db, folders)
            left_in_archives = _erase_from_archives(db, listed, archived, user_id)
            chunks = sum(-(-rows // erasure.CHUNK_ROWS) for rows in before.values())
            for _ in with_progress(
                erasure.erase_chunks(db, user_id, system_clock()), "Erasing", chunks
            ):
                pass
        left = {**erasure.rows_about(db, user_id, email), _IN_ARCHIVES: left_in_archives}
        before = {**before, _IN_ARCHIVES: sum(of_file.activities for of_file in archived)}
        addresses = erasure.addresses_in_access_log(db, user_id)
    with busy("Rewriting the file of the database"):
        unused = "not cleared, because of --no-vacuum" if no_vacuum else _clear_unused_space(url)
    report = _Report(user_id, erasure.pseudonym(user_id), before, left, unused, named, addresses)
    if as_json:
        print_json({**asdict(report), "complete": report.complete})
    else:
        _print(report)
    return 0 if report.complete else 1


def _search(
    listed: Sequence[Archive], folders: Sequence[Path], user_id: int
) -> list[ArchivedOfUser]:
    """Return the files of archives with activities of the user, before anything is changed."""
    files = archives.files_to_search(listed, map(str, folders))
    searched = with_progress(archives.search(files, user_id), "Searching archives", len(files))
    return [of_file for of_file in searched if of_file is not None]


def _erase_from_archives(
    db: Database, listed: Sequence[Archive], archived: Sequence[ArchivedOfUser], user_id: int
) -> int:
    """Rewrite the files of archives with activities of the user; return how many are left."""
    archives.delete_drafts_beside(listed)
    for of_file in with_progress(archived, "Erasing from archives"):
        archives.erase_user(db, of_file, user_id)
    return sum(archives.activities_of(user_id, of_file.file) for of_file in archived)


def _note(file: Path, db: Database, user_id: int) -> None:
    """Add the account to the list outside of the database, so that a restored backup erases it."""
    account = ErasedAccount(system_clock(), user_id, erasure.added_at(db, user_id))
    try:
        append_erased_account(file, account)
    except OSError as error:
        raise unwritable(file, error) from None


def _close_account(
    db: Database, acting_id: int, user_id: int, email: str, erasure_list: Path
) -> tuple[Mapping[str, int], int]:
    """Close the account, log it and list it; return the counts of rows to erase and of entries."""
    before = erasure.rows_about(db, user_id, email)
    named = erasure.named_in_access_log(db, user_id)
    with db.atomic():
        now = system_clock()  # servers find sessions that ended in the last seconds
        erasure.close_account(db, user_id, now)
        audit_log.append_in_transaction(
            db,
            cli_event(
                actor_id=acting_id,
                action_type=AuditAction.ERASED_USER,
                subject_id=user_id,
                details="cli",
            ),
            now,
        )
        _note(erasure_list, db, user_id)  # last: a refused erasure is not listed
    return before, named


def _clear_unused_space(url: str) -> str | None:
    """Clear the unused space of the files; return the reason if that fails."""
    try:
        with database(url, Role.OWNER) as db:
            return erasure.clear_unused_space(db)
    except ReadwatchError as error:
        return error.message


def _print(report: _Report) -> None:
    print_table(
        ("table", "rows before", "rows left"),
        [(table, rows, report.left[table]) for table, rows in report.before.items()],
    )
    for sentence in _sentences(report):
        print_line(sentence)


def _sentences(report: _Report) -> Iterator[str]:
    who = f"user {report.user_id}, now {report.email}"
    yield f"erased {who}" if report.complete else f"NOT COMPLETELY ERASED: {who}"
    if report.unused_space is not None:
        yield f"unused space in the database file may still contain data: {report.unused_space}"
        yield f"clear it with: readwatch user erase {report.email}"
    if report.named_in_access_log:
        entries = counted(
            report.named_in_access_log,
            "entry of the access log names",
            "entries of the access log name",
        )
        yield f"{entries} the person in the details and cannot be changed"
    if report.addresses_in_access_log:
        entries = counted(
            report.addresses_in_access_log,
            "entry of the access log contains",
            "entries of the access log contain",
        )
        yield f"{entries} IP addresses of the person and cannot be changed"
    yield "failed logins from addresses where the person never logged in expire within 11 hours"
    yield "delete the person from earlier backups and exports yourself"
