"""Whose data a user may see: a consultant of groups only that of their readers, others of all.

A consultant who is assigned to deleted groups alone sees nobody: sight of all readers is something
that an admin gives, never the effect of a deletion.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from readwatch.domain.users import UserRole
from readwatch.store.engine.bulk import BulkStatement
from readwatch.store.engine.connections import Database
from readwatch.store.engine.statements import Statement

READERS_OF_CONSULTANT = """
    SELECT m.user_id FROM consultant_groups c
    JOIN reader_groups g ON g.id = c.group_id
    JOIN reader_group_members m ON m.group_id = g.id
    WHERE c.user_id = :acting_id AND g.deleted_at IS NULL
"""
"""SQL for the ids of the readers whom a consultant of groups sees, some of them twice."""

_IS_LIMITED = Statement("SELECT 1 AS one FROM consultant_groups WHERE user_id = :acting_id LIMIT 1")
FEW_READERS = 1_000
"""Of so many readers at most, queries look up the rows of each one by itself."""

_NUMBER = Statement(
    f"SELECT count(DISTINCT user_id) FROM ({READERS_OF_CONSULTANT}) AS of_groups"  # noqa: S608
)
_INSIDE = BulkStatement(
    {"id": "bigint"},
    f"SELECT id FROM given WHERE id IN ({READERS_OF_CONSULTANT})",  # noqa: S608 - our own text
)


_GROUPS_INSIDE = BulkStatement(
    {"id": "bigint"},
    """
    SELECT given.id FROM given CROSS JOIN consultant_groups c
    WHERE c.user_id = :acting_id AND c.group_id = given.id
    """,
)


@dataclass(frozen=True, slots=True)
class Scope:
    """The readers whom a user may see: all, or those of the user's groups if `is_limited`."""

    user_id: int
    is_limited: bool

    def contains(self, reader_id: str) -> str:
        """Return the SQL condition that an expression is the id of a reader of the scope.

        `values` has its parameter. The condition is never NULL.
        """
        return f"({reader_id} IN ({READERS_OF_CONSULTANT}))" if self.is_limited else "TRUE"

    def knows(self, group_id: str) -> str:
        """Return the SQL condition that an expression is the id of a group whose readers are in the
        scope because of it."""
        of_consultant = "SELECT group_id FROM consultant_groups WHERE user_id = :acting_id"
        return f"({group_id} IN ({of_consultant}))" if self.is_limited else "TRUE"

    @property
    def values(self) -> Mapping[str, int]:
        """The values of the parameters of the conditions."""
        return {"acting_id": self.user_id} if self.is_limited else {}


ALL_READERS = Scope(user_id=0, is_limited=False)
"""The scope of figures that are nobody's view, such as the metrics of the service."""


def scope_of(db: Database, user_id: int, role: UserRole) -> Scope:
    """Return the scope of an active consultant or admin."""
    is_limited = (
        role is UserRole.CONSULTANT and _IS_LIMITED.one_or_none(db, acting_id=user_id) is not None
    )
    return Scope(user_id, is_limited)


def readers_inside(db: Database, scope: Scope, reader_ids: Iterable[int]) -> frozenset[int]:
    """Return those of some readers who are in a scope."""
    if not scope.is_limited:
        return frozenset(reader_ids)
    rows = _INSIDE.all(db, [(id,) for id in reader_ids], **scope.values)
    return frozenset(row.id for row in rows)


def groups_inside(db: Database, scope: Scope, group_ids: Iterable[int]) -> frozenset[int]:
    """Return those of some groups whose readers are in a scope because of them."""
    if not scope.is_limited:
        return frozenset(group_ids)
    rows = _GROUPS_INSIDE.all(db, [(id,) for id in group_ids], **scope.values)
    return frozenset(row.id for row in rows)


def contains_all(db: Database, scope: Scope, reader_ids: Iterable[int]) -> bool:
    """Tell whether readers are all in a scope."""
    ids = frozenset(reader_ids)
    return readers_inside(db, scope, ids) == ids


def has_few_readers(db: Database, scope: Scope) -> bool:
    """Tell whether a limited scope has at most `FEW_READERS`."""
    return number_of_readers(db, scope) <= FEW_READERS


def number_of_readers(db: Database, scope: Scope) -> int:
    """Return the number of readers of a limited scope."""
    return int(_NUMBER.scalar(db, **scope.values))
