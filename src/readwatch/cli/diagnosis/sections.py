"""All checks in their order: which of them apply, and where each gets what it checks."""

import os
import resource
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from readwatch.cli.database import database
from readwatch.cli.diagnosis import (
    ages,
    disk,
    machine,
    permissions,
    postgresql,
    schema,
    service,
    settings,
)
from readwatch.cli.diagnosis import database as database_checks
from readwatch.cli.running_server import ask_server
from readwatch.cli.settings import (
    default_anchor_log,
    default_erasure_list,
    default_slow_query_log,
    without_password,
)
from readwatch.domain.audit_chain import last_anchor
from readwatch.domain.disk_room import Room
from readwatch.domain.errors import ReadwatchError, misconfigured
from readwatch.domain.findings import Finding, Severity, findings_of, ok, warning, worst
from readwatch.domain.server_answer import ServerAnswer
from readwatch.store.audit.last_jobs import BACKUP, MAINTENANCE, last_done
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database
from readwatch.store.engine.database import EngineSettings
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.server_settings import server_settings
from readwatch.store.engine.sqlite import SQLite, is_sqlite_url, sqlite_path
from readwatch.store.lifecycle.newest_row import newest_row_at
from readwatch.store.lifecycle.vacuum import vacuum_needs

ENGINE = EngineSettings(busy_seconds=1, statement_seconds=5)
"""People call doctor when something hangs, so it waits for nothing."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is diagnosed: a database, the settings, and the machine as this process sees it.

    `admin` is the e-mail of the admin who acts if something is fixed. `file_refusal` is why the
    settings file cannot be used, `complaints` are sentences about wrong values, and `misspelt`
    about wrong names. `backups` is a folder of backups.
    """

    url: str
    admin: str | None
    settings_file: Path
    file_refusal: str | None
    values: Mapping[str, Any]
    complaints: tuple[str, ...]
    misspelt: tuple[str, ...]
    backups: Path | None
    now: datetime


Section = tuple[str, list[Finding]]
"""The title of a section, and its findings."""


def sections(subject: Subject) -> Iterator[Section]:
    """Run all checks and yield their findings; whatever fails is a finding."""
    yield "Settings", list(_settings(subject))
    yield "Database", list(_database(subject))
    yield "Files", list(_run("files", _files, subject))
    yield "Service", list(_run("service", _service, subject))
    yield "Machine", list(_machine())


def all_findings(diagnosed: Iterable[Section]) -> Iterator[Finding]:
    """Yield the findings of all sections."""
    for _, findings in diagnosed:
        yield from findings


def _path(url: str) -> Path | None:
    """Return the file of a SQLite database; None on PostgreSQL and for a URL that names none."""
    try:
        return sqlite_path(url).resolve() if is_sqlite_url(url) else None
    except ReadwatchError:
        return None


def _settings(subject: Subject) -> Iterator[Finding]:
    file, url = subject.settings_file, subject.url
    yield from _run("settings file", settings.file_findings, file, subject.file_refusal)
    secret = partial(settings.secret_findings, has_password=without_password(url) != url)
    yield from _run("settings file", secret, file)
    given = subject.complaints, subject.misspelt, subject.values
    yield from _run("settings", settings.value_findings, *given)


def _run(check: str, function: Callable[..., Iterable[Finding]], *given: Any) -> Iterator[Finding]:
    return findings_of(check, partial(function, *given))


# The database -----------------------------------------------------------------------------------


def _database(subject: Subject) -> Iterator[Finding]:
    path = _path(subject.url)
    if path is not None:
        missing = list(_run("database", database_checks.file_findings, path))
        if missing:
            yield from missing
            return
    yield from findings_of("database", partial(_contents, subject), database_checks.fix_of)


def _contents(subject: Subject) -> Iterator[Finding]:
    with database(subject.url, Role.MAINTENANCE, ENGINE) as db:
        if not isinstance(db, SQLite):
            yield from _run("server", _server, subject)
        of_schema = list(_run("schema", schema.migration_findings, db))
        yield from of_schema
        if worst(of_schema) is Severity.OK:
            yield from _current(subject, db)
        if migrations.history(db):
            yield from _of_any_schema(subject, db)


def _of_any_schema(subject: Subject, db: Database) -> Iterator[Finding]:
    """Yield the findings about a database with any schema."""
    yield from _run("admins", schema.admin_findings, db)
    yield from _run("backup", _backup, db, subject.now)
    yield from _run("anchor", _anchor, subject)
    yield from _run("clean-up", _clean_up, db, subject.now)
    yield from _run("clock", _clock, db, subject.now)


def _current(subject: Subject, db: Database) -> Iterator[Finding]:
    """Yield the findings about a database with the schema of this program."""
    yield from _run("state", database_checks.state_findings, db, subject.now)
    yield from _run("objects", schema.object_findings, db, subject.url, subject.admin)
    yield from _run("archives", database_checks.archive_findings, db)
    yield from _run("groups", database_checks.group_findings, db)
    if isinstance(db, SQLite):
        yield from _run("statistics", schema.statistics_findings, db, subject.url, subject.admin)
    else:
        yield from _run("privileges", _privileges, subject)


def _backup(db: Database, now: datetime) -> Iterator[Finding]:
    last = last_done(db, BACKUP)
    if isinstance(db, SQLite):
        fix = "readwatch db backup --to FOLDER --keep 14, every night"
        return ages.backup_findings(last, now, fix)
    if last is None:
        text = "no backup was logged with db log-backup --checked; see its own log"
        return iter([ok("backup", text)])
    return ages.backup_findings(last, now, "see docs/postgresql.md for a backup every night")


