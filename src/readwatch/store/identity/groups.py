"""Groups of readers, and the consultants who see only the readers of their groups."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from readwatch.domain.errors import conflict, not_found
from readwatch.domain.groups import Group, GroupSummary, checked_group_name, group_key
from readwatch.domain.text import SafeText, clean
from readwatch.domain.users import UserRole
from readwatch.store.audit.log import Permit
from readwatch.store.audit.scope import Scope, groups_inside
from readwatch.store.engine.bulk import BulkStatement
from readwatch.store.engine.compiled import CompiledQuery, Param
from readwatch.store.engine.connections import Database
from readwatch.store.engine.models import (
    ConsultantGroups,
    ReaderGroupMembers,
    ReaderGroups,
    Users,
)
from readwatch.store.engine.statements import Statement
from readwatch.store.engine.times import from_db_time, to_db_time
from readwatch.store.identity.users import ACTIVE_READER

_COLUMNS = (ReaderGroups.id, ReaderGroups.name, ReaderGroups.created_at)
_GROUPS = CompiledQuery(
    ReaderGroups.select(*_COLUMNS)
    .where(ReaderGroups.deleted_at.is_null())
    .order_by(ReaderGroups.name)
)
_ADD = CompiledQuery(
    ReaderGroups.insert(
        {ReaderGroups.name: Param("name"), ReaderGroups.created_at: Param("now")}
    ).returning(ReaderGroups.id)
)
_RENAME = CompiledQuery(
    ReaderGroups.update({ReaderGroups.name: Param("name")}).where(
        ReaderGroups.id == Param("group_id")
    )
)
_DELETE = CompiledQuery(
    ReaderGroups.update({ReaderGroups.deleted_at: Param("now")}).where(
        ReaderGroups.id == Param("group_id")
    )
)
_ADD_MEMBERS = BulkStatement(
    {"group_id": "bigint", "user_id": "bigint"},
    """
    INSERT INTO reader_group_members (group_id, user_id, added_at)
    SELECT given.group_id, u.id, :now FROM given JOIN users u ON u.id = given.user_id
    WHERE u.user_role = 'reader' AND u.deleted_at IS NULL
    ON CONFLICT (group_id, user_id) DO NOTHING
    """,
    postgresql="""
    INSERT INTO reader_group_members (group_id, user_id, added_at)
    SELECT given.group_id, u.id, CAST(:now AS timestamptz)
    FROM given JOIN users u ON u.id = given.user_id
    WHERE u.user_role = 'reader' AND u.deleted_at IS NULL
    ON CONFLICT (group_id, user_id) DO NOTHING
    """,
)
_REMOVE_MEMBERS = BulkStatement(
    {"user_id": "bigint"},
    """
    DELETE FROM reader_group_members
    WHERE group_id = :group_id AND user_id IN (SELECT user_id FROM given)
    """,
)
_LEAVE = BulkStatement(
    {"group_id": "bigint", "user_id": "bigint"},
    """
    DELETE FROM reader_group_members WHERE (group_id, user_id) IN (
        SELECT group_id, user_id FROM given
    )
    """,
)
_OF_READERS = BulkStatement(
    {"user_id": "bigint"},
    """
    SELECT m.user_id, g.id, g.name FROM given CROSS JOIN reader_group_members m
    JOIN reader_groups g ON g.id = m.group_id
    WHERE m.user_id = given.user_id AND g.deleted_at IS NULL ORDER BY g.name
    """,
)
_LEAVE_ALL = CompiledQuery(
    ReaderGroupMembers.delete().where(ReaderGroupMembers.user == Param("user_id"))
)
_MEMBERS = CompiledQuery(
    ReaderGroupMembers.select(ReaderGroupMembers.user)
    .where(ReaderGroupMembers.group == Param("group_id"))
    .order_by(ReaderGroupMembers.user)
)
_ASSIGN = Statement(
    """
    INSERT INTO consultant_groups (user_id, group_id, assigned_at)
    VALUES (:user_id, :group_id, :now)
    ON CONFLICT (user_id, group_id) DO NOTHING RETURNING user_id
    """
)
_UNASSIGN = CompiledQuery(
    ConsultantGroups.delete()
    .where(ConsultantGroups.user == Param("user_id"), ConsultantGroups.group == Param("group_id"))
    .returning(ConsultantGroups.user)
)
_ASSIGNED = Statement(
    """
    SELECT g.id, g.name, g.created_at, g.deleted_at FROM consultant_groups c
    JOIN reader_groups g ON g.id = c.group_id WHERE c.user_id = :user_id
    ORDER BY g.deleted_at IS NOT NULL, g.name
    """
)
_CONSULTANTS = CompiledQuery(
    ConsultantGroups.select(ConsultantGroups.user)
    .join(Users)
    .where(
        ConsultantGroups.group == Param("group_id"),
        Users.user_role == UserRole.CONSULTANT,
        Users.deleted_at.is_null(),
    )
    .order_by(ConsultantGroups.user)
)
_OF_READER = Statement(
    """
    SELECT g.id, g.name, g.created_at FROM reader_group_members m
    JOIN reader_groups g ON g.id = m.group_id
    WHERE m.user_id = :user_id AND g.deleted_at IS NULL ORDER BY g.name
    """
)
_OF_THIS_ALONE = Statement(
    """
    SELECT c.user_id FROM consultant_groups c JOIN users u ON u.id = c.user_id
    WHERE c.group_id = :group_id AND u.user_role = 'consultant' AND u.is_active = TRUE
    AND u.deleted_at IS NULL AND NOT EXISTS (
        SELECT 1 FROM consultant_groups o JOIN reader_groups g ON g.id = o.group_id
        WHERE o.user_id = c.user_id AND o.group_id <> c.group_id AND g.deleted_at IS NULL
    ) ORDER BY c.user_id
    """
)
_SEE_NOBODY = Statement(
    """
    SELECT count(*) FROM users u
    WHERE u.user_role = 'consultant' AND u.is_active = TRUE AND u.deleted_at IS NULL
    AND u.id IN (SELECT user_id FROM consultant_groups)
    AND u.id NOT IN (
        SELECT c.user_id FROM consultant_groups c JOIN reader_groups g ON g.id = c.group_id
        WHERE g.deleted_at IS NULL
    )
    """
)
NUMBER_OF_READERS = f"""
    (
        SELECT count(*) FROM reader_group_members m CROSS JOIN users u
        WHERE m.group_id = g.id AND u.id = m.user_id AND {ACTIVE_READER}
    )
