"""Verification of the hash chain of the access log.

Entries never change, so the verification reads up to the last entry at its start and needs no
transaction: other programs can append at the same time.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from readwatch.domain.audit import columns_hash
from readwatch.domain.audit_chain import (
    Anchor,
    ChainDefect,
    Head,
    Verdict,
    changed,
    contradicted,
    counted_otherwise,
    cut_off,
    misplaced,
    removed_meanwhile,
)
from readwatch.domain.audit_cuts import Cut, unexplained_by, without_removed
from readwatch.store.audit.cuts import first_head, untold_cut
from readwatch.store.audit.entries import CHUNK_ENTRIES, Extent, with_time_text
from readwatch.store.audit.heads import numbered_entries, numbering_defect
from readwatch.store.engine.connections import Database
from readwatch.store.engine.statements import Statement

# Without a bound by the last id: with it PostgreSQL sorts all remaining rows of a new table for
# each chunk. The columns after the first two are in the order of hashing.
_IN_ORDER = with_time_text(
    """
    SELECT
        l.id, l.row_hash,
        l.prev_hash, l.consultant_user_id, l.action_type, l.target_user_id, l.action_details,
        l.ip_address, {created_at}
    FROM consultant_access_log l WHERE l.id >= :first ORDER BY l.id LIMIT :length
    """
)
_AT_OR_AFTER = Statement("SELECT min(id) FROM consultant_access_log WHERE id >= :first")
_WITH_HASH = Statement("SELECT min(id) FROM consultant_access_log WHERE row_hash = :row_hash")
_FOLLOWING = Statement("SELECT min(id) FROM consultant_access_log WHERE prev_hash = :row_hash")
_BEFORE_LAST_GAP = Statement(
    """
    SELECT coalesce(max(l.id), 0) FROM consultant_access_log l
    WHERE l.id < :last_id
    AND NOT EXISTS (SELECT 1 FROM consultant_access_log n WHERE n.id = l.id + 1)
    """
)


def verify(
    db: Database, anchors: Sequence[Anchor], up_to: Extent, cut: Cut | None = None
) -> Iterator[Verdict]:
    """Yield the verdict after each chunk; the last verdict is the verdict on the log.

    Read the extent `up_to` after the anchors: an anchor must not be newer than the extent. `cut` is
    the newest cut of the log, after which the chain begins. The removal of entries before it
    disturbs the verification.
    """
    if cut is not None:
        defect = untold_cut(db, cut) or unexplained_by(cut, anchors)
        if defect is not None:
            yield Verdict(cut.head, defect)
            return
        anchors = (*without_removed(anchors, cut), Anchor(cut.cut_at, cut.head))
    start = first_head(db, cut)
    by_entries: dict[int, list[Anchor]] = defaultdict(list)
    # The number of an anchor is the engine's: after a removal it is not that of the same entry.
    if _count_defect(db, Head(start.entries + up_to.entries, up_to.last)) is None:
        for anchor in anchors:
            by_entries[anchor.head.entries].append(anchor)
    verdict, first = Verdict(start, contradicted(by_entries[start.entries], start)), up_to.first
    if verdict.defect is not None:
        yield verdict
        return
    while first <= up_to.last and verdict.defect is None:
        verdict = _verify_chunk(db, verdict.head, first, up_to.last, by_entries)
        first = verdict.head.id + 1
        yield verdict
    if verdict.defect is None:
        head = verdict.head
        defect = numbering_defect(db) or _count_defect(db, head) or cut_off(anchors, head)
        yield Verdict(head, defect)


def _count_defect(db: Database, head: Head) -> ChainDefect | None:
    """Return the defect of an intact chain with fewer or more entries than the engine numbered."""
    numbered = numbered_entries(db, head)
    if numbered == head.entries:
        return None
    return counted_otherwise(head, numbered, _BEFORE_LAST_GAP.scalar(db, last_id=head.id))


def _verify_chunk(
    db: Database, head: Head, first: int, last: int, anchors: Mapping[int, list[Anchor]]
) -> Verdict:
    """Verify one chunk that begins at the id `first` and follows `head`."""
    start = head
    try:
        for id_, row_hash, *columns in _IN_ORDER(db, first=first, length=CHUNK_ENTRIES):
            if id_ > last:
                break
            if columns[0] != head.row_hash or columns_hash(columns) != row_hash:
                return Verdict(head, _defect(db, head, id_, row_hash, columns))
            head = Head(head.entries + 1, id_, row_hash)
            if head.entries in anchors:
                defect = contradicted(anchors[head.entries], head)
                if defect is not None:
                    return Verdict(head, defect)
    except UnicodeDecodeError:  # SQLite stores bytes that are no text, too
        next_id = head.id + 1 if head != start else first
        return Verdict(head, changed(_AT_OR_AFTER.scalar(db, first=next_id)))
    return Verdict(head, removed_meanwhile(head) if head == start else None)


def _defect(
    db: Database, head: Head, id_: int, row_hash: str, columns: Sequence[object]
) -> ChainDefect:
    """Return the defect of an entry that was changed or does not follow `head`."""
    prev_hash = columns[0]
    if prev_hash == head.row_hash:
        return changed(id_)
    next_id = _FOLLOWING.scalar(db, row_hash=head.row_hash)
    if columns_hash(columns) == row_hash:
        follows = _WITH_HASH.scalar(db, row_hash=prev_hash)
    elif next_id is None:
        return changed(id_)
    else:
        follows = None
    return misplaced(head, id_, follows, next_id)
