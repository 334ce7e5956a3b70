"""`readwatch user import`: add many accounts from one file, all or none."""

import csv
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click

from readwatch.cli.database import database
from readwatch.cli.files import FILE, new_text_file
from readwatch.cli.main import database_url
from readwatch.cli.new_profile import check_profile
from readwatch.cli.operator import cli_event
from readwatch.cli.output import print_line, with_progress
from readwatch.cli.passwords import bcrypt_cost_setting
from readwatch.cli.settings import acting_admin
from readwatch.domain.audit import AuditAction
from readwatch.domain.clock import system_clock
from readwatch.domain.errors import ReadwatchError, conflict, invalid
from readwatch.domain.plural import counted
from readwatch.domain.users import UserRole, checked_name, checked_password
from readwatch.store.audit import log as audit_log
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database
from readwatch.store.identity import users
from readwatch.store.identity.bulk_users import add_users
from readwatch.store.identity.passwords import hash_password

_REQUIRED = ("email", "name", "role")
_COLUMNS = (*_REQUIRED, "password", "reading_level", "language", "timezone")
_MAX_ERRORS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class _Line:
    """One valid line of the file; without a password in the file, `password` is generated."""

    number: int
    email: str
    full_name: str
    user_role: UserRole
    password: str
    is_generated: bool
    reading_level: str | None
    language: str
    timezone: str


@click.command("import")
@click.argument("file", type=FILE)
@click.option(
    "--passwords",
    type=FILE,
    metavar="FILE.csv",
    help="New file for generated passwords.",
)
@bcrypt_cost_setting
@acting_admin
@click.pass_context
def import_(
    context: click.Context, file: Path, passwords: Path | None, bcrypt_cost: int, admin: str | None
) -> None:
    """Add all accounts in a CSV FILE, or none if a line is wrong.

    The first line names the columns: email, name and role are required; password, reading_level,
    language and timezone are optional. For accounts without a password, one is generated and
    written to the file named by `--passwords`, which only you can read.
    """
    with database(database_url(context)) as db:
        migrations.require_current(db)
        acting = users.acting_admin(db, admin)
        lines = _read_lines(file, partial(users.refuse_taken_email, db))
    generated = [line for line in lines if line.is_generated]
    if generated and passwords is None:
        raise invalid(
            f"{counted(len(generated), 'account has', 'accounts have')} "
            "no password; name a new file for generated ones with --passwords FILE"
        )
    hashes = _hashes(lines, bcrypt_cost)  # hashing takes long; no connection is open during it
    with (
        database(database_url(context)) as db,
        _password_file(passwords, generated) if generated and passwords else nullcontext(),
    ):
        try:
            with db.atomic():
                _add(db, acting.id, lines, hashes)
        except ReadwatchError:  # another program may have added one of the accounts
            _refuse_taken(lines, partial(users.refuse_taken_email, db))
            raise
    print_line(f"imported {counted(len(lines), 'account')}")


def _read_lines(file: Path, refuse_taken_email: Callable[[str], None]) -> list[_Line]:
    """Return the lines of the file; if lines are wrong, print the problems and raise an error."""
    lines: list[_Line] = []
    errors: list[str] = []
    line_of_email: dict[str, int] = {}
    for number, row in _rows(file):
        try:
            line = _line(number, row)
            if line.email in line_of_email:
                raise conflict(f"line {line_of_email[line.email]} has the same e-mail")
            line_of_email[line.email] = number
            refuse_taken_email(line.email)
            lines.append(line)
        except ReadwatchError as error:
            errors.append(f"line {number}: {error.message}")
    if errors:
        for error_of_line in errors[:_MAX_ERRORS_SHOWN]:
            print_line(error_of_line, err=True)
        wrong = counted(len(errors), "line is", "lines are")
        raise invalid(f"nothing was imported: {wrong} wrong")
    if not lines:
        raise invalid(f"{file} contains no account")
    return lines


