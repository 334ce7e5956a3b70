"""What the chain of the access log proves, and what is said about one that is not whole.

Each entry's hash covers its content and the hash before it, so whoever changes, removes, inserts or
moves entries has to compute all later hashes anew. What that gives is whole again, and a log that
was cut off at its end is whole as well: both are seen only by somebody who knows how far the log
was once. Anchors are that knowledge, kept where the one who owns the database cannot write.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from readwatch.domain.audit import GENESIS
from readwatch.domain.clock import in_utc
from readwatch.domain.errors import invalid


@dataclass(frozen=True, slots=True)
class Head:
    """How far a log goes: how many entries it has, and the id and the hash of the last one."""

    entries: int = 0
    id: int = 0
    row_hash: str = GENESIS


class ChainFaultKind(StrEnum):
    """What can be wrong with a log."""

    CHANGED = "changed"
    REMOVED = "removed"
    INSERTED = "inserted"
    REORDERED = "reordered"
    CUT_OFF = "cut off"  # shorter than an anchor says
    REWRITTEN = "rewritten"  # not what an anchor says


@dataclass(frozen=True, slots=True)
class ChainFault:
    """The first thing that is wrong; `id` is the entry in question, or the one after which some
    are missing."""

    kind: ChainFaultKind
    id: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """How far a log is whole, and what is wrong behind that."""

    head: Head = Head()
    fault: ChainFault | None = None


# Faults -----------------------------------------------------------------------------------------


def changed(id_: int) -> ChainFault:
    """Return the fault of an entry that does not say what its hash was made of."""
    return ChainFault(
        ChainFaultKind.CHANGED, id_, f"entry {id_} was changed: what it says does not give its hash"
    )


def misplaced(head: Head, id_: int, follows: int | None, next_id: int | None) -> ChainFault:
    """Return the fault of an entry that does not follow `head`, although it stands behind it.

    `follows` is the entry that it does follow and `next_id` the one that follows `head`, where
    there are such. Ids that are missing are no fault by themselves: PostgreSQL skips some.
    """
    if next_id is not None and follows is None:
        return _inserted(id_, next_id, head.id if head.entries else None)
    if next_id is None and follows is not None and follows < id_:
        return _inserted(head.id, id_, follows)
    if follows is not None:
        return ChainFault(
            ChainFaultKind.REORDERED,
            id_,
            f"entry {id_} was moved: it belongs behind entry {follows}",
        )
    if not head.entries:
        return ChainFault(
            ChainFaultKind.REMOVED,
            id_,
            f"what stood before entry {id_} was removed: it is not the first",
        )
    if id_ == head.id + 1:
        return ChainFault(
            ChainFaultKind.CHANGED,
            head.id,
            f"entry {head.id} was changed and its hash with it, or what came next was removed: "
            f"entry {id_} follows another hash",
        )
    return ChainFault(
        ChainFaultKind.REMOVED,
        head.id,
        f"an entry between {head.id} and {id_} was removed: they do not follow one another",
    )


def removed_meanwhile(head: Head) -> ChainFault:
    """Return the fault of entries that were there when the walk began and are not any more."""
    return ChainFault(
        ChainFaultKind.REMOVED, head.id, f"entries after entry {head.id} were removed just now"
    )


def _inserted(id_: int, next_id: int, before: int | None) -> ChainFault:
    place = "is the first one" if before is None else f"follows entry {before}"
    return ChainFault(
        ChainFaultKind.INSERTED, id_, f"entry {id_} was inserted: entry {next_id} {place}"
    )


# Anchors ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Anchor:
    """What a log's head was at a moment."""

    moment: datetime
    head: Head

    @property
    def line(self) -> str:
        """The anchor as a line of a file: moment, number of entries, id and hash of the last."""
        head = self.head
        moment = in_utc(self.moment).isoformat(timespec="seconds")
        return f"{moment} {head.entries} {head.id} {head.row_hash}\n"


_LINE = re.compile(r"(\S+) (\d{1,18}) (-?\d{1,19}) ([0-9a-f]{64})\n", re.ASCII)


def parsed_anchors(text: str) -> tuple[Anchor, ...]:
    """Return the anchors in the text of a file; an odd line is refused and named."""
    return tuple(
        _parsed(line, number) for number, line in enumerate(text.splitlines(keepends=True), 1)
    )


def _parsed(line: str, number: int) -> Anchor:
    found = _LINE.fullmatch(line)
    try:
        if found is not None:
            moment, entries, id_, row_hash = found.groups()
            anchored_at = in_utc(datetime.fromisoformat(moment))
            return Anchor(anchored_at, Head(int(entries), int(id_), row_hash))
    except ValueError:
        pass
    raise invalid(f"line {number} of the anchors is none: moment, entries, id, hash are expected")


def contradicted(anchors: Iterable[Anchor], head: Head) -> ChainFault | None:
    """Return the fault of a log whose head, at as many entries as anchors tell, has another hash.

    Its id may be another: entries that are numbered anew say the same.
    """
    for anchor in anchors:
        if anchor.head.row_hash != head.row_hash:
            return ChainFault(
                ChainFaultKind.REWRITTEN,
                head.id,
                f"entry {head.id}, number {head.entries:,}, is not what the anchor of "
                f"{_said(anchor)} says: it or one before it was changed, with all hashes since",
            )
    return None


def cut_off(anchors: Iterable[Anchor], head: Head) -> ChainFault | None:
    """Return the fault of a log that ends at `head`, although an anchor knows it to be longer."""
    longest = max(anchors, key=lambda anchor: anchor.head.entries, default=None)
    if longest is None or longest.head.entries <= head.entries:
        return None
    return ChainFault(
        ChainFaultKind.CUT_OFF,
        head.id,
        f"the log was cut off after entry {head.id}: it had {longest.head.entries:,} entries at "
        f"the anchor of {_said(longest)}, and has {head.entries:,}",
    )


def _said(anchor: Anchor) -> str:
    return f"{anchor.moment:%Y-%m-%d %H:%M:%S} UTC"
