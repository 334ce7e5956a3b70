"""Backups of a SQLite database: what a copy contains, and whether it is complete."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from readwatch.domain.audit_chain import Head
from readwatch.domain.plural import counted
from readwatch.store.audit import chain, cuts, entries
from readwatch.store.engine.connections import Database
from readwatch.store.engine.privileges import TABLES
from readwatch.store.engine.statements import Statement
from readwatch.store.lifecycle.health import damages, dangling_rows

_TABLES = Statement("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")


@dataclass(frozen=True, slots=True)
class Contents:
    """What a check has found in a copy so far: the rows of each table, the head of its access log,
    and one sentence for each defect."""

    rows: Mapping[str, int] = field(default_factory=dict)
    head: Head = field(default_factory=Head)
    defects: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """Say what it contains, after the check."""
        return (
            f"{counted(self.rows['users'], 'account')}, "
            f"{counted(self.rows['reader_activities'], 'activity', 'activities')}, "
            f"{counted(self.head.entries, 'entry', 'entries')} of the access log"
        )


def check(copy: Database) -> Iterator[Contents]:
    """Check all of a copy, and yield what is known after each step; the last one is complete.

    Requires the role of the owner, because the rows of all tables are counted. The check ends with
    the first defect.
    """
    if number := damages(copy):
        yield Contents(defects=(f"SQLite finds {counted(number, 'damage')} in it",))
        return
    yield Contents()
    if dangling := dangling_rows(copy):
        sentence = counted(dangling, "row refers", "rows refer")
        yield Contents(defects=(f"{sentence} to rows that do not exist",))
        return
    tables = {row.name for row in _TABLES.all(copy)} & set(TABLES)
    # A backup of an older version has no cuts.
    cut = cuts.newest_cut(copy) if "access_log_cuts" in tables else None
    head = Head() if cut is None else cut.head
    for verdict in chain.verify(copy, (), entries.extent(copy), cut):
        head = verdict.head
        yield Contents(head=head, defects=(verdict.defect.message,) if verdict.defect else ())
        if verdict.defect:
            return
    rows = {table: _count(copy, table) for table in sorted(tables)}
    yield Contents(rows, head)


def _count(copy: Database, table: str) -> int:
    return int(Statement(f"SELECT count(*) FROM {table}").scalar(copy))  # noqa: S608
