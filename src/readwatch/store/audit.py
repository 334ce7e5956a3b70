"""The access log, read: its chain is walked from the first entry to the last, its entries listed.

Entries never change, so the walk is bounded by what was there when it began, and no transaction
is held: who appends meanwhile is not waited for, and does not wait.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import peewee

from readwatch.domain.access_log import kept_hash
from readwatch.domain.audit import (
    Anchor,
    Fault,
    Head,
    Verdict,
    changed,
    contradicted,
    cut_off,
    misplaced,
    removed_meanwhile,
)
from readwatch.domain.errors import not_found
from readwatch.domain.text import SafeText, clean
from readwatch.store import models
from readwatch.store.database import Database, Statement
from readwatch.store.users import kept_form

ENTRIES_AT_ONCE = 10_000

_EXTENT = Statement(
    "SELECT count(*), coalesce(min(id), 0), coalesce(max(id), -1) FROM consultant_access_log"
)
# Not bounded by the last id: PostgreSQL would sort all the rest for each portion of a new table.
# The columns behind the first two in the order of their hash. On PostgreSQL a moment counts only if
# its text is all of it: one with microseconds, or before Christ, is none that was written here.
_ENTRIES = """
    SELECT
        id, row_hash,
        prev_hash, consultant_user_id, action_type, target_user_id, action_details, ip_address,
        {created_at}
    FROM consultant_access_log WHERE id >= :first ORDER BY id LIMIT :length
"""
_TEXT_OF_MOMENT = "to_char(created_at, 'YYYY-MM-DD HH24:MI:SS.MS')"
_IN_ORDER = Statement(
    _ENTRIES.replace("{created_at}", "created_at"),
    postgresql=_ENTRIES.replace(
        "{created_at}",
        f"CASE WHEN CAST({_TEXT_OF_MOMENT} AS timestamptz) = created_at THEN {_TEXT_OF_MOMENT} END",
    ),
)
_AT_OR_AFTER = Statement("SELECT min(id) FROM consultant_access_log WHERE id >= :first")
_WITH_HASH = Statement("SELECT min(id) FROM consultant_access_log WHERE row_hash = :row_hash")
_FOLLOWING = Statement("SELECT min(id) FROM consultant_access_log WHERE prev_hash = :row_hash")
_ACCOUNT = Statement("SELECT id FROM users WHERE lower(email) = :email")


@dataclass(frozen=True, slots=True)
class Extent:
    """What is there at a moment: how many entries, the first and the last id."""

    entries: int
    first: int
    last: int

    @property
    def portions(self) -> int:
        """The number of steps in which it is walked."""
        return -(-self.entries // ENTRIES_AT_ONCE)


def extent(db: Database) -> Extent:
    """Return what there is now."""
    return Extent(*_EXTENT(db).fetchone())


# The chain --------------------------------------------------------------------------------------


def verify(db: Database, anchors: Sequence[Anchor], there: Extent) -> Iterator[Verdict]:
    """Walk the chain and yield, after each portion, how far it is whole; the last one says all.

    `there` has to be asked for after the anchors were read, or they may know of later entries.
    """
    by_entries: dict[int, list[Anchor]] = defaultdict(list)
    for anchor in anchors:
        by_entries[anchor.head.entries].append(anchor)
    verdict, first = Verdict(), there.first
    while first <= there.last and verdict.fault is None:
        verdict = _walked(db, verdict.head, first, there.last, by_entries)
        first = verdict.head.id + 1
        yield verdict
    if verdict.fault is None:
        yield Verdict(verdict.head, cut_off(anchors, verdict.head))


def _walked(
    db: Database, head: Head, first: int, last: int, anchors: Mapping[int, list[Anchor]]
) -> Verdict:
    """Walk one portion, from the id `first` on, behind `head`."""
    begun = head
    try:
        for id_, row_hash, *columns in _IN_ORDER(db, first=first, length=ENTRIES_AT_ONCE):
            if id_ > last:
                break
            if columns[0] != head.row_hash or kept_hash(columns) != row_hash:
                return Verdict(head, _fault(db, head, id_, row_hash, columns))
            head = Head(head.entries + 1, id_, row_hash)
            if head.entries in anchors:
                fault = contradicted(anchors[head.entries], head)
                if fault is not None:
                    return Verdict(head, fault)
    except UnicodeDecodeError:  # SQLite keeps also what is no text
        unread = head.id + 1 if head != begun else first
        return Verdict(head, changed(_AT_OR_AFTER(db, first=unread).fetchone()[0]))
    return Verdict(head, removed_meanwhile(head) if head == begun else None)


def _fault(db: Database, head: Head, id_: int, row_hash: str, columns: Sequence[object]) -> Fault:
    """Find out what is wrong with an entry that does not follow or is not what it was."""
    prev_hash = columns[0]
    if prev_hash == head.row_hash:
        return changed(id_)
    next_id = _FOLLOWING(db, row_hash=head.row_hash).fetchone()[0]
    if kept_hash(columns) == row_hash:
        follows = _WITH_HASH(db, row_hash=prev_hash).fetchone()[0]
    elif next_id is None:
        return changed(id_)
    else:
        follows = None
    return misplaced(head, id_, follows, next_id)


# The entries ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry with the names of those whom it is about, also of deleted accounts."""

    id: int
    created_at: datetime
    consultant_user_id: int
    consultant_email: SafeText
    consultant_name: SafeText
    action_type: SafeText
    target_user_id: int | None
    target_email: SafeText
    target_name: SafeText
    action_details: SafeText
    ip_address: SafeText
    row_hash: SafeText


