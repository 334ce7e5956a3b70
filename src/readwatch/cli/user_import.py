"""`readwatch user import`: many accounts from one file, all of them or none."""

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
from readwatch.cli.output import with_progress
from readwatch.cli.passwords import bcrypt_cost_setting
from readwatch.cli.settings import acting_admin
from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.clock import system_clock
from readwatch.domain.errors import ReadwatchError, conflict, invalid
from readwatch.domain.users import UserRole, checked_name, checked_password
from readwatch.store.audit import log as audit_log
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database
from readwatch.store.identity import users
from readwatch.store.identity.passwords import hash_password

_NEEDED = ("email", "name", "role")
_POSSIBLE = (*_NEEDED, "password", "reading_level", "language", "timezone")
_MOST_FAULTS = 20


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of the file that is good by itself; without a password one is made up."""

    number: int
    email: str
    full_name: str
    user_role: UserRole
    password: str
    made_up: bool
    reading_level: str | None
    language: str
    timezone: str


@click.command("import")
@click.argument("file", type=FILE)
@click.option(
    "--passwords",
    type=FILE,
    metavar="FILE.csv",
    help="A file to be made, with the passwords that are made up.",
)
@bcrypt_cost_setting
@acting_admin
@click.pass_context
def import_(
    context: click.Context, file: Path, passwords: Path | None, bcrypt_cost: int, admin: str | None
) -> None:
    """Add the accounts in a CSV FILE, all of them or none.

    Its first line names the columns: email, name, role, and if wanted password, reading_level,
    language, timezone. Who has no password there gets one that is made up: it is in the file of
    `--passwords`, which only you can read.
    """
    with database(database_url(context)) as db:
        migrations.require_current(db)
        acting = users.acting_admin(db, admin)
        lines = _checked(file, partial(users.refuse_taken, db))
    made_up = [line for line in lines if line.made_up]
    if made_up and passwords is None:
        raise invalid(f"{len(made_up):,} have no password: name a new file with --passwords FILE")
    hashes = _hashes(lines, bcrypt_cost)  # which takes long: nobody's connection waits meanwhile
    with (
        database(database_url(context)) as db,
        db.atomic(),
        _passwords(passwords, made_up) if made_up and passwords else nullcontext(),
    ):
        _add(db, acting.id, lines, hashes)
    click.echo(f"imported {len(lines):,} {'account' if len(lines) == 1 else 'accounts'}")


def _checked(file: Path, refuse_taken: Callable[[str], None]) -> list[_Line]:
    """Return the lines of the file, or say of each bad one what is wrong with it."""
    lines: list[_Line] = []
    faults: list[str] = []
    seen: dict[str, int] = {}
    for number, row in _rows(file):
        try:
            line = _line(number, row)
            if line.email in seen:
                raise conflict(f"this e-mail is in line {seen[line.email]} already")
            seen[line.email] = number
            refuse_taken(line.email)
            lines.append(line)
        except ReadwatchError as error:
            faults.append(f"line {number}: {error.message}")
    if faults:
        more = [f"and {len(faults) - _MOST_FAULTS:,} more"] if len(faults) > _MOST_FAULTS else []
        raise invalid("\n".join(["nothing was imported", *faults[:_MOST_FAULTS], *more]))
    if not lines:
        raise invalid(f"there is no account in {file}")
    return lines


def _rows(file: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield each row with the number of its line; the first line names the columns."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            rows = csv.reader(opened, strict=True)
            columns = [name.strip().lower() for name in next(rows, [])]
            _check_columns(columns)
            for row in rows:
                if row:
                    if len(row) != len(columns):
                        raise invalid(f"line {rows.line_num} has not as many values as the first")
                    yield rows.line_num, dict(zip(columns, map(str.strip, row), strict=True))
    except UnicodeDecodeError:
        raise invalid(f"{file} is not text in UTF-8") from None
    except csv.Error as error:
        raise invalid(f"{file} is not CSV: {error}") from None
    except OSError as error:
        raise invalid(f"{file} cannot be read: {error.strerror}") from None


def _check_columns(columns: Sequence[str]) -> None:
    odd = [name for name in columns if name not in _POSSIBLE or columns.count(name) > 1]
    missing = [name for name in _NEEDED if name not in columns]
    if odd or missing:
        raise invalid(
            "the first line has to name the columns email, name, role and, if wanted, "
            "password, reading_level, language, timezone"
        )


def _line(number: int, row: dict[str, str]) -> _Line:
    if row["role"] not in list(UserRole):
        raise invalid("the role has to be reader, consultant or admin")
    role, password = UserRole(row["role"]), row.get("password") or None
    reading_level, language = row.get("reading_level") or None, row.get("language") or "en"
    timezone = row.get("timezone") or "UTC"
    check_profile(reading_level, language, timezone)
    return _Line(
        number,
        users.checked_email(row["email"]),
        checked_name(row["name"]),
        role,
        checked_password(password or secrets.token_urlsafe(12), role),
        password is None,
        reading_level,
        language,
        timezone,
    )


@contextmanager
def _passwords(file: Path, made_up: Sequence[_Line]) -> Iterator[None]:
    """Put what was made up on disk before the accounts are, and take it back if they fail.

    When the transaction ends the file stays whatever comes: nobody else knows these passwords.
    """
    with new_text_file(file) as text:
        rows = csv.writer(text)
        rows.writerow(("email", "password"))
        rows.writerows((line.email, line.password) for line in made_up)
    try:
        yield
    except BaseException:
        file.unlink()
        raise


def _hashes(lines: Sequence[_Line], cost: int) -> list[str]:
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        made = threads.map(lambda line: hash_password(line.password, cost), lines)
        return list(with_progress(made, "Hashing passwords", len(lines)))


def _add(db: Database, acting_id: int, lines: Sequence[_Line], hashes: Sequence[str]) -> None:
    """Add all accounts and their entries of the access log. Call it in a transaction."""
    now = system_clock()
    audit_log.append_in_transaction(
        db,
        AuditEvent(acting_id, AuditAction.IMPORTED_USERS, details=f"cli, rows {len(lines)}"),
        now,
    )
    for line, password_hash in zip(lines, hashes, strict=True):
        new = users.NewUser(
            email=line.email,
            full_name=line.full_name,
            user_role=line.user_role,
            password_hash=password_hash,
            reading_level=line.reading_level,
            preferred_language=line.language,
            timezone=line.timezone,
        )
        try:
            added = users.add_user(db, new, now)
        except ReadwatchError as error:  # somebody else was quicker
            raise conflict(f"nothing was imported: line {line.number}: {error.message}") from None
        details = f"cli import, role {line.user_role}"
        audit_log.append_in_transaction(
            db, AuditEvent(acting_id, AuditAction.ADDED_USER, added.id, details), now
        )
