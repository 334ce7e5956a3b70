"""`readwatch db status`: what is there, and when it was last looked after."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from readwatch.cli.database import database
from readwatch.cli.examples import examples
from readwatch.cli.main import database_url
from readwatch.cli.output import local_time, print_json, print_line
from readwatch.cli.running_server import ask_server
from readwatch.cli.server_address import host_setting, port_setting
from readwatch.cli.settings import anchor_log_setting, default_anchor_log, without_password
from readwatch.domain.audit_chain import last_anchor
from readwatch.domain.clock import ago_in_words, system_clock
from readwatch.domain.errors import ReadwatchError
from readwatch.domain.health import format_bytes
from readwatch.domain.plural import counted
from readwatch.domain.server_answer import ServerAnswer
from readwatch.store.audit.last_jobs import BACKUP, MAINTENANCE, last_done
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database
from readwatch.store.engine.estimates import estimated_rows
from readwatch.store.engine.migrations import Applied, Migration
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.sqlite import is_sqlite_url, wal_bytes
from readwatch.store.lifecycle import health

LARGE_TABLES: Mapping[str, tuple[str, str]] = {
    "users": ("account", "accounts"),
    "reader_sessions": ("session", "sessions"),
    "reader_activities": ("activity", "activities"),
    "consultant_access_log": ("entry of the access log", "entries of the access log"),
}
"""The tables that grow, and what one row and several rows of each are."""


@click.command("status", epilog=examples("readwatch db status", "readwatch db status --json"))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@anchor_log_setting
@host_setting
@port_setting
@click.pass_context
def command(
    context: click.Context, *, as_json: bool, anchor_log: Path | None, host: str, port: int
) -> None:
    """Show schema, size, and the last backup and clean-up.

    It takes milliseconds at any size, so numbers of rows are approximate. It is no access to
    personal data and needs no admin: it counts rows, and reads of the access log only when jobs of
    an admin were done.
    """
    url = database_url(context)
    with database(url, Role.MAINTENANCE) as db:
        status = _status(db, url, anchor_log or default_anchor_log(url))
    server = ask_server(host, port) if port else None
    if as_json:
        print_json(_as_json(status, server))
        return
    for name, text in _facts(status, server, system_clock()):
        print_line(f"{name:<15}{text}")


@dataclass(frozen=True, slots=True)
class _Status:
    url: str
    engine: str
    schema: Applied
    pending: Sequence[Migration]
    refusal: str | None
    """Why this program cannot use the database, other than pending migrations."""
    size: int
    wal_size: int | None
    rows: Mapping[str, int | None]
    last_backup: datetime | None
    last_anchor: datetime | None
    anchor_error: str | None
    last_clean_up: datetime | None


def _status(db: Database, url: str, anchor_log: Path) -> _Status:
    applied = migrations.history(db)
    if not applied:
        raise migrations.no_schema()
    pending, refusal = _pending(db, applied)
    anchored_at, anchor_error = anchor_time(anchor_log)
    return _Status(
        url=without_password(url),
        engine=health.engine_of(db),
        schema=applied[-1],
        pending=pending,
        refusal=refusal,
        size=health.database_size(db),
        wal_size=wal_bytes(db),
        rows=estimated_rows(db, LARGE_TABLES),
        last_backup=last_done(db, BACKUP),
        last_anchor=anchored_at,
        anchor_error=anchor_error,
        last_clean_up=last_done(db, MAINTENANCE),
    )


def _pending(db: Database, applied: Sequence[Applied]) -> tuple[tuple[Migration, ...], str | None]:
    try:
        return migrations.pending(applied, migrations.available_migrations(db)), None
    except ReadwatchError as error:
        return (), error.message


def no_backup(*, is_file: bool) -> str:
    """Say what it means that the access log has no backup: PostgreSQL has its own programs."""
    return "never" if is_file else "unknown: none was logged with db log-backup --checked"


def anchor_time(file: Path) -> tuple[datetime | None, str | None]:
    """Return the time of the last anchor in a file, and why it cannot be read."""
    try:
        anchor = last_anchor(file)
    except OSError as error:
        return None, f"{file} cannot be read: {error.strerror}"
    except ReadwatchError:
        return None, f"the last line of {file} is not an anchor"
    return anchor.anchored_at if anchor else None, None


def _facts(
    status: _Status, server: ServerAnswer | None, now: datetime
) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each line."""
    yield "database", status.url
    yield "engine", status.engine
    yield "schema", _schema(status)
    wal = "" if status.wal_size is None else f", and {format_bytes(status.wal_size)} in its WAL"
    yield "size", f"{format_bytes(status.size)}{wal}"
    yield "rows", _rows(status.rows)
    if status.last_backup is None:
        yield "last backup", no_backup(is_file=is_sqlite_url(status.url))
    else:
        yield "last backup", _when(status.last_backup, now)
    yield "last anchor", status.anchor_error or _when(status.last_anchor, now)
    yield "last clean-up", _when(status.last_clean_up, now)
    yield "service", "unknown: its port is 0" if server is None else server.sentence


def _rows(rows: Mapping[str, int | None]) -> str:
    about = [counted(rows.get(table) or 0, *words) for table, words in LARGE_TABLES.items()]
    return f"about {', '.join(about)}"


def _schema(status: _Status) -> str:
    schema = f"{status.schema.number} ({status.schema.name})"
    if status.refusal is not None:
        return f"{schema}; {status.refusal}"
    if not status.pending:
        return f"{schema}, that of this program"
    numbers = ", ".join(str(migration.number) for migration in status.pending)
    needs = counted(len(status.pending), "migration is", "migrations are")
    return f"{schema}; {needs} pending ({numbers}): readwatch db upgrade"


def _when(at: datetime | None, now: datetime) -> str:
    if at is None:
        return "never"
    return f"{local_time(at)}, {ago_in_words(at, now)}"


def _as_json(status: _Status, server: ServerAnswer | None) -> dict[str, Any]:
    return {
        "database": status.url,
        "engine": status.engine,
        "schema": {"number": status.schema.number, "name": status.schema.name},
        "pending": [{"number": each.number, "name": each.name} for each in status.pending],
        "refusal": status.refusal,
        "size": status.size,
        "wal_size": status.wal_size,
        "rows": dict(status.rows),
        "last_backup": status.last_backup,
        "last_anchor": status.last_anchor,
        "anchor_error": status.anchor_error,
        "last_clean_up": status.last_clean_up,
        "service": server and asdict(server),
    }
