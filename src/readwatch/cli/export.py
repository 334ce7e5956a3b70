"""`readwatch export`: activities, sessions or readers, for other programs."""

import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import chain as concatenated
from pathlib import Path
from typing import Any, TypeVar

import click

from readwatch.cli.database import database
from readwatch.cli.examples import examples
from readwatch.cli.files import FILE, text_output
from readwatch.cli.main import database_url
from readwatch.cli.operator import cli_event
from readwatch.cli.option_types import TIME
from readwatch.cli.output import busy, local_time, print_line, with_progress
from readwatch.cli.settings import acting_admin
from readwatch.domain.audit import AuditAction
from readwatch.domain.clock import system_clock
from readwatch.domain.errors import invalid
from readwatch.domain.groups import Group
from readwatch.domain.plural import counted
from readwatch.domain.table_files import STREAM_WRITERS
from readwatch.store import reader_data
from readwatch.store.audit import log as audit_log
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database
from readwatch.store.identity import users
from readwatch.store.identity.groups import find_group
from readwatch.store.lifecycle import archives
from readwatch.store.reports import exports
from readwatch.store.reports.exports import ExportKind, Selection

_ONE = {
    ExportKind.ACTIVITIES: "activity",
    ExportKind.SESSIONS: "session",
    ExportKind.READERS: "reader",
}

F = TypeVar("F", bound=Callable[..., Any])


@click.group()
def command() -> None:
    """Write activities, sessions or readers as CSV or JSON Lines, for other programs.

    An export is logged before anything is read. It has the rows at its start, and neither hashes
    nor tokens. Rows of deleted accounts are left out.
    """


def _options(command: F) -> F:
    """Add the options of all exports."""
    for option in (
        acting_admin,
        click.option(
            "--output",
            "file",
            type=FILE,
            metavar="FILE",
            help="A new file that only you can read.  [default: standard output]",
        ),
        click.option(
            "--format",
            "file_format",
            type=click.Choice([*STREAM_WRITERS]),
            default="csv",
            show_default=True,
            help="CSV with a header, or JSON Lines: one object per line.",
        ),
        click.option("--group", metavar="NAME", help="Only the readers who are in this group now."),
        click.option("--reader", metavar="EMAIL", help="Only this reader."),
        click.option(
            "--until", type=TIME, metavar="TIME", help="Only before this time, as for --since."
        ),
        click.option(
            "--since",
            type=TIME,
            metavar="TIME",
            help="Only from this time on: a date, which begins at midnight in this machine's time"
            " zone, or a time with a zone such as 2026-11-01T08:00:00Z.",
        ),
    ):
        command = option(command)
    return command


@command.command(
    "activities",
    epilog=examples(
        "readwatch export activities --since 2026-11-01 --output november.csv",
        "readwatch export activities --format jsonl --reader ann@example.org",
    ),
)
@_options
@click.pass_context
def activities(context: click.Context, /, **options: Any) -> None:
    """Export what readers did.

    --since and --until select by the time at which it occurred, not by its arrival.
    """
    _export(context, ExportKind.ACTIVITIES, **options)


@command.command(
    "sessions", epilog=examples("readwatch export sessions --since 2026-11-01 --until 2026-12-01")
)
@_options
@click.pass_context
def sessions(context: click.Context, /, **options: Any) -> None:
    """Export readers' sessions.

    --since and --until select by the start of a session.
    """
    _export(context, ExportKind.SESSIONS, **options)


@command.command("readers", epilog=examples("readwatch export readers --output readers.csv"))
@_options
@click.pass_context
def readers(context: click.Context, /, **options: Any) -> None:
    """Export readers with their totals.

    --since and --until select by the last activity; without them, readers who have none are
    exported, too.
    """
    _export(context, ExportKind.READERS, **options)


def _export(
    context: click.Context,
    kind: ExportKind,
    *,
    since: datetime | None,
    until: datetime | None,
    reader: str | None,
    group: str | None,
    file_format: str,
    file: Path | None,
    admin: str | None,
) -> None:
    if since and until and until <= since:
        raise invalid("--until must be after --since")
    with database(database_url(context)) as db:
        migrations.require_current(db)
        acting_id = users.acting_admin(db, admin).id
        of_group = None if group is None else find_group(db, group)
        selection = Selection(
            kind, _reader_id(db, reader), since, until, of_group.id if of_group else None
        )
        with text_output(file) as text:
            access = audit_log.list_access(db, acting_id)
            extent = exports.extent(db, access, selection)
            event = cli_event(
                actor_id=acting_id,
                action_type=AuditAction.EXPORTED_DATA,
                details=_details(selection, of_group, file_format),
            )
            with busy("Finding the readers"):
                reader_ids = exports.reader_ids(db, access, selection, extent)
            for sentence in _archived(db, selection):
                print_line(sentence, err=True)
            rows = audit_log.log_rows(db, access, event, reader_ids, system_clock())
            pages: Iterable[list[list[exports.Value]]]
            pages = exports.pages(db, rows, selection, extent, reader_ids)
            if file or not sys.stdout.isatty():  # a terminal has no room for rows and a bar
                pages = with_progress(pages, f"Writing {kind}", extent.pages)
            written = STREAM_WRITERS[file_format](
                text, selection.columns, concatenated.from_iterable(pages)
            )
    if file:
        print_line(f"wrote {counted(written, _ONE[kind], kind)} to {file}")


def _reader_id(db: Database, email: str | None) -> int | None:
    if email is None:
        return None
    reader_id = users.find_user(db, email).id
    reader_data.require_reader(db, reader_id)
    return reader_id


def _archived(db: Database, selection: Selection) -> Iterator[str]:
    """Say which activities are in the archive instead."""
    until = archives.newest_arrival(db)
    if (
        selection.kind is ExportKind.ACTIVITIES
        and until is not None
        and (selection.since is None or selection.since <= until)
    ):
        yield f"activities that arrived up to {local_time(until)} are in the archive instead"


def _details(selection: Selection, of_group: Group | None, file_format: str) -> str:
    """Return the form of an export for its entry; the entry names the reader by itself."""
    times = {"since": selection.since, "until": selection.until}
    limits = (f", {name} {time:%Y-%m-%dT%H:%M:%SZ}" for name, time in times.items() if time)
    group = f", group {of_group.name}" if of_group else ""
    return f"cli, {selection.kind}, {file_format}{group}{''.join(limits)}"