def account_id(db: Database, email: str) -> int:
    """Return the id of an account by its address, also of a deleted one."""
    row = _ACCOUNT(db, email=kept_form(email)).fetchone()
    if row is None:
        raise not_found("there is no account with this e-mail")
    found: int = row[0]
    return found


def newest(
    db: Database,
    *,
    limit: int,
    before: int | None = None,
    consultant_id: int | None = None,
    reader_id: int | None = None,
) -> tuple[Entry, ...]:
    """Return up to `limit` entries, newest first: of one consultant, about one reader, or all.

    `before` is the id of the last one of the page before.
    """
    log = models.AccessLogEntry
    query = _entries().order_by(log.id.desc()).limit(limit)
    if before is not None:
        query = query.where(log.id < before)
    if consultant_id is not None:
        query = query.where(log.consultant_user == consultant_id)
    if reader_id is not None:
        query = query.where(log.target_user == reader_id)
    return tuple(_made(query.execute(db)))


def oldest_first(db: Database, there: Extent) -> Iterator[tuple[Entry, ...]]:
    """Yield all entries that were there, in portions."""
    log = models.AccessLogEntry
    query = _entries().order_by(log.id).limit(ENTRIES_AT_ONCE)
    first = there.first
    while first <= there.last:
        found = _made(query.where(log.id >= first).execute(db))
        some = tuple(entry for entry in found if entry.id <= there.last)
        if not some:
            return
        yield some
        first = some[-1].id + 1


def _entries() -> Any:
    log, consultant, target = models.AccessLogEntry, models.User.alias(), models.User.alias()
    return (
        log.select(
            log.id,
            log.created_at,
            log.consultant_user,
            consultant.email,
            consultant.full_name,
            log.action_type,
            log.target_user,
            target.email,
            target.full_name,
            log.action_details,
            log.ip_address,
            log.row_hash,
        )
        .join_from(log, consultant, peewee.JOIN.LEFT_OUTER, on=log.consultant_user == consultant.id)
        .join_from(log, target, peewee.JOIN.LEFT_OUTER, on=log.target_user == target.id)
        .tuples()
    )


def _made(rows: Iterable[Any]) -> Iterator[Entry]:
    for row in rows:
        yield Entry(
            id=row[0],
            created_at=row[1],
            consultant_user_id=row[2],
            consultant_email=clean(row[3]),
            consultant_name=clean(row[4]),
            action_type=clean(row[5]),
            target_user_id=row[6],
            target_email=clean(row[7]),
            target_name=clean(row[8]),
            action_details=clean(row[9]),
            ip_address=clean(row[10]),
            row_hash=clean(row[11]),
        )