def _refuse_taken(lines: Sequence[_Line], refuse_taken_email: Callable[[str], None]) -> None:
    for line in lines:
        try:
            refuse_taken_email(line.email)
        except ReadwatchError as error:
            raise conflict(f"nothing was imported: line {line.number}: {error.message}") from None


def _rows(file: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield each row with the number of its line; the first line names the columns."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            rows = csv.reader(text, strict=True)
            columns = [name.strip().lower() for name in next(rows, [])]
            _check_columns(columns)
            for row in rows:
                if row:
                    if len(row) != len(columns):
                        counts = f"{len(row)} values, the first line {len(columns)}"
                        raise invalid(f"line {rows.line_num} has {counts}")
                    yield rows.line_num, dict(zip(columns, map(str.strip, row), strict=True))
    except UnicodeDecodeError:
        raise invalid(f"{file} is not text in UTF-8") from None
    except csv.Error as error:
        raise invalid(f"{file} is not CSV: {error}") from None
    except OSError as error:
        raise invalid(f"{file} cannot be read: {error.strerror}") from None


def _check_columns(columns: Sequence[str]) -> None:
    problems = (
        ("has an unknown column", [name for name in columns if name not in _COLUMNS]),
        ("has no column", [name for name in _REQUIRED if name not in columns]),
        ("has two columns", [name for name in _COLUMNS if columns.count(name) > 1]),
    )
    for problem, names in problems:
        if names:
            raise invalid(
                f"the first line {problem} {names[0]!r}; it must name the columns email, name and "
                "role, and may name password, reading_level, language and timezone"
            )


def _line(number: int, row: dict[str, str]) -> _Line:
    if row["role"] not in list(UserRole):
        raise invalid("the role must be reader, consultant or admin")
    role, password = UserRole(row["role"]), row.get("password") or None
    reading_level, language = row.get("reading_level") or None, row.get("language") or "en"
    timezone = row.get("timezone") or "UTC"
    check_profile(reading_level, language, timezone)
    return _Line(
        number=number,
        email=users.checked_email(row["email"]),
        full_name=checked_name(row["name"]),
        user_role=role,
        password=checked_password(password or secrets.token_urlsafe(12), role),
        is_generated=password is None,
        reading_level=reading_level,
        language=language,
        timezone=timezone,
    )


@contextmanager
def _password_file(file: Path, lines: Sequence[_Line]) -> Iterator[None]:
    """Write the generated passwords before the accounts are added; delete them if that fails.

    After the commit the file stays, because the passwords are stored nowhere else.
    """
    with new_text_file(file) as text:
        writer = csv.writer(text)
        writer.writerow(("email", "password"))
        writer.writerows((line.email, line.password) for line in lines)
    try:
        yield
    except BaseException:  # ctrl+c too; it is raised again
        file.unlink()
        raise


def _hashes(lines: Sequence[_Line], cost: int) -> list[str]:
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        hashes = threads.map(lambda line: hash_password(line.password, cost), lines)
        return list(with_progress(hashes, "Hashing passwords", len(lines)))


def _add(db: Database, acting_id: int, lines: Sequence[_Line], hashes: Sequence[str]) -> None:
    """Add all accounts and their access log entries. Call it in a transaction."""
    now = system_clock()
    audit_log.append_in_transaction(
        db,
        cli_event(
            actor_id=acting_id,
            action_type=AuditAction.IMPORTED_USERS,
            details=f"cli, rows {len(lines)}",
        ),
        now,
    )
    new = [
        users.NewUser(
            email=line.email,
            full_name=line.full_name,
            user_role=line.user_role,
            password_hash=password_hash,
            reading_level=line.reading_level,
            preferred_language=line.language,
            timezone=line.timezone,
        )
        for line, password_hash in zip(lines, hashes, strict=True)
    ]
    ids = add_users(db, new, now)
    for line in lines:
        audit_log.append_in_transaction(
            db,
            cli_event(
                actor_id=acting_id,
                action_type=AuditAction.ADDED_USER,
                subject_id=ids[line.email],
                details=f"cli import, role {line.user_role}",
            ),
            now,
        )
