"""`readwatch user export`: all data about one person, to be given to them."""

from collections.abc import Iterable, Sequence
from io import TextIOWrapper
from itertools import chain as concatenated
from itertools import product
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile

import click

from readwatch.cli.archives import archives_options, available_archives
from readwatch.cli.database import database
from readwatch.cli.examples import examples
from readwatch.cli.files import FILE, new_file
from readwatch.cli.main import database_url
from readwatch.cli.operator import cli_event
from readwatch.cli.output import print_line, with_progress
from readwatch.cli.settings import acting_admin
from readwatch.domain.audit import AuditAction
from readwatch.domain.clock import system_clock
from readwatch.domain.errors import invalid
from readwatch.domain.table_files import WRITERS, TableRow
from readwatch.store.audit import log as audit_log
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database
from readwatch.store.engine.exclusive import exclusive_maintenance
from readwatch.store.identity import users
from readwatch.store.lifecycle import archives, personal_data_export
from readwatch.store.lifecycle.archives import ArchivedPart

_Part = personal_data_export.Part | ArchivedPart


@click.command("export", epilog=examples("readwatch user export ann@example.org --output ann.zip"))
@click.argument("email")
@click.option(
    "--output", "file", type=FILE, metavar="FILE.zip", required=True, help="The new file."
)
@archives_options
@acting_admin
@click.pass_context
def command(
    context: click.Context,
    email: str,
    file: Path,
    archive_folders: tuple[Path, ...],
    archives_gone: bool,
    admin: str | None,
) -> None:
    """Write all data about one person to a new zip file.

    Only you can read the file. It has each part as JSON and as CSV, without passwords and tokens.
    Those who viewed the person's data are shown by role. The export is logged before anything is
    read.
    """
    if file.suffix.lower() != ".zip":
        raise invalid("the name of the file must end in .zip")
    with database(database_url(context)) as db:
        migrations.require_current(db)
        acting, user_id = users.acting_admin(db, admin), users.account_id(db, email)
        with (
            exclusive_maintenance(db),
            new_file(file) as file_object,
            TemporaryFile() as archived_lines,
        ):
            listed = available_archives(db, archive_folders, without_missing=archives_gone)
            event = cli_event(
                actor_id=acting.id,
                action_type=AuditAction.EXPORTED_USER,
                subject_id=user_id,
                details="cli, zip",
            )
            permit = audit_log.log_access(db, event, system_clock())
            collected = with_progress(
                archives.collect(db, permit, listed, archived_lines),
                "Reading archives",
                len(listed),
            )
            archived = ArchivedPart(sum(collected), archived_lines)
            parts: tuple[_Part, ...] = (*personal_data_export.parts(db, permit), archived)
            _write_zip(db, parts, file_object)
    print_line(f"wrote all data about user {user_id} to {file}")
    for part in parts:
        print_line(f"{part.name}: {part.length:,}")


def _write_zip(db: Database, parts: tuple[_Part, ...], file: IO[bytes]) -> None:
    with ZipFile(file, "w", ZIP_DEFLATED) as zip_file:
        for part, (file_format, write_table) in product(parts, WRITERS.items()):
            name = f"{part.name}.{file_format}"
            chunk_count = -(-part.length // personal_data_export.ROWS_AT_ONCE)
            chunks: Iterable[Sequence[TableRow]]
            chunks = with_progress(part.chunks(db), f"Writing {name}", chunk_count)
            with (
                zip_file.open(name, "w", force_zip64=True) as member,
                TextIOWrapper(member, "utf-8", newline="") as text,
            ):
                write_table(text, part.columns, concatenated.from_iterable(chunks))
