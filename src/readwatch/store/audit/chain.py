"""The access log, read: its chain is walked from the first entry to the last, its entries listed.

Entries never change, so the walk is bounded by what was there when it began, and no transaction
is held: who appends meanwhile is not waited for, and does not wait.
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
    ChainFault,
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
from readwatch.store.engine.connections import Database, Statement, from_db_time

ENTRIES_AT_ONCE = 10_000

_EXTENT = Statement(
    "SELECT count(*), coalesce(min(id), 0), coalesce(max(id), -1) FROM consultant_access_log"
)
# On PostgreSQL a moment counts only if its text is all of it: one with microseconds, or before
# Christ, is none that was written here.
_TEXT_OF_MOMENT = "to_char(l.created_at, 'YYYY-MM-DD HH24:MI:SS.MS')"
_MOMENT_ON_POSTGRESQL = f"""
    CASE WHEN CAST({_TEXT_OF_MOMENT} AS timestamptz) = l.created_at THEN {_TEXT_OF_MOMENT} END
"""


def _with_moment(sql: str) -> Statement:
    """Return a statement that reads `{created_at}` as the text of which the hash was made."""
    return Statement(
        sql.replace("{created_at}", "l.created_at"),
        postgresql=sql.replace("{created_at}", _MOMENT_ON_POSTGRESQL),
    )


# Not bounded by the last id: PostgreSQL would sort all the rest for each portion of a new table.
# The columns behind the first two in the order of their hash.
_IN_ORDER = _with_moment(
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
            if columns[0] != head.row_hash or columns_hash(columns) != row_hash:
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


def _fault(
    db: Database, head: Head, id_: int, row_hash: str, columns: Sequence[object]
) -> ChainFault:
    """Find out what is wrong with an entry that does not follow or is not what it was."""
    prev_hash = columns[0]
    if prev_hash == head.row_hash:
        return changed(id_)
    next_id = _FOLLOWING(db, row_hash=head.row_hash).fetchone()[0]
    if columns_hash(columns) == row_hash:
        follows = _WITH_HASH(db, row_hash=prev_hash).fetchone()[0]
    elif next_id is None:
        return changed(id_)
    else:
        follows = None
    return misplaced(head, id_, follows, next_id)


# The entries ------------------------------------------------------------------------------------


class AuditEntry(NamedTuple):
    """An entry with the names of those whom it is about, also of deleted accounts.

    A tuple, as there are millions of them.
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
_OLDEST_FIRST = _with_moment(f"{_ENTRIES} WHERE l.id >= :first ORDER BY l.id LIMIT :length")


def account_id(db: Database, email: str) -> int:
    """Return the id of an account by its address, also of a deleted one."""
    row = _ACCOUNT(db, email=normalised_email(email)).fetchone()
    if row is None:
        raise not_found("there is no account with this e-mail")
    found: int = row[0]
    return found


def newest(
    db: Database,
    _access: LoggedListAccess,
    *,
    limit: int,
    before: int | None = None,
    consultant_id: int | None = None,
    reader_id: int | None = None,
) -> tuple[AuditEntry, ...]:
    """Return up to `limit` entries, newest first: of one consultant, about one reader, or all.

    `before` is the id of the last one of the page before.
    """
    wanted = {
        "l.id < :before": before,
        "l.consultant_user_id = :consultant_id": consultant_id,
        "l.target_user_id = :reader_id": reader_id,
    }
    conditions = [condition for condition, value in wanted.items() if value is not None]
    found = _with_moment(
        f"{_ENTRIES} WHERE {' AND '.join(conditions or ['TRUE'])} ORDER BY l.id DESC LIMIT :limit"
    )(db, limit=limit, before=before, consultant_id=consultant_id, reader_id=reader_id)
    return tuple(_read(found))


def oldest_first(
    db: Database, _access: LoggedListAccess, there: Extent
) -> Iterator[tuple[AuditEntry, ...]]:
    """Yield all entries that were there, in portions."""
    first = there.first
    while first <= there.last:
        found = _read(_OLDEST_FIRST(db, first=first, length=ENTRIES_AT_ONCE))
        some = tuple(takewhile(lambda entry: entry.id <= there.last, found))
        if not some:
            return
        yield some
        first = some[-1].id + 1


class _Cleaned(dict[str | None, SafeText]):
    """Texts as they can be shown: each is cleaned once, as names and words come again and again."""

    def __missing__(self, text: str | None) -> SafeText:
        self[text] = cleaned = clean(text)
        return cleaned


def _read(rows: Iterable[Sequence[Any]]) -> Iterator[AuditEntry]:
    """Yield the entries; one that nobody can have written here is told, and who names its fault."""
    shown = _Cleaned()
    try:
        for id_, created_at, consultant_id, *texts, row_hash in rows:
            email, name, action, target_id, target_email, target_name, details, address = texts
            try:
                yield AuditEntry(
                    id_,
                    from_db_time(created_at),
                    int(consultant_id),
                    shown[email],
                    shown[name],
                    shown[action],
                    None if target_id is None else int(target_id),
                    shown[target_email],
                    shown[target_name],
                    shown[details],
                    shown[address],
                    clean(row_hash),
                )
            except (TypeError, ValueError):
                raise _unreadable(f"entry {id_}") from None
    except UnicodeDecodeError:  # SQLite keeps also what is no text
        raise _unreadable("an entry") from None


def _unreadable(which: str) -> ReadwatchError:
    return conflict(
        f"{which} of the access log cannot be read, since it was changed by another program; "
        "what is wrong with the log is told by: readwatch audit verify"
    )
