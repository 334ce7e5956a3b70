"""The hash chain of the access log: its defects, and the anchors that detect a rewritten log.

Each entry's hash covers its content and the hash of the previous entry. After an entry is changed,
removed, inserted or moved, all later hashes have to be computed again to hide the change. A log
rewritten in this way, or cut off at its end, is an intact chain: only an anchor, the head of the
log at an earlier time, reveals the change. Anchors are stored where the owner of the database
cannot write.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from os import SEEK_END
from pathlib import Path

from readwatch.domain.audit import GENESIS
from readwatch.domain.clock import in_utc
from readwatch.domain.errors import invalid
from readwatch.domain.files import owner_only_opener, sync
from readwatch.domain.plural import counted


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a log: its number of entries, and the id and the hash of the last entry."""

    entries: int = 0
    id: int = 0
    row_hash: str = GENESIS


class ChainDefectKind(StrEnum):
    """The kinds of defects of a log."""

    CHANGED = "changed"
    REMOVED = "removed"
    INSERTED = "inserted"
    REORDERED = "reordered"
    CUT_OFF = "cut off"  # shorter than at an anchor, or than the engine has numbered entries
    SET_BACK = "set back"  # the engine has numbered fewer entries than there are
    REWRITTEN = "rewritten"  # another hash than at an anchor


