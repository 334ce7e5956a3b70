"""`readwatch audit`: the access log, checked, listed, taken out."""

from dataclasses import asdict
from pathlib import Path

import click

from readwatch.cli.database import database
from readwatch.cli.files import FILE, new_text_file, unwritable, write_csv, write_json
from readwatch.cli.main import database_url
from readwatch.cli.output import print_json, print_table, with_progress
from readwatch.cli.settings import acting_admin
from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.audit_chain import Anchor, Verdict, parsed_anchors
from readwatch.domain.clock import system_clock
from readwatch.domain.errors import conflict, invalid
from readwatch.domain.files import owner_only_opener, sync
from readwatch.store.audit import chain
from readwatch.store.audit import log as audit_log
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database
from readwatch.store.engine.privileges import Role
from readwatch.store.identity import users


@click.group()
def command() -> None:
    """Check, list and export the access log: who looked at whose data."""


# The chain --------------------------------------------------------------------------------------


@command.command("verify")
@click.option(
    "--anchor", "file", type=FILE, metavar="FILE", help="Check what `audit anchor` wrote, too."
)
@click.option("--json", "as_json", is_flag=True, help="JSON instead of sentences.")
@click.pass_context
def verify(context: click.Context, file: Path | None, as_json: bool) -> int:
    """Check that no entry was changed, removed, inserted or moved: exit code 0 if so.

    That entries at the end were removed, or all since one of them written anew, is seen only with
    anchors. Whoever can write both the database and the file of anchors can deceive this check.
    """
    anchors = () if file is None else _anchors(file)
    if file is not None and not anchors:
        raise invalid(f"there are no anchors in {file}: readwatch audit anchor writes them")
    with database(database_url(context), Role.MAINTENANCE) as db:
        migrations.require_current(db)
        verdict = _verdict(db, anchors)
    head, fault = verdict.head, verdict.defect
    if as_json:
        print_json(
            {
                "whole": fault is None,
                "fault": None if fault is None else asdict(fault),
                "head": asdict(head),
                "anchors": len(anchors),
            }
        )
    else:
        click.echo("the access log is whole" if fault is None else f"NOT WHOLE: {fault.message}")
        click.echo(f"{'' if fault is None else 'whole up to there: '}{_counted(head.entries)}")
        click.echo(f"the last one: {head.id}, its hash:\n{head.row_hash}")
        if file is not None:
            click.echo(f"anchors: {len(anchors):,}")
    return 0 if fault is None else 1


@command.command("anchor")
@click.argument("file", type=FILE)
@click.pass_context
def anchor(context: click.Context, file: Path) -> None:
    """Check the log, also against FILE, and append to FILE how far it goes.

    `audit verify --anchor FILE` then finds a log that was cut off or written anew before that.
    Keep FILE where those who can write the database cannot change it: best on another machine.
    """
    anchors = _anchors(file, may_be_new=True)
    with database(database_url(context), Role.MAINTENANCE) as db:
        migrations.require_current(db)
        verdict = _verdict(db, anchors)
    if verdict.defect is not None:
        raise conflict(f"nothing was anchored: {verdict.defect.message}")
    _append(file, Anchor(system_clock(), verdict.head).line)
    click.echo(f"anchored {_counted(verdict.head.entries)} in {file}")
    click.echo(f"anchors before this one, which the log fits: {len(anchors):,}")


def _verdict(db: Database, anchors: tuple[Anchor, ...]) -> Verdict:
    there = chain.extent(db)
    steps = chain.verify(db, anchors, there)
    # The last one compares with the anchors.
    *_, verdict = with_progress(steps, "Checking the access log", there.chunks + 1)
    return verdict


def _counted(entries: int) -> str:
    return f"{entries:,} {'entry' if entries == 1 else 'entries'}"


def _anchors(file: Path, *, may_be_new: bool = False) -> tuple[Anchor, ...]:
    try:
        return parsed_anchors(file.read_bytes().decode("ascii", errors="replace"))
    except OSError as error:
        if may_be_new and isinstance(error, FileNotFoundError):
            return ()
        raise invalid(f"the anchors in {file} cannot be read: {error.strerror}") from None


def _append(file: Path, line: str) -> None:
    try:
        with open(file, "a", encoding="ascii", opener=owner_only_opener) as opened:
            opened.write(line)
            sync(opened)
    except OSError as error:
        raise unwritable(file, error) from None


# The entries ------------------------------------------------------------------------------------


@command.command("list")
@click.option("--consultant", metavar="EMAIL", help="Only what this consultant or admin did.")
@click.option("--reader", metavar="EMAIL", help="Only looks at the data of this person.")
@click.option(
    "--limit",
    type=click.IntRange(1, 10_000),
    default=50,
    show_default=True,
    help="How many entries at most.",
)
@click.option("--before", type=int, metavar="ID", help="Only entries before this one.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")
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
    """List who looked at whose data, newest first; this look is the newest entry."""
    with database(database_url(context)) as db:
        migrations.require_current(db)
        acting = users.acting_admin(db, admin)
        consultant_id = None if consultant is None else chain.account_id(db, consultant)
        reader_id = None if reader is None else chain.account_id(db, reader)
        details = "cli" if consultant_id is None else f"cli, of user {consultant_id}"
        access = audit_log.log_list_access(
            db,
            audit_log.list_access(db, acting.id),
            AuditEvent(acting.id, AuditAction.LISTED_ACCESS_LOG, reader_id, details),
            system_clock(),
        )
        entries = chain.newest(
            db, access, limit=limit, before=before, consultant_id=consultant_id, reader_id=reader_id
        )
    if as_json:
        print_json([entry._asdict() for entry in entries])
        return
    print_table(("id", "when", "who", "what", "whom"), [_row(entry) for entry in entries])


def _row(entry: chain.AuditEntry) -> tuple[object, ...]:
    what = entry.action_type.replace("_", " ")
    return (
        entry.id,
        f"{entry.created_at.astimezone():%Y-%m-%d %H:%M}",
        entry.consultant_name,
        f"{what} ({entry.action_details})" if entry.action_details else what,
        entry.target_name,
    )


@command.command("export")
@click.argument("file", type=FILE)
@acting_admin
@click.pass_context
def export(context: click.Context, file: Path, admin: str | None) -> None:
    """Write the whole log to a new FILE that only you can read: .csv or .json.

    The export is in the log before anything is written, and is not in the file.
    """
    kind = file.suffix.lower().lstrip(".")
    write = {"csv": write_csv, "json": write_json}.get(kind)
    if write is None:
        raise invalid("an export is a .csv or a .json file")
    with database(database_url(context)) as db:
        migrations.require_current(db)
        acting = users.acting_admin(db, admin)
        there = chain.extent(db)
        with new_text_file(file) as text:
            details = f"cli, {kind}, rows {there.entries}"
            access = audit_log.log_list_access(
                db,
                audit_log.list_access(db, acting.id),
                AuditEvent(acting.id, AuditAction.EXPORTED_ACCESS_LOG, details=details),
                system_clock(),
            )
            entries = chain.oldest_first(db, access, there)
            written = write(text, chain.AuditEntry._fields, entries)
            for _ in with_progress(written, "Writing entries", there.chunks):
                pass
    click.echo(f"wrote {_counted(there.entries)} to {file}")
