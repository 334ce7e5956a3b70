"""The file of `readwatch user import`: one user in each line, and named columns.

Values are separated by commas, semicolons or tabs, as spreadsheets write them. All problems of all
lines are collected, so that the file can be corrected at once.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

from readwatch.cli.user.profile_checks import check_language, check_reading_level, check_timezone
from readwatch.domain.errors import ReadwatchError, invalid
from readwatch.domain.groups import checked_group_name, group_key
from readwatch.domain.users import UserRole, checked_name, checked_password
from readwatch.store.identity.users import checked_email

T = TypeVar("T")

REQUIRED = ("email", "name", "role")
COLUMNS = (*REQUIRED, "password", "reading_level", "language", "timezone", "group")

_BETWEEN_GROUPS = "|"
_ONLY_READERS = "only readers are in groups; limit a consultant to one with readwatch group assign"
_SEPARATORS = ",;\t"
_BETWEEN_WORDS = re.compile(r"[\s_-]+")


@dataclass(frozen=True, slots=True)
class ImportLine:
    """One valid line of the file: a user; what it does not say is None."""

    number: int
    email: str
    full_name: str
    user_role: UserRole
    password: str | None
    reading_level: str | None
    language: str | None
    timezone: str | None
    groups: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a line, or with its value in one column."""

    number: int
    message: str
    column: str | None = None

    def __str__(self) -> str:
        column = f", column {self.column}" if self.column else ""
        return f"line {self.number}{column}: {self.message}"


@dataclass(frozen=True, slots=True)
class ImportFile:
    """The valid lines of a file, its problems in the order of lines, and notes for the admin."""

    lines: tuple[ImportLine, ...]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]


def read_import_file(file: Path) -> ImportFile:
    """Read a file; raise an error if it cannot be read, is no CSV, or lacks a column."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as text_file:
            text = text_file.read()
    except UnicodeDecodeError:
        raise invalid(f"{file} is not text in UTF-8; save it as CSV UTF-8") from None
    except OSError as error:
        raise invalid(f"{file} cannot be read: {error.strerror}") from None
    rows = _rows(text)
    try:
        _, headings = next(rows, (1, []))
    except _NotCsv as error:
        raise invalid(f"{file}: {error.problem}") from None
    contents = _checked([_column(heading) for heading in headings], rows)
    if not contents.lines and not contents.problems:
        raise invalid(f"{file} contains no account")
    return contents


class _NotCsv(Exception):
    """A line is no CSV, so that the lines after it cannot be told apart."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the values of each line that has some, with the number of the line."""
    rows = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=_separator(text))
    try:
        for row in rows:
            if any(map(str.strip, row)):  # spreadsheets also write lines of separators
                yield rows.line_num, row
    except csv.Error as error:
        not_csv = f"it is not CSV ({error}), and the lines after it were not read"
        raise _NotCsv(Problem(rows.line_num, not_csv)) from None


def _separator(text: str) -> str:
    """Return the separator that finds most of our columns in the first line; else a comma."""
    first_line = text.partition("\n")[0]

    def columns(separator: str) -> int:
        return sum(_column(heading) in COLUMNS for heading in first_line.split(separator))

    return max(_SEPARATORS, key=columns)


def _column(heading: str) -> str:
    """Return our name of a column, or the heading: case, spaces, hyphens and _ do not matter."""
    joined = _BETWEEN_WORDS.sub("", heading.strip().strip('"')).casefold()
    return next((name for name in COLUMNS if name.replace("_", "") == joined), heading.strip())


def _checked(columns: Sequence[str], rows: Iterator[tuple[int, list[str]]]) -> ImportFile:
    _check_columns(columns)
    lines: list[ImportLine] = []
    problems: list[Problem] = []
    number_of_email: dict[str, int] = {}
    try:
        for number, row in rows:
            line = _line(number, columns, row)
            if not isinstance(line, ImportLine):
                problems.extend(line)
            elif (first := number_of_email.setdefault(line.email, number)) != number:
                problems.append(Problem(number, f"line {first} has the same e-mail", "email"))
            else:
                lines.append(line)
    except _NotCsv as error:
        problems.append(error.problem)
    return ImportFile(tuple(lines), tuple(problems), tuple(_notes(columns)))


def _check_columns(columns: Sequence[str]) -> None:
    missing = [name for name in REQUIRED if name not in columns]
    twice = [name for name in COLUMNS if columns.count(name) > 1]
    for names, problem in ((missing, "has no column"), (twice, "has two columns")):
        if names:
            raise invalid(
                f"the first line {problem} {names[0]!r}; it must name the columns email, name and "
                "role, and may name password, reading_level, language, timezone and group"
            )


def _notes(columns: Sequence[str]) -> Iterator[str]:
    """Yield one sentence for each column that is ignored."""
    free = [name for name in COLUMNS if name not in columns]
    for number, heading in enumerate(columns, 1):
        if heading not in COLUMNS:
            similar = get_close_matches(heading.casefold(), free, n=1)
            advice = f"; did you mean {similar[0]}?" if similar else ""
            named = repr(heading) if heading else f"{number}, which has no name,"
            yield f"column {named} is ignored{advice}"


def _line(number: int, columns: Sequence[str], row: Sequence[str]) -> ImportLine | list[Problem]:
    """Return a line, or all of its problems."""
    if len(row) != len(columns):
        return [Problem(number, f"it has {len(row)} values, the first line {len(columns)}")]
    values = {name: value.strip() for name, value in zip(columns, row, strict=True)}
    problems: list[Problem] = []

    def checked(column: str, check: Callable[[str], T], default: T) -> T:
        try:
            return check(values[column])
        except ReadwatchError as error:
            problems.append(Problem(number, error.message, column))
            return default

    def optional(column: str, check: Callable[[str], T]) -> T | None:
        return checked(column, check, None) if values.get(column) else None

    role = checked("role", _role, None)
    line = ImportLine(
        number=number,
        email=checked("email", checked_email, ""),
        full_name=checked("name", checked_name, ""),
        user_role=role or UserRole.READER,
        password=optional("password", lambda text: checked_password(text, role) if role else text),
        reading_level=optional("reading_level", check_reading_level),
        language=optional("language", check_language),
        timezone=optional("timezone", check_timezone),
        groups=optional("group", _groups),
    )
    if line.groups and line.user_role.is_staff:
        problems.append(Problem(number, _ONLY_READERS, "group"))
    return problems or line


def _groups(text: str) -> tuple[str, ...]:
    """Return the names of groups, each once."""
    names = map(checked_group_name, text.split(_BETWEEN_GROUPS))
    return tuple({group_key(name): name for name in names}.values())


def _role(text: str) -> UserRole:
    try:
        return UserRole(text.lower())
    except ValueError:
        raise invalid("the role must be reader, consultant or admin") from None
