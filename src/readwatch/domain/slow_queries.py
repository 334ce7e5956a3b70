"""Slow queries, and the file in which the programs of a database write them, without values."""

import fcntl
import json
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

from readwatch.domain.clock import rfc3339
from readwatch.domain.files import make_private_folders, owner_only_opener
from readwatch.domain.plural import counted

DEFAULT_MILLISECONDS = 500
"""The default limit: nobody notices a shorter time, and no statement should take that long."""

MAX_FILE_BYTES = 1 << 20
"""From this size the next line begins a new file, and the old one replaces the one before it."""


@dataclass(frozen=True, slots=True)
class SlowQuery:
    """A statement that took long: its SQL in one line, without values, and what it took.

    `rows` is None if their number is not known. `plan` is None except for the first time that a
    program reports the statement. `left_out` is the number of slow queries of the minute before
    that were too many to report.
    """

    at: datetime
    program: str
    milliseconds: int
    rows: int | None
    sql: str
    plan: str | None = None
    left_out: int = 0

    @property
    def sentence(self) -> str:
        """The slow query as a line of a log."""
        rows = "" if self.rows is None else f", {counted(self.rows, 'row')}"
        plan = f"; plan: {self.plan}" if self.plan else ""
        left_out = f" ({self.left_out} more in the minute before)" if self.left_out else ""
        return f"slow query{left_out}, {self.milliseconds} ms{rows}: {self.sql}{plan}"


@dataclass(frozen=True, slots=True)
class SlowStatement:
    """All slow queries of one statement: how many, the longest of them, the last, and the plan."""

    milliseconds: int
    times: int
    last_at: datetime
    sql: str
    plan: str | None


def append_slow_query(file: Path, query: SlowQuery) -> None:
    """Append a slow query to the file that several programs share; OSError if that fails.

    A new file can be read by its owner only.
    """
    make_private_folders(file.parent)
    line = json.dumps({**asdict(query), "at": rfc3339(query.at)})
    with open(file, "ab", opener=owner_only_opener) as lines:
        fcntl.flock(lines, fcntl.LOCK_EX)
        lines.write(f"{line}\n".encode())
        lines.flush()
        if lines.tell() > MAX_FILE_BYTES and _is_at(file, lines.fileno()):
            file.replace(_previous(file))


def read_slow_queries(file: Path) -> tuple[SlowQuery, ...]:
    """Return the slow queries of the file and of the one before it, in their order.

    A line that is not complete is left out. A missing file has none; OSError if it is unreadable.
    """
    queries = []
    for part in (_previous(file), file):
        if part.exists():
            for line in part.read_text(encoding="utf-8", errors="replace").splitlines():
                with suppress(ValueError, TypeError):
                    query = SlowQuery(**json.loads(line))
                    queries.append(replace(query, at=datetime.fromisoformat(str(query.at))))
    return tuple(queries)


def slowest_statements(queries: Iterable[SlowQuery], number: int) -> tuple[SlowStatement, ...]:
    """Return the slowest statements, the slowest first."""
    statements: dict[str, SlowStatement] = {}
    for query in queries:
        earlier = statements.get(query.sql)
        statements[query.sql] = SlowStatement(
            milliseconds=max(query.milliseconds, earlier.milliseconds if earlier else 0),
            times=1 + (earlier.times if earlier else 0),
            last_at=query.at,
            sql=query.sql,
            plan=query.plan or (earlier.plan if earlier else None),
        )
    return tuple(sorted(statements.values(), key=lambda slow: -slow.milliseconds)[:number])


def _previous(file: Path) -> Path:
    return file.with_name(f"{file.name}.1")


def _is_at(file: Path, descriptor: int) -> bool:
    """Tell whether an open file still has its name: another program may have begun a new one."""
    with suppress(OSError):
        return os.path.samestat(os.fstat(descriptor), os.stat(file))
    return False
