"""Cuts of the access log: where it begins after its oldest entries were removed, and the removal.

A cut is recorded in the transaction of its entry. Only then can the engine delete entries before
it, which happens in chunks; after an interruption the rest is deleted later.
"""

import time
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

import peewee

from readwatch.domain.audit import AuditAction, AuditEvent, columns_hash
from readwatch.domain.audit_chain import Anchor, ChainDefect, Head
from readwatch.domain.audit_cuts import CLOCK_TOLERANCE, Cut, explains, untold
from readwatch.domain.errors import conflict
from readwatch.domain.table_files import TableRow
from readwatch.store.audit.entries import with_time_text
from readwatch.store.audit.heads import contains
from readwatch.store.audit.log import append_in_transaction
from readwatch.store.engine.connections import Database
from readwatch.store.engine.statements import Statement
from readwatch.store.engine.times import from_db_time, to_db_time

CHUNK_ENTRIES = 1000
"""The number of entries that one transaction deletes; other writes wait for the transaction."""

NEAR = timedelta(days=7)
"""A cut is at an anchor if there is one so near to the last entry that it could remove."""

COPIED = (
    "id",
    "prev_hash",
    "consultant_user_id",
    "action_type",
    "target_user_id",
    "action_details",
    "ip_address",
    "created_at",
    "row_hash",
)
"""The columns of a copy of removed entries. All but the first and the last are hashed, in this
order, so that the chain can be verified from the copy alone."""

_NEWEST = Statement(
    """
    SELECT last_id, entries, row_hash, entry_id, cut_at
    FROM access_log_cuts ORDER BY last_id DESC LIMIT 1
    """
)
_ENTRY = Statement(
    """
    SELECT action_type, action_details, created_at FROM consultant_access_log WHERE id = :entry_id
    """
)
_LAST_TIME = Statement("SELECT created_at FROM consultant_access_log ORDER BY id DESC LIMIT 1")
_RECORD = Statement(
    """
    INSERT INTO access_log_cuts (last_id, entries, row_hash, entry_id, cut_at)
    VALUES (:last_id, :entries, :row_hash, :entry_id, :cut_at)
    """
)
_COUNT_LEFT = Statement("SELECT count(*) FROM consultant_access_log WHERE id <= :last_id")
# One statement, because a purge may delete them meanwhile.
_LEFT = Statement(
    """
    SELECT
        count(*) AS entries, min(id) AS first,
        (SELECT prev_hash FROM consultant_access_log ORDER BY id LIMIT 1) AS prev_hash
    FROM consultant_access_log WHERE id <= :last_id
    """
)
# From the first entry on, whatever the times of later ones: a clock may have been wrong.
_FIRST_YOUNG = Statement(
    "SELECT id FROM consultant_access_log WHERE +created_at > :before ORDER BY id LIMIT 1",
    postgresql="""
    SELECT id FROM consultant_access_log WHERE created_at > :before ORDER BY id LIMIT 1
    """,
)
_LAST_BEFORE = Statement(
    """
    SELECT id, row_hash, created_at FROM consultant_access_log
    WHERE id < :first_young ORDER BY id DESC LIMIT 1
    """
)
_AT = Statement("SELECT row_hash, created_at FROM consultant_access_log WHERE id = :id")
_COUNT = Statement(
    "SELECT count(*) FROM consultant_access_log WHERE id > :after AND id <= :last_id"
)
_COPIED = with_time_text(
    """
    SELECT
        l.id, l.prev_hash, l.consultant_user_id, l.action_type, l.target_user_id, l.action_details,
        l.ip_address, {created_at} AS created_at, l.row_hash
    FROM consultant_access_log l WHERE l.id > :after ORDER BY l.id LIMIT :length
    """
)
_DELETE = Statement(
    """
    DELETE FROM consultant_access_log WHERE id IN (
        SELECT id FROM consultant_access_log WHERE id <= :last_id ORDER BY id LIMIT :most
    ) RETURNING id
    """
)
_AFTER_ALL = 2**63 - 1


# Where the log begins ---------------------------------------------------------------------------


def newest_cut(db: Database) -> Cut | None:
    """Return the cut after which the log goes on; None if it was never cut."""
    row = _NEWEST.one_or_none(db)
    if row is None:
        return None
    head = Head(row.entries, row.last_id, row.row_hash)
    return Cut(head, row.entry_id, from_db_time(row.cut_at))


def untold_cut(db: Database, cut: Cut) -> ChainDefect | None:
    """Return the defect of a cut that no entry of the log tells of."""
    try:
        entry = _ENTRY.one_or_none(db, entry_id=cut.entry_id)
        is_told = (
            entry is not None
            and entry.action_type == AuditAction.CUT_ACCESS_LOG
            and from_db_time(entry.created_at) == cut.cut_at
            and cut.is_told_by(entry.action_details)
        )
    except (TypeError, ValueError, AttributeError):  # changed to what no program writes
        is_told = False
    return None if is_told else untold(cut)


