"""When a database is healthy, and what to do when it is not."""

from collections.abc import Iterator
from dataclasses import asdict, astuple, dataclass

MIN_FREE_BYTES = 1 << 30
"""With less on its disk a database is not healthy: one busy day can fill that."""

MAX_WAL_BYTES = 1 << 30
"""A longer WAL says that somebody reads on and on, so that SQLite cannot begin it anew."""


@dataclass(frozen=True, slots=True)
class TableSize:
    """What one table takes with its indexes, in bytes."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class DatabaseStatus:
    """How a database is, sizes in bytes; what only SQLite can tell is None on PostgreSQL."""

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
    """How many rows of each rollup are not what the activities and sessions come to."""

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
class Finding:
    """One thing that was looked at; `mend` says what to do when it is not healthy."""

    what: str
    sentence: str
    fix: str | None = None

    @property
    def healthy(self) -> bool:
        """Tell whether nothing has to be done."""
        return self.fix is None


def findings(condition: DatabaseStatus, wrong: RollupMismatches | None) -> Iterator[Finding]:
    """Judge what was found; `wrong` is None where the rollups could not be compared."""
    yield Finding("schema", condition.schema)
    yield Finding("engine", condition.engine)
    yield Finding("active sessions", f"{condition.active_sessions:,}")
    yield Finding("size", in_bytes(condition.size))
    if condition.wal_size is not None:
        long = condition.wal_size > MAX_WAL_BYTES
        mend = "restart the program that reads on and on, such as an old console"
        yield Finding("WAL", in_bytes(condition.wal_size), mend if long else None)
    if condition.free is not None:
        little = condition.free < MIN_FREE_BYTES
        yield Finding("free on its disk", in_bytes(condition.free), "make room" if little else None)
    if condition.damages is not None:
        yield _none_of("damages", condition.damages, "restore a backup")
    if condition.dangling_rows is not None:
        yield _none_of("dangling rows", condition.dangling_rows, "restore a backup")
    for rollup, rows in asdict(wrong).items() if wrong is not None else ():
        if rows:
            sentence = f"{rows:,} {'row disagrees' if rows == 1 else 'rows disagree'}"
            yield Finding(rollup, sentence, "readwatch db rebuild")
        else:
            yield Finding(rollup, "agrees with the activities")


def _none_of(what: str, number: int, mend: str) -> Finding:
    return Finding(what, f"{number:,}" if number else "none", mend if number else None)


def in_bytes(number: int) -> str:
    """Say a number of bytes in its largest unit: `0 B`, `4.0 KiB`, `1.5 GiB`."""
    size, units = float(number), ["B", "KiB", "MiB", "GiB", "TiB"]
    while size >= 1024 and len(units) > 1:
        size /= 1024
        units.pop(0)
    return f"{size:.0f} B" if units[0] == "B" else f"{size:.1f} {units[0]}"