@dataclass(frozen=True, slots=True)
class ChainDefect:
    """The first defect of a log; `id` is the defective entry, or the last one before a gap."""

    kind: ChainDefectKind
    id: int
    message: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The head up to which a log is intact, and the defect that follows, if any."""

    head: Head = Head()
    defect: ChainDefect | None = None


# Defects ----------------------------------------------------------------------------------------


def changed(id_: int) -> ChainDefect:
    """Return the defect of an entry whose content does not give its hash."""
    return ChainDefect(
        ChainDefectKind.CHANGED,
        id_,
        f"entry {id_} was changed: its content does not give its hash",
    )


def misplaced(head: Head, id_: int, follows: int | None, next_id: int | None) -> ChainDefect:
    """Return the defect of the entry `id_`, which is next to `head` but has another `prev_hash`.

    `follows` is the entry whose hash equals that `prev_hash`, and `next_id` the entry whose
    `prev_hash` is the hash of `head`, if there are any. A gap in the ids is not a defect by itself:
    an old log of PostgreSQL may have some.
    """
    if next_id is not None and follows is None:
        return _inserted(id_, next_id, head.id if head.entries else None)
    if next_id is None and follows is not None and follows < id_:
        return _inserted(head.id, id_, follows)
    if follows is not None:
        return ChainDefect(
            ChainDefectKind.REORDERED,
            id_,
            f"entry {id_} was moved: it belongs after entry {follows}",
        )
    if not head.entries:
        return ChainDefect(
            ChainDefectKind.REMOVED,
            id_,
            f"the entries before entry {id_} were removed: it is not the first",
        )
    if id_ == head.id + 1:
        return ChainDefect(
            ChainDefectKind.CHANGED,
            head.id,
            f"entry {head.id} was changed together with its hash, or the next one was removed: "
            f"entry {id_} follows another hash",
        )
    return ChainDefect(
        ChainDefectKind.REMOVED,
        head.id,
        f"an entry between {head.id} and {id_} was removed: they do not follow one another",
    )


def removed_meanwhile(head: Head) -> ChainDefect:
    """Return the defect of entries that were removed while the log was verified."""
    return ChainDefect(
        ChainDefectKind.REMOVED,
        head.id,
        f"entries after entry {head.id} were removed during the check",
    )


def numbered_otherwise(last_id: int, numbered_up_to: int) -> ChainDefect | None:
    """Return the defect of a log whose last id is not the last one that the engine gave."""
    if numbered_up_to == last_id:
        return None
    if numbered_up_to < last_id:
        return ChainDefect(
            ChainDefectKind.SET_BACK,
            last_id,
            f"the counter of the entries was set back to {numbered_up_to}: "
            f"the last entry is {last_id}",
        )
    return ChainDefect(
        ChainDefectKind.CUT_OFF,
        last_id,
        f"the log was cut off after entry {last_id}: the database has numbered entries up to "
        f"{numbered_up_to}",
    )


def counted_otherwise(head: Head, numbered: int, last_before_gap: int) -> ChainDefect:
    """Return the defect of a log with other than the `numbered` entries up to `head`.

    `last_before_gap` is the entry before the last gap in the ids.
    """
    if numbered < head.entries:
        return ChainDefect(
            ChainDefectKind.SET_BACK,
            head.id,
            f"the counter of the entries was set back to {numbered:,}: "
            f"the log has {head.entries:,} entries",
        )
    removed = f"entries after entry {last_before_gap}" if last_before_gap else "the first entries"
    return ChainDefect(
        ChainDefectKind.REMOVED,
        last_before_gap,
        f"{removed} were removed before others were appended: the log has {head.entries:,} "
        f"entries, and the database has numbered {numbered:,}",
    )


def _inserted(id_: int, next_id: int, before: int | None) -> ChainDefect:
    position = "is the first one" if before is None else f"follows entry {before}"
    return ChainDefect(
        ChainDefectKind.INSERTED, id_, f"entry {id_} was inserted: entry {next_id} {position}"
    )


# Anchors ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Anchor:
    """The head of a log at some time; that of a restored backup ends earlier ones, and that of a
    cut is the last entry that a purge has removed."""

    anchored_at: datetime
    head: Head
    is_of_restore: bool = False
    is_of_cut: bool = False

    @property
    def line(self) -> str:
        """The anchor as a line of a file: time, number of entries, id and hash of the last one, and
        the word `restored` for that of a restored backup, `cut` for that of a cut."""
        head = self.head
        anchored_at = in_utc(self.anchored_at).isoformat(timespec="seconds")
        mark = f"{' restored' if self.is_of_restore else ''}{' cut' if self.is_of_cut else ''}"
        return f"{anchored_at} {head.entries} {head.id} {head.row_hash}{mark}\n"


_LINE = re.compile(r"(\S+) (\d{1,18}) (-?\d{1,19}) ([0-9a-f]{64})( restored)?( cut)?\n", re.ASCII)


_LONGEST_LINE = 512  # bytes, more than an anchor can have


def parsed_anchors(text: str) -> tuple[Anchor, ...]:
    """Return the anchors in the text of a file; a malformed line is an error with its number."""
    return tuple(
        _parsed(line, number) for number, line in enumerate(text.splitlines(keepends=True), 1)
    )


def read_anchors(file: Path) -> tuple[Anchor, ...]:
    """Return the anchors in a file; OSError if it cannot be read."""
    return parsed_anchors(file.read_bytes().decode("ascii", errors="replace"))


def last_anchor(file: Path) -> Anchor | None:
    """Return the last anchor in a file of any length; None if there is no file, or an empty one.

    OSError if it cannot be read, and an error if its last line is not an anchor.
    """
    try:
        with open(file, "rb") as lines:
            lines.seek(max(0, lines.seek(0, SEEK_END) - _LONGEST_LINE))
            end = lines.read().decode("ascii", errors="replace")
    except FileNotFoundError:
        return None
    anchors = end.splitlines(keepends=True)
    return parsed_anchors(anchors[-1])[0] if anchors else None


def append_anchor(file: Path, anchor: Anchor) -> None:
    """Append an anchor to a file, on disk when this returns; a new file is for its owner only."""
    with open(file, "a", encoding="ascii", opener=owner_only_opener) as lines:
        lines.write(anchor.line)
        sync(lines)


def _parsed(line: str, number: int) -> Anchor:
    match = _LINE.fullmatch(line)
    try:
        if match is not None:
            time, entries, id_, row_hash, *marks = match.groups()
            anchored_at = in_utc(datetime.fromisoformat(time))
            return Anchor(anchored_at, Head(int(entries), int(id_), row_hash), *map(bool, marks))
    except ValueError:
        pass
    raise invalid(f"line {number} is not an anchor: time, entries, id and hash are expected")


@dataclass(frozen=True, slots=True)
class Gap:
    """The entries that a restored backup did not contain: all after its last one.

    `head` is the entry that says so, the first one after the restore, and `replaced_entries` the
    length of the log before the restore, if it is known.
    """

    restored_at: datetime
    head: Head
    replaced_entries: int | None

    @property
    def restored_entries(self) -> int:
        """The number of entries that the backup contained."""
        return self.head.entries - 1

    @property
    def sentence(self) -> str:
        """Say what is missing, and which entry says so."""
        return (
            f"{self._lost} missing after entry number {self.restored_entries:,}: entry "
            f"{self.head.id} says that a backup was restored at "
            f"{self.restored_at:%Y-%m-%d %H:%M:%S} UTC"
        )

    @property
    def _lost(self) -> str:
        lost = (self.replaced_entries or 0) - self.restored_entries
        if lost < 0 or self.replaced_entries is None:
            return "an unknown number of entries is"
        return counted(lost, "entry is", "entries are")


def without_lost(
    anchors: Sequence[Anchor],
    gaps: Iterable[Gap],
    contains: Callable[[Head], bool],
    cut: Head | None = None,
) -> tuple[Anchor, ...]:
    """Return the anchors of one file without those of entries that a restore has lost.

    Only a restore that has added its own anchor to the file counts: whoever can write only the
    database cannot explain away an anchor. Of the anchors before it, those stay that the log
    contains. The entry of the restore may be gone by now: before the cut, if its anchor is there.
    """
    heads = {gap.head for gap in gaps}
    if cut is not None and any(each.is_of_cut and each.head == cut for each in anchors):
        heads |= {
            each.head for each in anchors if each.is_of_restore and each.head.entries <= cut.entries
        }
    restores = [
        index
        for index, anchor in enumerate(anchors)
        if anchor.is_of_restore and anchor.head in heads
    ]
    last = max(restores, default=0)
    return (*(anchor for anchor in anchors[:last] if contains(anchor.head)), *anchors[last:])


def missing_anchor(anchor: Anchor) -> str:
    """Return the sentence about an anchor whose entry is not in the log."""
    return (
        f"the access log was cut off or rewritten: entry {anchor.head.id}, its last one at "
        f"{_time_text(anchor)}, is missing"
    )


def contradicted(anchors: Iterable[Anchor], head: Head) -> ChainDefect | None:
    """Return the defect of a log whose hash differs from an anchor with the same entry count.

    The ids may differ: an import can number the same entries differently.
    """
    for anchor in anchors:
        if anchor.head.row_hash != head.row_hash:
            return ChainDefect(
                ChainDefectKind.REWRITTEN,
                head.id,
                f"entry {head.id}, number {head.entries:,}, differs from the anchor of "
                f"{_time_text(anchor)}: it or one before it was changed, with all hashes since",
            )
    return None


def cut_off(anchors: Iterable[Anchor], head: Head) -> ChainDefect | None:
    """Return the defect of a log that ends at `head` with fewer entries than an anchor."""
    longest = max(anchors, key=lambda anchor: anchor.head.entries, default=None)
    if longest is None or longest.head.entries <= head.entries:
        return None
    return ChainDefect(
        ChainDefectKind.CUT_OFF,
        head.id,
        f"the log was cut off after entry {head.id}: it had {longest.head.entries:,} entries at "
        f"the anchor of {_time_text(longest)}, and has {head.entries:,}",
    )


def _time_text(anchor: Anchor) -> str:
    return f"{anchor.anchored_at:%Y-%m-%d %H:%M:%S} UTC"
