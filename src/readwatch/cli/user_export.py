"""`readwatch user export`: all that is kept about one person, to be handed to them."""

from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile

import click

from readwatch.cli.database import database
from readwatch.cli.files import FILE, new_file, write_csv, write_json
from readwatch.cli.main import database_url
from readwatch.cli.output import with_progress
from readwatch.cli.settings import acting_admin
from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.clock import system_clock
from readwatch.domain.errors import invalid
from readwatch.store.audit import chain
from readwatch.store.audit import log as audit_log
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database
from readwatch.store.identity import users
from readwatch.store.lifecycle import personal_data_export


@click.command("export")
@click.argument("email")
@click.option(
    "--output", "file", type=FILE, metavar="FILE.zip", required=True, help="A file to be made."
)
@acting_admin
@click.pass_context
def export(context: click.Context, email: str, file: Path, admin: str | None) -> None:
    """Write all about one person to a new zip file that only you can read.

    Each part is in it as JSON and as CSV. Passwords and tokens are left out, and who looked at the
    person is told by role. The export is in the access log before anything is read.
    """
    if file.suffix.lower() != ".zip":
        raise invalid("such an export is a .zip file")
    with database(database_url(context)) as db:
        migrations.require_current(db)
        acting, user_id = users.acting_admin(db, admin), chain.account_id(db, email)
        with new_file(file) as opened:
            look = AuditEvent(acting.id, AuditAction.EXPORTED_USER, user_id, "cli, zip")
            parts = personal_data_export.parts(db, audit_log.log_access(db, look, system_clock()))
            steps = 2 * sum(-(-part.length // personal_data_export.ROWS_AT_ONCE) for part in parts)
            for _ in with_progress(_written(db, parts, opened), "Writing", steps):
                pass
    click.echo(f"wrote all about user {user_id} to {file}")
    for part in parts:
        click.echo(f"{part.name}: {part.length:,}")


def _written(
    db: Database, parts: tuple[personal_data_export.Part, ...], opened: IO[bytes]
) -> Iterator[None]:
    """Write the zip file, and yield after each portion."""
    with ZipFile(opened, "w", ZIP_DEFLATED) as bundle:
        for part in parts:
            for kind, write in (("json", write_json), ("csv", write_csv)):
                with (
                    bundle.open(f"{part.name}.{kind}", "w", force_zip64=True) as member,
                    TextIOWrapper(member, "utf-8", newline="") as text,
                ):
                    yield from write(text, part.columns, part.chunks(db))
