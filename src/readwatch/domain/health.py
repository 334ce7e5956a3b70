"""The health checks of a database, and the fix for each."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, astuple, dataclass

from readwatch.domain.plural import counted

MIN_FREE_BYTES = 1 << 30
"""The minimum of free disk space in bytes: one busy day can fill this much."""

MAX_WAL_BYTES = 1 << 30
"""The maximum length of a WAL in bytes: a longer WAL means that a transaction stays open, so that
SQLite cannot truncate the WAL."""


@dataclass(frozen=True, slots=True)
class TableSize:
    """The size of one table with its indexes, in bytes."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class DatabaseStatus:
    """The state of a database, sizes in bytes; None for values that only SQLite has."""

    schema: str
    engine: str
    active_sessions: int
    size: int
    wal_size: int | None
    free: int | None
    damages: int | None
    dangling_rows: int | None
    tables: tuple[TableSize, ...]


@dataclass(frozen=True, slots=True)
class RollupMismatches:
    """The number of rows of each rollup that differ from the activities and sessions."""

    reader_profiles: int = 0
    reader_content_progress: int = 0
    reader_quizzes: int = 0
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


def check_results(
    status: DatabaseStatus, mismatches: RollupMismatches | None
) -> Iterator[CheckResult]:
    """Yield the result of each check; without `mismatches` the rollups are not checked."""
    yield CheckResult("schema", status.schema)
    yield CheckResult("engine", status.engine)
    yield CheckResult("active sessions", f"{status.active_sessions:,}")
    yield CheckResult("size", format_bytes(status.size))
    if status.wal_size is not None:
        is_long = status.wal_size > MAX_WAL_BYTES
        fix = "restart the program that keeps a transaction open, such as an old console"
        yield CheckResult("WAL", format_bytes(status.wal_size), fix if is_long else None)
    if status.free is not None:
        is_low = status.free < MIN_FREE_BYTES
        yield CheckResult(
            "free on its disk", format_bytes(status.free), "free some space" if is_low else None
        )
    if status.damages is not None:
        yield _none_of("damages", status.damages, "restore a backup")
    if status.dangling_rows is not None:
        yield _none_of("dangling rows", status.dangling_rows, "restore a backup")
    for rollup, rows in asdict(mismatches).items() if mismatches is not None else ():
        if rows:
            sentence = counted(rows, "row disagrees", "rows disagree")
            yield CheckResult(rollup, sentence, "readwatch db rebuild")
        else:
            yield CheckResult(rollup, "agrees with the activities")


def log_results(findings: Sequence[str] | None) -> Iterator[CheckResult]:
    """Yield the results for the access log and its triggers; None is a log that was not checked."""
    for finding in findings or ():
        yield CheckResult("access log", finding, "find out who did this; see docs/security.md")
    if findings is not None and not findings:
        yield CheckResult("access log", "has its triggers and its last entry")


def _none_of(what: str, number: int, fix: str) -> CheckResult:
    return CheckResult(what, f"{number:,}" if number else "none", fix if number else None)


def format_bytes(number: int) -> str:
    """Return a number of bytes in its largest unit: `0 B`, `4.0 KiB`, `1.5 GiB`."""
    size, units = float(number), ["B", "KiB", "MiB", "GiB", "TiB"]
    while size >= 1024 and len(units) > 1:
        size /= 1024
        units.pop(0)
    return f"{size:.0f} B" if units[0] == "B" else f"{size:.1f} {units[0]}"
