"""The health checks of a database, and the fix for each."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, astuple, dataclass
from datetime import datetime, timedelta

from readwatch.domain.clock import ago, length_of
from readwatch.domain.plural import counted

MIN_FREE_BYTES = 1 << 30
"""The minimum of free disk space in bytes: one busy day can fill this much."""

MAX_WAL_BYTES = 1 << 30
"""The maximum length of a WAL in bytes: a longer WAL means that a transaction stays open, so that
SQLite cannot truncate the WAL."""

MAX_SILENCE = timedelta(hours=25)
"""An open session without a sign of life for longer than the longest session timeout of a server,
24 hours, means that no server ends sessions."""

MIN_UNUSED_BYTES = 64 << 20
MAX_UNUSED_SHARE = 0.25
"""The part of a SQLite file that may be unused; a vacuum of a small file is not worth it."""

MIN_DEAD_ROWS = 100_000
MAX_DEAD_SHARE = 0.25
"""The part of a table's rows that may be dead on PostgreSQL; autovacuum begins at 0.2."""

MAX_TRANSACTION = timedelta(hours=1)
"""The longest time that a transaction may be open on PostgreSQL; until its end no dead row that is
newer can be removed."""

MAX_USED_TRANSACTION_IDS = 0.4
"""The share of transaction ids that may be in use on PostgreSQL; autovacuum begins at 0.1, and at
1.0 PostgreSQL writes nothing more."""


@dataclass(frozen=True, slots=True)
class TableSize:
    """The size of one table with its indexes, in bytes."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class DeadRows:
    """The table of PostgreSQL with the most rows that were deleted or replaced and still take up
    space."""

    table: str
    dead: int
    live: int


@dataclass(frozen=True, slots=True)
class SQLiteFile:
    """What a SQLite file says of itself without reading its content, and its disk, in bytes.

    `unused` is the part of the file that holds no data. SQLite refuses a file that is shorter
    than its header says.
    """

    journal_mode: str
    wal_size: int
    free: int
    unused: int


@dataclass(frozen=True, slots=True)
class PostgreSQLState:
    """What PostgreSQL knows of a database without reading its tables.

    `used_transaction_ids` is a share. `longest_transaction` is of the sessions that the user of the
    URL may see.
    """

    dead_rows: DeadRows | None
    longest_transaction: timedelta | None
    used_transaction_ids: float


@dataclass(frozen=True, slots=True)
class DatabaseStatus:
    """The state of a database, read in a time that does not depend on its size."""

    schema: str
    engine: str
    active_sessions: int
    oldest_sign_of_life: datetime | None
    """The oldest heartbeat or post that is the last one of an open session."""
    size: int
    file: SQLiteFile | None = None
    server: PostgreSQLState | None = None


@dataclass(frozen=True, slots=True)
class FullCheck:
    """What is known after all of a database was read; None for what only SQLite has."""

    damages: int | None
    dangling_rows: int | None
    tables: tuple[TableSize, ...]


@dataclass(frozen=True, slots=True)
class RollupMismatches:
    """The number of rows of each rollup that differ from the activities and sessions."""

    reader_profiles: int = 0
    reader_content_progress: int = 0
    reader_quizzes: int = 0
    reader_hours: int = 0
    activity_counts: int = 0

    def __add__(self, other: "RollupMismatches") -> "RollupMismatches":
        pairs = zip(astuple(self), astuple(other), strict=True)
        return RollupMismatches(*(ours + theirs for ours, theirs in pairs))

    def __bool__(self) -> bool:
        return any(astuple(self))


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check; `fix` says what to do if the result is not healthy."""

    name: str
    text: str
    fix: str | None = None

    @property
    def healthy(self) -> bool:
        """Tell whether the check passed."""
        return self.fix is None


def status_results(status: DatabaseStatus, now: datetime) -> Iterator[CheckResult]:
    """Yield the results of the checks that read only a little."""
    yield CheckResult("schema", status.schema)
    yield CheckResult("engine", status.engine)
    yield CheckResult("active sessions", f"{status.active_sessions:,}")
    if status.oldest_sign_of_life is not None:
        is_silent = now - status.oldest_sign_of_life > MAX_SILENCE
        text = f"last sign of life: {ago(status.oldest_sign_of_life, now)}"
        fix = "run readwatch serve, which ends it"
        yield CheckResult("oldest open session", text, fix if is_silent else None)
    yield CheckResult("size", format_bytes(status.size))
    if status.file is not None:
        yield from _file_results(status.file, status.size)
    if status.server is not None:
        yield from _server_results(status.server)