def _anchor(subject: Subject) -> Iterator[Finding]:
    file = _anchor_log(subject)
    try:
        anchor = last_anchor(file)
    except OSError as failure:
        raise misconfigured(f"{file} cannot be read: {failure.strerror}") from None
    return ages.anchor_findings(anchor.anchored_at if anchor else None, subject.now)


def _clean_up(db: Database, now: datetime) -> Iterator[Finding]:
    return ages.clean_up_findings(last_done(db, MAINTENANCE), now)


def _clock(db: Database, now: datetime) -> Iterator[Finding]:
    return ages.newest_row_findings(newest_row_at(db), now)


def _server(subject: Subject) -> Iterator[Finding]:
    with database(subject.url, Role.OWNER, ENGINE) as db:
        server = server_settings(db)
    yield from postgresql.server_findings(server, subject.values["pool_size"])
    yield from ages.other_clock_findings("PostgreSQL", server.clock, subject.now)


def _privileges(subject: Subject) -> Iterator[Finding]:
    return postgresql.privilege_findings(migrations.unenforced_privileges(subject.url))


def _anchor_log(subject: Subject) -> Path:
    return subject.values["anchor_log"] or default_anchor_log(subject.url)


# Everything else --------------------------------------------------------------------------------


def _files(subject: Subject) -> Iterator[Finding]:
    path = _path(subject.url)
    if path is not None and os.access(path.parent, os.X_OK):  # or it is a finding elsewhere
        findings = _database_files(subject, path)
        # A wrong URL can name a file of another program: then nothing is changed there.
        is_ours = database_checks.is_sqlite_file(path)
        yield from (each if is_ours else replace(each, repair=None) for each in findings)
    for check in (_private_files, _left_files):
        yield from _run("files", check, subject, path)


def _database_files(subject: Subject, path: Path) -> Iterator[Finding]:
    size = 0
    if path.is_file():
        size = path.stat().st_size
        yield from _run("permissions", permissions.database_file_findings, path)
        yield from _run("user", permissions.user_findings, path, os.geteuid())
    yield from _run("permissions", permissions.folder_findings, path.parent)
    if disk.MOUNTS.exists():
        yield from _run("file system", disk.file_system_findings, path, disk.MOUNTS.read_text())
    yield from _run("disk", disk.room_findings, path.parent, size, _vacuum_rooms(subject.url))
    yield from _run("left files", disk.old_copy_findings, path, subject.now)


def _private_files(subject: Subject, path: Path | None) -> Iterator[Finding]:
    """Yield the findings about files that only their owner may read: lists, logs, and backups."""
    anchors = _anchor_log(subject)
    files = [
        subject.values["erasure_list"] or default_erasure_list(subject.url),
        subject.values["slow_query_log"] or default_slow_query_log(subject.url),
        *(file for folder in _folders(subject, path) for file in disk.copies_in(folder)),
    ]
    wrong = [
        *permissions.anchor_file_findings(anchors),
        *(
            finding
            for file in files
            if file != path
            for finding in permissions.private_file_findings(file)
        ),
    ]
    yield from wrong or [
        ok(
            "private files",
            "logs and backups are for their owner only, and so are changes of anchors",
        )
    ]


def _left_files(subject: Subject, path: Path | None) -> Iterator[Finding]:
    if subject.backups is not None and not subject.backups.is_dir():
        yield warning("backups", f"there is no folder {subject.backups}", "correct --backups")
    for folder in _folders(subject, path):
        yield from disk.draft_findings(folder)


def _folders(subject: Subject, path: Path | None) -> set[Path]:
    """Return the folders with copies of the database, as far as this user may look into them."""
    folders = {folder for folder in (path and path.parent, subject.backups) if folder is not None}
    return {folder for folder in folders if os.access(folder, os.R_OK | os.X_OK)}


def _vacuum_rooms(url: str) -> tuple[Room, ...]:
    """Return what a vacuum needs; nothing is known of a database that cannot be opened."""
    try:
        with database(url, Role.MAINTENANCE, ENGINE) as db:
            return vacuum_needs(db).rooms if isinstance(db, SQLite) else ()
    except ReadwatchError:
        return ()


def _service(subject: Subject) -> Iterator[Finding]:
    host, port = subject.values["host"], subject.values["port"]
    if not port:
        yield ok("service", "it chooses its port at each start, so it was not asked")
    else:
        yield from _run("service", _answer, subject, ask_server(host, port))
    listening = {
        number
        for table in service.SOCKETS
        if table.exists()
        for number in service.listening_ports(table.read_text())
    }
    hops = subject.values["proxy_hops"]
    yield from _run("proxies", service.proxy_findings, hops, host, listening)


def _answer(subject: Subject, answer: ServerAnswer) -> Iterator[Finding]:
    newest = migrations.newest_schema(subject.url)
    is_sqlite = is_sqlite_url(subject.url)
    yield from service.answer_findings(answer, newest, is_expected=is_sqlite)
    yield from ages.other_clock_findings("the service", answer.clock, subject.now)


def _machine() -> Iterator[Finding]:
    yield from _run("SQLite", machine.sqlite_findings)
    _, hard_limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield from _run("open files", machine.file_limit_findings, hard_limit)
    yield from _run("terminal", machine.terminal_findings, _terminal())
    yield from _run("proxy", machine.proxy_variable_findings, os.environ)


def _terminal() -> machine.Terminal | None:
    if not sys.stdout.isatty():
        return None
    size = os.get_terminal_size(sys.stdout.fileno())
    columns, lines = (size.columns, size.lines) if size.columns else shutil.get_terminal_size()
    return machine.Terminal(columns, lines, sys.stdout.encoding, os.environ.get("TERM", ""))
