"""`readwatch db log-backup` and `db finish-restore`, for the programs of PostgreSQL.

pg_dump and pgBackRest know nothing of the access log, of sessions and of erased people.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from readwatch.cli.anchor_log import open_anchor_log
from readwatch.cli.confirmation import confirm, require_terminal
from readwatch.cli.database import database
from readwatch.cli.db.restore import (
    CONSEQUENCES,
    NOBODY_KNOWS,
    erase_again,
    erase_from_archives,
    erased_in_list,
    numbered,
    returned_accounts,
    unlisted_archives,
    what_is_replaced,
    write_anchor,
)
from readwatch.cli.examples import examples
from readwatch.cli.main import database_url
from readwatch.cli.operator import cli_event
from readwatch.cli.output import print_line, with_progress
from readwatch.cli.settings import (
    acting_admin,
    anchor_log_setting,
    default_anchor_log,
    default_erasure_list,
    erasure_list_setting,
    without_password,
)
from readwatch.domain.audit import AuditAction
from readwatch.domain.audit_chain import Anchor, Gap, Head
from readwatch.domain.clock import system_clock
from readwatch.domain.errors import conflict, invalid
from readwatch.store.audit import chain, cuts, entries
from readwatch.store.audit import log as audit_log
from readwatch.store.audit.gaps import details_of_restore, gaps
from readwatch.store.engine import migrations
from readwatch.store.engine.catalogue import schema_differences
from readwatch.store.engine.connections import Database
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.sqlite import is_sqlite_url
from readwatch.store.identity import users
from readwatch.store.lifecycle import restore as restored


@click.command("log-backup", epilog=examples("readwatch db log-backup monday.dump"))
@click.argument("name")
@click.option("--checked", is_flag=True, help="It is complete: a copy of it was restored.")
@acting_admin
@click.pass_context
def log_backup(context: click.Context, name: str, checked: bool, admin: str | None) -> None:
    """Log a backup by another program, as NAME.

    For PostgreSQL, whose programs do not know the access log; call it before them. A backup
    contains personal data. With --checked, log that the backup was checked; the metrics have the
    time.
    """
    url = database_url(context)
    _refuse_sqlite(url, "db backup")
    action = AuditAction.CHECKED_BACKUP if checked else AuditAction.BACKED_UP_DATABASE
    with database(url, Role.BACKUP) as db:
        migrations.pending(migrations.history(db), migrations.available_migrations(db))
        acting = users.acting_admin(db, admin)
        details = f"cli, {name}" if checked else f"cli, to {name}"
        event = cli_event(actor_id=acting.id, action_type=action, details=details)
        entry_id = audit_log.log_event(db, event, system_clock())
    print_line(f"logged as entry {entry_id}: {name} {'is checked' if checked else 'is made'}")


@click.command("finish-restore", epilog=examples("readwatch db finish-restore monday.dump --yes"))
@click.argument("name")
@click.option(
    "--replaced",
    metavar="URL",
    help="The database before, if there still is one: who is erased there is erased here.",
)
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@anchor_log_setting
@erasure_list_setting
@acting_admin
@click.pass_context
def finish_restore(
    context: click.Context,
    name: str,
    replaced: str | None,
    yes: bool,
    anchor_log: Path | None,
    erasure_list: Path | None,
    admin: str | None,
) -> None:
    """Finish a restore by PostgreSQL's programs, of NAME.

    Call it after `readwatch init`, before anything else uses the database. All sessions end, people
    who were erased since the backup are erased again, and the access log says which of its entries
    are missing, as after `db restore`.
    """
    url = database_url(context)
    _refuse_sqlite(url, "db restore")
    if not yes:
        require_terminal()
    anchor_log = anchor_log or default_anchor_log(url)
    listed = erased_in_list(erasure_list, default_erasure_list(url))
    now = system_clock()
    before = what_is_replaced(replaced, anchor_log, now)
    if replaced is not None and before.erased is None:
        raise invalid(
            "nothing was changed: the database of --replaced cannot be read, so it is not known "
            "who is erased there; correct its URL, or leave the option out"
        )
    with database(url, Role.OWNER) as db:
        _refuse_while_used(db)
        head = _checked_head(db)
        acting = users.acting_admin(db, admin)
        returned = returned_accounts(db, listed, before)
        if listed is None and before.erased is None:
            print_line(f"note: {NOBODY_KNOWS}", err=True)
        if not yes:
            _confirm(url, head, returned)
            _refuse_while_used(db)
        open_anchor_log(anchor_log)
        details = details_of_restore(head.entries, before.entries, name)
        event = cli_event(
            actor_id=acting.id, action_type=AuditAction.RESTORED_BACKUP, details=details
        )
        restored.record(db, event, now)
        gap = gaps(db)[-1]
    erase_again(url, returned, acting.id)
    in_archives = [
        *erase_from_archives(url, returned, before.archive_folders),
        *unlisted_archives(url, before.archive_folders),
    ]
    try:
        write_anchor(anchor_log, Anchor(now, gap.head, is_of_restore=True))
    finally:
        for line in (*_lines(url, gap, returned), *in_archives):
            print_line(line)


def _refuse_sqlite(url: str, command: str) -> None:
    if is_sqlite_url(url):
        raise invalid(f"this is for PostgreSQL; for SQLite there is: readwatch {command}")


def _refuse_while_used(db: Database) -> None:
    number = restored.other_connections(db)
    if number:
        raise conflict(
            "other programs have the database open; stop the service and all consoles first"
        )


def _checked_head(db: Database) -> Head:
    """Return the end of the access log; refuse a database that is not complete."""
    migrations.require_current(db)
    for difference in schema_differences(db):
        raise conflict(f"nothing was changed: the schema is not complete: {difference}")
    cut, extent = cuts.newest_cut(db), entries.extent(db)
    steps = with_progress(
        chain.verify(db, (), extent, cut), "Checking the access log", extent.chunks
    )
    *_, verdict = steps
    if verdict.defect is not None:
        raise conflict(f"nothing was changed: {verdict.defect.message}; use another backup")
    return verdict.head


def _confirm(url: str, head: Head, returned: Sequence[int]) -> None:
    """Say what will happen, and ask."""
    print_line(f"{without_password(url)} has {head.entries:,} entries of the access log", err=True)
    if returned:
        print_line(f"Erased before, and again now: {numbered(returned)}", err=True)
    print_line(CONSEQUENCES, err=True)
    confirm(
        "Was it restored from a backup, and shall the restore be finished?",
        refusal="nothing was changed",
    )


def _lines(url: str, gap: Gap, returned: Sequence[int]) -> Iterator[str]:
    yield f"finished the restore of {without_password(url)}"
    if returned:
        yield f"erased again: {numbered(returned)}"
    yield f"access log: {gap.sentence}"
    yield CONSEQUENCES