"""  # noqa: S608 - our own text
"""SQL for the number of active readers of a row `g` of groups."""

_SUMMARIES = Statement(
    f"""
    SELECT
        g.id, g.name, g.created_at,
        {NUMBER_OF_READERS} AS readers,
        (
            SELECT count(*) FROM consultant_groups c JOIN users u ON u.id = c.user_id
            WHERE c.group_id = g.id AND u.user_role = 'consultant' AND u.is_active = TRUE
            AND u.deleted_at IS NULL
        ) AS consultants
    FROM reader_groups g WHERE g.deleted_at IS NULL ORDER BY g.name
    """  # noqa: S608 - our own text
)


def groups(db: Database) -> tuple[Group, ...]:
    """Return all groups by name, without deleted ones."""
    return tuple(map(_group, _GROUPS.iterate(db)))


def summaries(db: Database) -> tuple[GroupSummary, ...]:
    """Return all groups by name, with the numbers of their readers and consultants."""
    return tuple(
        GroupSummary(_group(row), row.readers, row.consultants) for row in _SUMMARIES.all(db)
    )


def find_group(db: Database, name: str) -> Group:
    """Return the group of this name, compared without case; deleted ones are not found."""
    group = _of_name(db, name)
    if group is None:
        raise not_found(f"there is no group {clean(name)!r}; see: readwatch group list")
    return group


def add_group(db: Database, name: str, now: datetime) -> Group:
    """Add a group; a name that is taken is a conflict.

    This and all other changes of groups: call them in a transaction that has the lock of account
    changes, after the entry.
    """
    name = checked_group_name(name)
    _refuse_taken(db, name)
    group_id: int = _ADD.scalar(db, name=name, now=to_db_time(now))
    return Group(group_id, clean(name), now)


def rename_group(db: Database, group: Group, name: str) -> None:
    """Give a group another name; one that is taken by another group is a conflict."""
    name = checked_group_name(name)
    if group_key(name) != group_key(group.name):
        _refuse_taken(db, name)
    _RENAME(db, group_id=group.id, name=name)


def delete_group(db: Database, group: Group, now: datetime) -> None:
    """Delete a group: its readers stay, and consultants of this group alone see nobody."""
    _DELETE(db, group_id=group.id, now=to_db_time(now))


def add_members(db: Database, members: Iterable[tuple[int, int]], now: datetime) -> None:
    """Add readers to groups, as pairs of the id of the group and the id of the reader; others than
    readers are left out."""
    _ADD_MEMBERS(db, [*members], now=to_db_time(now))


def remove_members(db: Database, group: Group, user_ids: Iterable[int]) -> None:
    """Remove readers from a group."""
    _REMOVE_MEMBERS(db, [(id,) for id in user_ids], group_id=group.id)


@dataclass(frozen=True, slots=True)
class Move:
    """A reader joins or leaves a group."""

    user_id: int
    group_name: SafeText
    joins: bool


def moves(db: Database, regrouped: Mapping[int, Sequence[str]]) -> tuple[Move, ...]:
    """Return what it takes until readers are in exactly these groups, by the id of the reader.

    A group that does not exist yet is one to join.
    """
    before: dict[int, dict[str, SafeText]] = {user_id: {} for user_id in regrouped}
    for row in _OF_READERS.all(db, [(user_id,) for user_id in regrouped]):
        before[row.user_id][group_key(row.name)] = clean(row.name)
    changes: list[Move] = []
    for user_id, names in regrouped.items():
        after = {group_key(name): clean(name) for name in names}
        changes += (
            Move(user_id, name, joins=True)
            for key, name in after.items()
            if key not in before[user_id]
        )
        changes += (
            Move(user_id, name, joins=False)
            for key, name in before[user_id].items()
            if key not in after
        )
    return tuple(changes)


def move(db: Database, moves: Iterable[Move], now: datetime) -> None:
    """Let readers join and leave groups, all of which exist."""
    ids = {group_key(group.name): group.id for group in groups(db)}
    pairs = [(ids[group_key(it.group_name)], it.user_id, it.joins) for it in moves]
    add_members(db, [(group, user) for group, user, joins in pairs if joins], now)
    _LEAVE(db, [(group, user) for group, user, joins in pairs if not joins])


def names_of_groups(
    db: Database, scope: Scope, user_ids: Collection[int]
) -> Mapping[int, SafeText]:
    """Return the names of the groups of each of some readers, without groups outside of a scope."""
    rows = _OF_READERS.all(db, [(user_id,) for user_id in user_ids])
    inside = groups_inside(db, scope, {row.id for row in rows})
    names: dict[int, list[str]] = {user_id: [] for user_id in user_ids}
    for row in rows:
        if row.id in inside:
            names[row.user_id].append(row.name)
    return {user_id: clean(", ".join(of_reader)) for user_id, of_reader in names.items()}


def add_to_named(db: Database, named: Mapping[int, Iterable[str]], now: datetime) -> None:
    """Add readers to groups that exist, by the id of the reader."""
    moves = (Move(id, clean(name), joins=True) for id, names in named.items() for name in names)
    move(db, moves, now)


def leave_all(db: Database, user_id: int) -> None:
    """Take a reader who joins the staff out of all groups."""
    _LEAVE_ALL(db, user_id=user_id)


def member_ids(db: Database, group: Group) -> tuple[int, ...]:
    """Return the ids of all readers of a group."""
    return tuple(row.user_id for row in _MEMBERS.iterate(db, group_id=group.id))


def assign(db: Database, group: Group, user_id: int, now: datetime) -> bool:
    """Limit a consultant to the readers of this group and of those assigned before; return False if
    this one was."""
    row = _ASSIGN.one_or_none(db, user_id=user_id, group_id=group.id, now=to_db_time(now))
    return row is not None


def unassign(db: Database, group: Group, user_id: int) -> bool:
    """End an assignment; return False if there was none.

    A consultant without any assignment sees all readers.
    """
    return _UNASSIGN.one_or_none(db, user_id=user_id, group_id=group.id) is not None


def consultant_ids(db: Database, group: Group) -> tuple[int, ...]:
    """Return the ids of the consultants who are assigned to a group."""
    return tuple(row.user_id for row in _CONSULTANTS.iterate(db, group_id=group.id))


def assigned_groups(db: Database, user_id: int) -> tuple[tuple[Group, bool], ...]:
    """Return the groups that a consultant is assigned to, each with whether it was deleted; those
    come last."""
    rows = _ASSIGNED.all(db, user_id=user_id)
    return tuple((_group(row), row.deleted_at is not None) for row in rows)


def groups_of_reader(db: Database, permit: Permit) -> tuple[Group, ...]:
    """Return the groups that a reader is in, by name, without deleted ones."""
    return tuple(map(_group, _OF_READER.all(db, user_id=permit.subject_id)))


def find_assigned(db: Database, user_id: int, name: str) -> Group:
    """Return the group of this name that a consultant is assigned to, also a deleted one."""
    assigned = [group for group, _ in assigned_groups(db, user_id)]
    matching = [group for group in assigned if group_key(group.name) == group_key(name)]
    if not matching:
        raise not_found(f"the consultant is not assigned to a group {clean(name)!r}")
    return matching[0]


def consultants_of_this_alone(db: Database, group: Group) -> tuple[int, ...]:
    """Return the ids of the active consultants who see readers because of this group alone."""
    return tuple(row.user_id for row in _OF_THIS_ALONE.all(db, group_id=group.id))


def consultants_who_see_nobody(db: Database) -> int:
    """Return the number of active consultants who are assigned to deleted groups alone."""
    return int(_SEE_NOBODY.scalar(db))


def _of_name(db: Database, name: str) -> Group | None:
    # The engines compare other letters than ASCII differently, and there are few groups.
    key = group_key(name)
    return next((group for group in groups(db) if group_key(group.name) == key), None)


def _refuse_taken(db: Database, name: str) -> None:
    if _of_name(db, name) is not None:
        raise conflict(f"there is a group {name!r} already", field="name")


def _group(row: Any) -> Group:
    return Group(row.id, clean(row.name), from_db_time(row.created_at))
