"""`readwatch audit`: check, list and export the access log."""

from dataclasses import asdict
from itertools import chain as concatenated
from pathlib import Path

import click

from readwatch.cli.database import database
from readwatch.cli.files import FILE, new_text_file, unwritable
from readwatch.cli.main import database_url
from readwatch.cli.numbers import WholeNumber
from readwatch.cli.output import local_time, print_json, print_line, print_table, with_progress
from readwatch.cli.settings import acting_admin
from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.audit_chain import Anchor, Verdict, parsed_anchors
from readwatch.domain.clock import system_clock
from readwatch.domain.errors import conflict, invalid
from readwatch.domain.files import owner_only_opener, sync
from readwatch.domain.plural import counted
from readwatch.domain.table_files import WRITERS
from readwatch.store.audit import chain, entries
from readwatch.store.audit import log as audit_log
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database
from readwatch.store.engine.privileges import Role
from readwatch.store.identity import users


@click.group()
def command() -> None:
    """Check, list and export the access log: who accessed whose data."""


# The chain --------------------------------------------------------------------------------------


@command.command("verify")
@click.option(
    "--anchor",
    "file",
    type=FILE,
    metavar="FILE",
    help="Also compare the log with this file of `audit anchor`.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def verify(context: click.Context, file: Path | None, as_json: bool) -> int:
    """Check that no entry was changed, removed, inserted or moved.

    The exit code is 0 if the log is intact. Only with anchors does this check detect that entries
    at the end were removed, or that all entries after one of them were rewritten. It detects
    neither if somebody can write both the database and the file of anchors.
    """
    anchors = () if file is None else _anchors(file)
    if file is not None and not anchors:
        raise invalid(f"there are no anchors in {file}; write one with: readwatch audit anchor")
    with database(database_url(context), Role.MAINTENANCE) as db:
        migrations.require_current(db)
        verdict = _verdict(db, anchors)
    head, defect = verdict.head, verdict.defect
    if as_json:
        print_json(
            {
                "intact": defect is None,
                "defect": None if defect is None else asdict(defect),
                "head": asdict(head),
                "anchors": len(anchors),
            }
        )
    else:
        print_line(
            "the access log is intact" if defect is None else f"NOT INTACT: {defect.message}"
        )
        print_line(
            ("" if defect is None else "intact before that: ")
            + counted(head.entries, "entry", "entries")
        )
        print_line(f"last entry: {head.id}, with the hash")
        print_line(head.row_hash)
        if file is not None:
            print_line(f"anchors: {len(anchors):,}")
    return 0 if defect is None else 1


@command.command("anchor")
@click.argument("file", type=FILE)
@click.pass_context
def anchor(context: click.Context, file: Path) -> None:
    """Check the log and append an anchor to FILE: its length and last hash.

    The log must agree with the anchors that are in FILE already. `audit verify --anchor FILE` then
    detects if the log up to there was cut off or rewritten. Keep FILE where those who can write the
    database cannot change it, preferably on another machine.
    """
    anchors = _anchors(file, may_be_missing=True)
    with database(database_url(context), Role.MAINTENANCE) as db:
        migrations.require_current(db)
        verdict = _verdict(db, anchors)
    if verdict.defect is not None:
        raise conflict(f"no anchor was written: {verdict.defect.message}")
    _append(file, Anchor(system_clock(), verdict.head).line)
    print_line(f"anchored {counted(verdict.head.entries, 'entry', 'entries')} in {file}")
    print_line(f"earlier anchors, all consistent with the log: {len(anchors):,}")


def _verdict(db: Database, anchors: tuple[Anchor, ...]) -> Verdict:
    extent = entries.extent(db)
    steps = chain.verify(db, anchors, extent)
    # The last step compares the log with the anchors.
    *_, verdict = with_progress(steps, "Checking the access log", extent.chunks + 1)
    return verdict


def _anchors(file: Path, *, may_be_missing: bool = False) -> tuple[Anchor, ...]:
    try:
        return parsed_anchors(file.read_bytes().decode("ascii", errors="replace"))
    except OSError as error:
        if may_be_missing and isinstance(error, FileNotFoundError):
            return ()
        raise invalid(f"{file} cannot be read: {error.strerror}") from None


def _append(file: Path, line: str) -> None:
    try:
        with open(file, "a", encoding="ascii", opener=owner_only_opener) as anchors:
            anchors.write(line)
            sync(anchors)
    except OSError as error:
        raise unwritable(file, error) from None


# The entries ------------------------------------------------------------------------------------


@command.command("list")
@click.option(
    "--consultant",
    metavar="EMAIL",
    help="List only entries about actions of this consultant or admin.",
)
@click.option("--reader", metavar="EMAIL", help="List only accesses to the data of this person.")
@click.option(
    "--limit",
    type=WholeNumber(1, 10_000),
    default=50,
    show_default=True,
    help="Maximum number of entries.",
)
@click.option(
    "--before", type=int, metavar="ID", help="List only entries before the one with this ID."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@acting_admin
@click.pass_context
def list_(
    context: click.Context,
    consultant: str | None,
    reader: str | None,
    limit: int,
    before: int | None,
    as_json: bool,
    admin: str | None,
) -> None:
    """List who accessed whose data, newest first. This command is the newest entry."""
    with database(database_url(context)) as db:
        migrations.require_current(db)
        acting = users.acting_admin(db, admin)
        consultant_id = None if consultant is None else users.account_id(db, consultant)
        reader_id = None if reader is None else users.account_id(db, reader)
        details = "cli" if consultant_id is None else f"cli, of user {consultant_id}"
        access = audit_log.log_list_access(
            db,
            audit_log.list_access(db, acting.id),
            AuditEvent(
                actor_id=acting.id,
                action_type=AuditAction.LISTED_ACCESS_LOG,
                subject_id=reader_id,
                details=details,
            ),
            system_clock(),
        )
        newest = entries.newest(
            db, access, limit=limit, before=before, consultant_id=consultant_id, reader_id=reader_id
        )
    if as_json:
        print_json([entry._asdict() for entry in newest])
        return
    print_table(("id", "time", "who", "action", "whom"), [_row(entry) for entry in newest])


def _row(entry: entries.AuditEntry) -> tuple[object, ...]:
    action = entry.action_type.replace("_", " ")
    return (
        entry.id,
        local_time(entry.created_at),
        entry.consultant_name,
        f"{action} ({entry.action_details})" if entry.action_details else action,
        entry.target_name,
    )


@command.command("export")
@click.argument("file", type=FILE)
@acting_admin
@click.pass_context
def export(context: click.Context, file: Path, admin: str | None) -> None:
    """Write the whole log to a new .csv or .json FILE.

    Only you can read the file. The export is logged first; its own entry is not in the file.
    """
    file_format = file.suffix.lower().lstrip(".")
    write_table = WRITERS.get(file_format)
    if write_table is None:
        raise invalid("the name of the file must end in .csv or .json")
    with database(database_url(context)) as db:
        migrations.require_current(db)
        acting = users.acting_admin(db, admin)
        extent = entries.extent(db)
        with new_text_file(file) as text:
            details = f"cli, {file_format}, rows {extent.entries}"
            access = audit_log.log_list_access(
                db,
                audit_log.list_access(db, acting.id),
                AuditEvent(
                    actor_id=acting.id, action_type=AuditAction.EXPORTED_ACCESS_LOG, details=details
                ),
                system_clock(),
            )
            chunks = with_progress(
                entries.oldest_first(db, access, extent), "Writing entries", extent.chunks
            )
            write_table(text, entries.AuditEntry._fields, concatenated.from_iterable(chunks))
    print_line(f"wrote {counted(extent.entries, 'entry', 'entries')} to {file}")
