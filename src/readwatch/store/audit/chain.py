"""Verification of the hash chain, and lists of the entries of the access log.

Entries never change, so these functions read up to the last entry at their start and need no
transaction: other programs can append at the same time.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import Any, NamedTuple

from readwatch.domain.audit import columns_hash
from readwatch.domain.audit_chain import (
    Anchor,
    ChainDefect,
    Head,
    Verdict,
    changed,
    contradicted,
    cut_off,
    misplaced,
    removed_meanwhile,
)
from readwatch.domain.errors import ReadwatchError, conflict, not_found
from readwatch.domain.text import SafeText, clean
from readwatch.domain.users import normalised_email
from readwatch.store.audit.log import LoggedListAccess
from readwatch.store.engine.connections import Database
from readwatch.store.engine.statements import Statement
from readwatch.store.engine.times import from_db_time

CHUNK_ENTRIES = 10_000

_EXTENT = Statement(
    """
    SELECT count(*) AS entries, coalesce(min(id), 0) AS first, coalesce(max(id), -1) AS last
    FROM consultant_access_log
    """
)
# On PostgreSQL the text is compared with the stored time: this program writes no time with
# microseconds or before the year 1.
_POSTGRESQL_TIME_TEXT = "to_char(l.created_at, 'YYYY-MM-DD HH24:MI:SS.MS')"
_POSTGRESQL_TIME = f"""
    CASE WHEN CAST({_POSTGRESQL_TIME_TEXT} AS timestamptz) = l.created_at
    THEN {_POSTGRESQL_TIME_TEXT} END
"""


def _with_time_text(sql: str) -> Statement:
    """Return a statement in which `{created_at}` is the text that was hashed."""
    return Statement(
        sql.replace("{created_at}", "l.created_at"),
        postgresql=sql.replace("{created_at}", _POSTGRESQL_TIME),
    )


# Without a bound by the last id: with it PostgreSQL sorts all remaining rows of a new table for
# each chunk. The columns after the first two are in the order of hashing.
_IN_ORDER = _with_time_text(
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
_ACCOUNT = Statement("SELECT id FROM users WHERE lower(email) = :email")


@dataclass(frozen=True, slots=True)
class Extent:
    """The size of the log at one time: the number of entries, the first and the last id."""

    entries: int
    first: int
    last: int

    @property
    def chunks(self) -> int:
        """The number of chunks in which these entries are read."""
        return -(-self.entries // CHUNK_ENTRIES)


def extent(db: Database) -> Extent:
    """Return the current extent of the log."""
    row = _EXTENT.one_or_none(db)
    return Extent(entries=row.entries, first=row.first, last=row.last)


# The chain --------------------------------------------------------------------------------------


def verify(db: Database, anchors: Sequence[Anchor], up_to: Extent) -> Iterator[Verdict]:
    """Yield the verdict after each chunk; the last verdict is the verdict on the log.

    Read the extent `up_to` after the anchors: an anchor must not be newer than the extent.
    """
    by_entries: dict[int, list[Anchor]] = defaultdict(list)
    for anchor in anchors:
        by_entries[anchor.head.entries].append(anchor)
    verdict, first = Verdict(), up_to.first
    while first <= up_to.last and verdict.defect is None:
        verdict = _verify_chunk(db, verdict.head, first, up_to.last, by_entries)
        first = verdict.head.id + 1
        yield verdict
    if verdict.defect is None:
        yield Verdict(verdict.head, cut_off(anchors, verdict.head))


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


# The entries ------------------------------------------------------------------------------------


class AuditEntry(NamedTuple):
    """An entry with the names of its users, including deleted accounts.

    A tuple, because a log has millions of entries.
    """

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


_ENTRIES = """
    SELECT
        l.id, {created_at}, l.consultant_user_id, c.email, c.full_name, l.action_type,
        l.target_user_id, t.email, t.full_name, l.action_details, l.ip_address, l.row_hash
    FROM consultant_access_log l
    LEFT JOIN users c ON c.id = l.consultant_user_id LEFT JOIN users t ON t.id = l.target_user_id
"""
_OLDEST_FIRST = _with_time_text(f"{_ENTRIES} WHERE l.id >= :first ORDER BY l.id LIMIT :length")


def account_id(db: Database, email: str) -> int:
    """Return the id of an account by its e-mail, including deleted accounts."""
    row = _ACCOUNT.one_or_none(db, email=normalised_email(email))
    if row is None:
        raise not_found("there is no account with this e-mail")
    user_id: int = row.id
    return user_id


def newest(
    db: Database,
    _access: LoggedListAccess,
    *,
    limit: int,
    before: int | None = None,
    consultant_id: int | None = None,
    reader_id: int | None = None,
) -> tuple[AuditEntry, ...]:
    """Return up to `limit` entries, newest first: by one consultant, about one reader, or all.

    `before` is the id of the last entry of the previous page.
    """
    values = {
        "l.id < :before": before,
        "l.consultant_user_id = :consultant_id": consultant_id,
        "l.target_user_id = :reader_id": reader_id,
    }
    conditions = [condition for condition, value in values.items() if value is not None]
    rows = _with_time_text(
        f"{_ENTRIES} WHERE {' AND '.join(conditions or ['TRUE'])} ORDER BY l.id DESC LIMIT :limit"
    )(db, limit=limit, before=before, consultant_id=consultant_id, reader_id=reader_id)
    return tuple(_read(rows))


def oldest_first(
    db: Database, _access: LoggedListAccess, up_to: Extent
) -> Iterator[tuple[AuditEntry, ...]]:
    """Yield all entries of an extent, read in chunks."""
    first = up_to.first
    while first <= up_to.last:
        entries = _read(_OLDEST_FIRST(db, first=first, length=CHUNK_ENTRIES))
        chunk = tuple(takewhile(lambda entry: entry.id <= up_to.last, entries))
        if not chunk:
            return
        yield chunk
        first = chunk[-1].id + 1


class _CleanTexts(dict[str | None, SafeText]):
    """Maps texts to safe texts; a text that repeats is cleaned once."""

    def __missing__(self, text: str | None) -> SafeText:
        self[text] = safe = clean(text)
        return safe


def _read(rows: Iterable[Sequence[Any]]) -> Iterator[AuditEntry]:
    """Yield the entries; an entry that this program cannot have written is an error."""
    cleaned = _CleanTexts()
    try:
        for id_, created_at, consultant_id, *texts, row_hash in rows:
            email, name, action, target_id, target_email, target_name, details, address = texts
            try:
                yield AuditEntry(
                    id_,
                    from_db_time(created_at),
                    int(consultant_id),
                    cleaned[email],
                    cleaned[name],
                    cleaned[action],
                    None if target_id is None else int(target_id),
                    cleaned[target_email],
                    cleaned[target_name],
                    cleaned[details],
                    cleaned[address],
                    clean(row_hash),
                )
            except (TypeError, ValueError):
                raise _unreadable(f"entry {id_}") from None
    except UnicodeDecodeError:  # SQLite stores bytes that are no text, too
        raise _unreadable("an entry") from None


def _unreadable(which: str) -> ReadwatchError:
    return conflict(
        f"{which} of the access log was changed by another program and cannot be read; "
        "to check the log, run: readwatch audit verify"
    )
