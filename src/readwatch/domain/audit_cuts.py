"""Cuts of the access log: a purge removes its oldest entries, and the chain goes on from there.

The database says where the log was cut, and so do an entry of the log and, outside of the database,
a marked anchor: whoever can write only the database cannot explain away removed entries.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from readwatch.domain.audit_chain import Anchor, ChainDefect, ChainDefectKind, Head
from readwatch.domain.plural import counted

LEAST_AGE = timedelta(days=90)
"""No cut removes an entry that is younger; a trigger refuses it, with a day less."""

CLOCK_TOLERANCE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Cut:
    """Where the log was cut: `head` is the last removed entry, with the number of all entries up to
    it, and `entry_id` the entry that says so."""

    head: Head
    entry_id: int
    cut_at: datetime

    @property
    def sentence(self) -> str:
        """Say what was removed, and which entry says so."""
        removed = counted(self.head.entries, "entry was", "entries were")
        return (
            f"{removed} removed, up to entry {self.head.id}: entry {self.entry_id} says that the "
            f"log was cut at {_time_text(self.cut_at)}"
        )

    def is_told_by(self, details: str | None) -> bool:
        """Tell whether these are the details of its entry."""
        return (details or "").startswith(f"{details_of_cut(self.head)},")


def details_of_cut(head: Head) -> str:
    """Return how the details of the entry of a cut begin; a comma follows."""
    entries = counted(head.entries, "entry", "entries")
    return f"cli, {entries} up to {head.id} with the hash {head.row_hash}"


def untold(cut: Cut) -> ChainDefect:
    """Return the defect of a cut without its entry."""
    return ChainDefect(
        ChainDefectKind.REMOVED,
        cut.head.id,
        f"the entries up to entry {cut.head.id} were removed, and entry {cut.entry_id} does not "
        "say so",
    )


def without_removed(anchors: Iterable[Anchor], cut: Cut | None) -> tuple[Anchor, ...]:
    """Return the anchors of entries that no cut has removed, and those at the cut."""
    removed = 0 if cut is None else cut.head.entries
    return tuple(anchor for anchor in anchors if anchor.head.entries >= removed)


def unexplained_by(cut: Cut, anchors: Sequence[Anchor]) -> ChainDefect | None:
    """Return the defect of a cut that contradicts anchors of removed entries.

    If there are such anchors, there has to be the marked one of the cut; and none of them may be
    as young as an entry that a purge keeps. Only that of the last removed entry may: it was the
    last one until the next was appended.
    """
    removed = [
        anchor
        for anchor in anchors
        # That of an earlier cut has the time at which its old entry was removed.
        if anchor.head.entries <= cut.head.entries and not anchor.is_of_cut
    ]
    if not removed:
        return None
    if not any(anchor.is_of_cut and anchor.head == cut.head for anchor in anchors):
        return ChainDefect(
            ChainDefectKind.REMOVED,
            cut.head.id,
            f"the entries up to entry {cut.head.id} were removed, and no anchor says that the log "
            "was cut there; if a purge with another file of anchors did so, compare with that file",
        )
    ends = (anchor for anchor in removed if anchor.head.entries < cut.head.entries)
    newest = max(ends, key=lambda anchor: anchor.anchored_at, default=None)
    if newest is None or explains(cut, newest):
        return None
    return ChainDefect(
        ChainDefectKind.REMOVED,
        cut.head.id,
        f"the entries up to entry {cut.head.id} were removed, and one of them, entry "
        f"{newest.head.id}, was the last one at {_time_text(newest.anchored_at)}: a purge at "
        f"{_time_text(cut.cut_at)} keeps entries of that time",
    )


def explains(cut: Cut, anchor: Anchor) -> bool:
    """Tell whether a cut can have removed the entry of an anchor, which was the last one then."""
    is_old = anchor.anchored_at <= cut.cut_at - LEAST_AGE + CLOCK_TOLERANCE
    is_removed = anchor.head.entries < cut.head.entries or anchor.head == cut.head
    return is_old and is_removed


def _time_text(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