def first_head(db: Database, cut: Cut | None) -> Head:
    """Return the head that the first entry of the log follows.

    An interrupted removal has left some entries before the cut, which follow one another up to it.
    """
    if cut is None:
        return Head()
    try:
        left = _LEFT.one_or_none(db, last_id=cut.head.id)
    except UnicodeDecodeError:  # SQLite stores bytes that are no text, too
        return Head(row_hash="")  # which no entry follows
    if not left.entries:
        return cut.head
    return Head(cut.head.entries - left.entries, left.first - 1, left.prev_hash)


def is_missing(db: Database, anchor: Anchor) -> bool:
    """Tell whether the log lacks what was its end once, and no cut explains that.

    A cut of the future explains nothing: the last entry has a time of today, if somebody has just
    logged in.
    """
    cut = newest_cut(db)
    if cut is None or cut.head.entries < anchor.head.entries:
        return not contains(db, anchor.head)
    if untold_cut(db, cut) is not None or not explains(cut, anchor):
        return True
    last_at = from_db_time(_LAST_TIME.scalar(db))
    return cut.cut_at > last_at + CLOCK_TOLERANCE


# Cutting ----------------------------------------------------------------------------------------


def place_of_cut(db: Database, before: datetime, anchors: Iterable[Anchor]) -> Head | None:
    """Return the last entry that a cut could remove: it and all entries before it are not younger
    than `before`. None if there is nothing to remove.

    If there is an anchor near to it, it is the last entry of that anchor, which other copies of the
    anchors have too.
    """
    young = _FIRST_YOUNG.one_or_none(db, before=to_db_time(before))
    last = _LAST_BEFORE.one_or_none(db, first_young=_AFTER_ALL if young is None else young.id)
    cut = newest_cut(db)
    after = Head() if cut is None else cut.head
    if last is None or last.id <= after.id:
        return None
    id_, row_hash = last.id, last.row_hash
    ids = {anchor.head.id: anchor.head for anchor in anchors if after.id < anchor.head.id <= id_}
    if ids:
        head = ids[max(ids)]
        entry = _AT.one_or_none(db, id=head.id)
        is_near = entry and from_db_time(entry.created_at) > from_db_time(last.created_at) - NEAR
        if is_near and entry.row_hash == head.row_hash:
            id_, row_hash = head.id, head.row_hash
    return Head(after.entries + _COUNT.scalar(db, after=after.id, last_id=id_), id_, row_hash)


def removable(db: Database, head: Head) -> Iterator[list[TableRow]]:
    """Yield the entries that a cut at `head` removes, with the columns `COPIED`, in chunks.

    A conflict if they are not a chain that ends there.
    """
    start = first_head(db, newest_cut(db))
    last_id, row_hash = start.id, start.row_hash
    while last_id < head.id:
        chunk: list[TableRow] = []
        for row in _COPIED(db, after=last_id, length=CHUNK_ENTRIES):
            id_, *columns, own_hash = row
            if id_ > head.id:
                break
            if columns[0] != row_hash or columns_hash(columns) != own_hash:
                raise conflict(f"entry {id_} of the access log does not follow the one before it")
            last_id, row_hash = id_, own_hash
            chunk.append(tuple(row))
        if not chunk:
            raise conflict(f"entries after entry {last_id} of the access log are missing")
        yield chunk
    if row_hash != head.row_hash:
        raise conflict(f"entry {head.id} of the access log has another hash than before")


def record_cut(db: Database, head: Head, event: AuditEvent, now: datetime) -> Cut:
    """Log a cut as the last entry, record it, and commit both; from then on the engine can delete
    the entries up to `head`. A conflict if one of them is young by the clock of the database."""
    try:
        with db.atomic():
            entry_id = append_in_transaction(db, event, now)
            _RECORD(
                db,
                last_id=head.id,
                entries=head.entries,
                row_hash=head.row_hash,
                entry_id=entry_id,
                cut_at=to_db_time(now),
            )
    except peewee.IntegrityError:
        raise conflict(
            "nothing was removed: the database refuses the cut; if its machine has another time "
            "than this one, correct the clocks"
        ) from None
    return Cut(head, entry_id, from_db_time(to_db_time(now)))


def entries_before(db: Database, cut: Cut) -> int:
    """Return how many entries before a cut are not deleted yet."""
    return int(_COUNT_LEFT.scalar(db, last_id=cut.head.id))


def delete_before(db: Database, cut: Cut) -> Iterator[int]:
    """Delete the entries before a cut, oldest first, and yield the number of each chunk.

    Pauses after each chunk for as long as the chunk took, so that other programs can write.
    """
    while True:
        began = time.monotonic()
        with db.atomic():
            deleted = len(_DELETE(db, last_id=cut.head.id, most=CHUNK_ENTRIES).fetchall())
        if not deleted:
            return
        yield deleted
        time.sleep(time.monotonic() - began)
