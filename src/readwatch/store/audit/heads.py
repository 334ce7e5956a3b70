"""The end of the access log: what it is, and whether an earlier one is still in the log.

Nothing here reads more than a few rows: the engine has counted the entries.
"""

from dataclasses import replace

from readwatch.domain.audit_chain import ChainDefect, Head, numbered_otherwise
from readwatch.store.engine.connections import Database
from readwatch.store.engine.statements import Statement

_LAST = Statement("SELECT id, row_hash FROM consultant_access_log ORDER BY id DESC LIMIT 1")
# The next entry finds a hash by the index, also after an import has given other ids.
_CONTAINS = Statement(
    """
    SELECT EXISTS (SELECT 1 FROM consultant_access_log WHERE id = :id AND row_hash = :row_hash)
        OR EXISTS (SELECT 1 FROM consultant_access_log WHERE prev_hash = :row_hash)
        OR (SELECT row_hash FROM consultant_access_log ORDER BY id DESC LIMIT 1) = :row_hash
    """
)
# Both counters change in the transaction of the entry, so one statement sees both or neither.
_NUMBERED_UP_TO = Statement(
    """
    SELECT
        coalesce((SELECT max(id) FROM consultant_access_log), 0) AS last_id,
        coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'consultant_access_log'), 0)
            AS numbered_up_to
    """,
    postgresql="""
    SELECT
        coalesce((SELECT max(id) FROM consultant_access_log), 0) AS last_id,
        coalesce((SELECT last_id FROM access_log_counter), 0) AS numbered_up_to
    """,
)
# SQLite has always given each id to an entry.
_NUMBERED_ENTRIES = Statement(
    """
    SELECT
        coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'consultant_access_log'), 0)
        - (SELECT count(*) FROM consultant_access_log WHERE id > :last_id)
    """,
    postgresql="""
    SELECT
        coalesce((SELECT entries FROM access_log_counter), 0)
        - (SELECT count(*) FROM consultant_access_log WHERE id > :last_id)
    """,
)


def last_entry(db: Database) -> Head:
    """Return the head of the log without the number of entries."""
    row = _LAST.one_or_none(db)
    return Head() if row is None else Head(id=row.id, row_hash=row.row_hash)


def current_head(db: Database) -> Head:
    """Return the head of the log, with the number of entries that the engine has numbered."""
    last = last_entry(db)
    return replace(last, entries=numbered_entries(db, last))


def contains(db: Database, head: Head) -> bool:
    """Tell whether the log still contains what was its head once."""
    return head == Head() or bool(_CONTAINS.scalar(db, id=head.id, row_hash=head.row_hash))


def numbering_defect(db: Database) -> ChainDefect | None:
    """Return the defect of a log that does not end with the last id that the engine has given."""
    row = _NUMBERED_UP_TO.one_or_none(db)
    return numbered_otherwise(row.last_id, row.numbered_up_to)


def numbered_entries(db: Database, up_to: Head) -> int:
    """Return how many entries the engine has numbered, without the entries after `up_to`."""
    return int(_NUMBERED_ENTRIES.scalar(db, last_id=up_to.id))
