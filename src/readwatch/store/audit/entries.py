"""The entries of the access log: how many there are, and lists of them.

Entries never change, so a list reads up to the last entry at its start and needs no transaction:
other programs can append at the same time.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import Any, NamedTuple

from readwatch.domain.errors import ReadwatchError, conflict
from readwatch.domain.text import SafeText, clean
from readwatch.store.audit.log import RowAccess
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


def with_time_text(sql: str) -> Statement:
    """Return a statement in which `{created_at}` is the text that was hashed."""
    return Statement(
        sql.replace("{created_at}", "l.created_at"),
        postgresql=sql.replace("{created_at}", _POSTGRESQL_TIME),
    )


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
_OLDEST_FIRST = with_time_text(f"{_ENTRIES} WHERE l.id >= :first ORDER BY l.id LIMIT :length")


def newest(
    db: Database,
    _access: RowAccess,
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
    rows = with_time_text(
        f"{_ENTRIES} WHERE {' AND '.join(conditions or ['TRUE'])} ORDER BY l.id DESC LIMIT :limit"
    )(db, limit=limit, before=before, consultant_id=consultant_id, reader_id=reader_id)
    return tuple(_read(rows))


def oldest_first(
    db: Database, _access: RowAccess, up_to: Extent
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