def _file_results(file: SQLiteFile, size: int) -> Iterator[CheckResult]:
    is_wal = file.journal_mode == "wal"
    fix = "stop all programs that use the file, and run: readwatch init"
    yield CheckResult("journal mode", file.journal_mode, None if is_wal else fix)
    is_long = file.wal_size > MAX_WAL_BYTES
    fix = "restart the program that keeps a transaction open, such as an old console"
    yield CheckResult("WAL", format_bytes(file.wal_size), fix if is_long else None)
    is_low = file.free < MIN_FREE_BYTES
    yield CheckResult(
        "free on its disk", format_bytes(file.free), "free some space" if is_low else None
    )
    is_sparse = file.unused > max(MIN_UNUSED_BYTES, MAX_UNUSED_SHARE * size)
    fix = "readwatch db vacuum"
    yield CheckResult("unused in the file", format_bytes(file.unused), fix if is_sparse else None)


def _server_results(server: PostgreSQLState) -> Iterator[CheckResult]:
    rows = server.dead_rows
    if rows is None:
        yield CheckResult("dead rows", "none")
    else:
        is_much = rows.dead > max(MIN_DEAD_ROWS, MAX_DEAD_SHARE * rows.live)
        text = f"{rows.dead:,} beside {rows.live:,} in {rows.table}"
        fix = "readwatch db vacuum"
        yield CheckResult("dead rows", text, fix if is_much else None)
    longest = server.longest_transaction
    if longest is not None:
        text = length_of(longest).replace("now", "less than 5 s")
        fix = "end its program; see pg_stat_activity"
        yield CheckResult("longest transaction", text, fix if longest > MAX_TRANSACTION else None)
    is_high = server.used_transaction_ids > MAX_USED_TRANSACTION_IDS
    yield CheckResult(
        "used transaction ids",
        f"{server.used_transaction_ids:.0%}",
        "readwatch db vacuum" if is_high else None,
    )


def full_results(check: FullCheck, mismatches: RollupMismatches | None) -> Iterator[CheckResult]:
    """Yield the results of the checks that read all; without `mismatches` no rollup was checked."""
    if check.damages is not None:
        yield _none_of("damages", check.damages, "restore a backup")
    if check.dangling_rows is not None:
        yield _none_of("dangling rows", check.dangling_rows, "restore a backup")
    for rollup, rows in asdict(mismatches).items() if mismatches is not None else ():
        if rows:
            sentence = counted(rows, "row disagrees", "rows disagree")
            yield CheckResult(rollup, sentence, "readwatch db rebuild")
        else:
            yield CheckResult(rollup, "agrees with the activities")


def sample_results(readers: int, mismatches: RollupMismatches) -> Iterator[CheckResult]:
    """Yield the result for the rollups of a few readers."""
    rows = sum(astuple(mismatches))
    of_readers = f"of {counted(readers, 'reader')}"
    yield CheckResult(
        "rollups",
        f"{counted(rows, 'row disagrees', 'rows disagree')} {of_readers}"
        if rows
        else f"those {of_readers} agree with the activities",
        "readwatch db rebuild" if rows else None,
    )


def log_results(findings: Sequence[str] | None) -> Iterator[CheckResult]:
    """Yield the results for the access log and its triggers; None is a log that was not checked."""
    for finding in findings or ():
        yield CheckResult("access log", finding, "find out who did this; see docs/security.md")
    if findings is not None and not findings:
        yield CheckResult("access log", "has its triggers and its last entry")


def age_results(
    last_backup: datetime | None, last_anchor: datetime | None, now: datetime, *, no_backup: str
) -> Iterator[CheckResult]:
    """Yield the ages of the last backup and the last anchor; `doctor` says which are too old.

    `no_backup` says what it means that none is known.
    """
    yield CheckResult("last backup", no_backup if last_backup is None else _ago(last_backup, now))
    yield CheckResult("last anchor", "never" if last_anchor is None else _ago(last_anchor, now))


def _ago(at: datetime, now: datetime) -> str:
    text = ago(at, now)
    return text if text == "now" else f"{text} ago"


def _none_of(what: str, number: int, fix: str) -> CheckResult:
    return CheckResult(what, f"{number:,}" if number else "none", fix if number else None)


def format_bytes(number: int) -> str:
    """Return a number of bytes in its largest unit: `0 B`, `4.0 KiB`, `1.5 GiB`."""
    size, units = float(number), ["B", "KiB", "MiB", "GiB", "TiB"]
    while size >= 1024 and len(units) > 1:
        size /= 1024
        units.pop(0)
    return f"{size:.0f} B" if units[0] == "B" else f"{size:.1f} {units[0]}"
