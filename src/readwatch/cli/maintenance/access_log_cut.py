"""The cut of the access log: its oldest entries are checked, copied and removed.

At each step an interruption leaves a log that `audit verify` finds intact.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from itertools import chain as concatenated
from pathlib import Path

from readwatch.cli.anchor_log import anchors_in, open_anchor_log
from readwatch.cli.files import new_text_file, unwritable
from readwatch.cli.operator import cli_event
from readwatch.cli.output import with_progress
from readwatch.domain.audit import AuditAction
from readwatch.domain.audit_chain import Anchor, Head, append_anchor, without_lost
from readwatch.domain.audit_cuts import Cut, details_of_cut
from readwatch.domain.clock import system_clock
from readwatch.domain.errors import conflict
from readwatch.domain.plural import counted
from readwatch.domain.table_files import write_json_lines
from readwatch.store.audit import chain, cuts, entries, heads
from readwatch.store.audit import log as audit_log
from readwatch.store.audit.gaps import gaps
from readwatch.store.engine.catalogue import schema_differences
from readwatch.store.engine.connections import Database


@dataclass(frozen=True, slots=True)
class PlannedCut:
    """The last entry that a cut will remove, and the number of entries that it removes."""

    head: Head
    entries: int


@dataclass(frozen=True, slots=True)
class FinishedCut:
    """A cut whose entries are deleted, with the file of their copy."""

    cut: Cut
    entries: int
    copy: Path | None

    @property
    def sentence(self) -> str:
        """Say what was removed."""
        copied = "" if self.copy is None else f"; they are in {self.copy}"
        removed = counted(self.entries, "entry", "entries")
        return f"removed {removed} of the access log, up to entry {self.cut.head.id}{copied}"

    def as_json(self) -> dict[str, object]:
        """Return it for `--json`."""
        copy = None if self.copy is None else str(self.copy)
        return {"entries": self.entries, "head": asdict(self.cut.head), "copy": copy}


def planned_cut(db: Database, before: datetime, anchor_log: Path) -> PlannedCut | None:
    """Return the cut that removes the entries from before a time; None if there are none."""
    head = cuts.place_of_cut(db, before, anchors_in(anchor_log))
    if head is None:
        return None
    newest = cuts.newest_cut(db)
    return PlannedCut(head, head.entries - (0 if newest is None else newest.head.entries))


def cut_access_log(
    db: Database,
    planned: PlannedCut,
    acting_id: int,
    *,
    anchor_log: Path,
    copy: Path | None,
) -> FinishedCut:
    """Check the log, write the copy, and cut the log; a log with a defect is not cut.

    `db` has the role of purges and the lock of maintenance. The anchor comes before the entry: an
    anchor of a cut that did not happen is an anchor like others.
    """
    _require_intact(db, anchor_log)
    open_anchor_log(anchor_log)
    if copy is not None:
        _write_copy(db, planned, acting_id, copy)
    now = system_clock()
    _append(anchor_log, Anchor(now, planned.head, is_of_cut=True))
    copied = "no copy" if copy is None else f"copied to {copy.name}"
    event = cli_event(
        actor_id=acting_id,
        action_type=AuditAction.CUT_ACCESS_LOG,
        details=f"{details_of_cut(planned.head)}, {copied}",
    )
    cut = cuts.record_cut(db, planned.head, event, now)
    finish_removal(db)
    return FinishedCut(cut, planned.entries, copy)


def finish_removal(db: Database) -> int:
    """Delete the entries before the newest cut; return how many there were."""
    cut = cuts.newest_cut(db)
    left = 0 if cut is None else cuts.entries_before(db, cut)
    if cut is None or not left:
        return 0
    total = -(-left // cuts.CHUNK_ENTRIES)
    return sum(with_progress(cuts.delete_before(db, cut), "Deleting entries", total))


def _require_intact(db: Database, anchor_log: Path) -> None:
    for difference in schema_differences(db):
        raise conflict(f"the access log was not cut, because the schema was changed: {difference}")
    cut, contains = cuts.newest_cut(db), partial(heads.contains, db)
    anchors = without_lost(anchors_in(anchor_log), gaps(db), contains, cut.head if cut else None)
    extent = entries.extent(db)
    steps = chain.verify(db, anchors, extent, cut)
    *_, verdict = with_progress(steps, "Checking the access log", extent.chunks + 1)
    if verdict.defect is not None:
        raise conflict(
            f"the access log was not cut, because it is not intact: {verdict.defect.message}"
        )


def _write_copy(db: Database, planned: PlannedCut, acting_id: int, copy: Path) -> None:
    """Log the copy and write it, one JSON object for each entry."""
    with new_text_file(copy) as text:
        event = cli_event(
            actor_id=acting_id,
            action_type=AuditAction.EXPORTED_ACCESS_LOG,
            details=f"cli, purge, jsonl, rows {planned.entries}",
        )
        audit_log.log_event(db, event, system_clock())
        chunks = with_progress(
            cuts.removable(db, planned.head),
            "Copying entries",
            -(-planned.entries // cuts.CHUNK_ENTRIES),
        )
        write_json_lines(text, cuts.COPIED, concatenated.from_iterable(chunks))


def _append(anchor_log: Path, anchor: Anchor) -> None:
    try:
        append_anchor(anchor_log, anchor)
    except OSError as error:
        raise unwritable(anchor_log, error) from None
