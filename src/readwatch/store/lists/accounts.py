"""The accounts of all roles, for the command line."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from readwatch.domain.filters import Term
from readwatch.domain.users import Account, AccountState, UserRole
from readwatch.store.audit.log import ListAccess, RowAccess
from readwatch.store.engine.bulk import BulkStatement
from readwatch.store.engine.connections import Database
from readwatch.store.engine.statements import Statement
from readwatch.store.identity.users import user_of
from readwatch.store.lists.filter_sql import FilterableFields, GroupField, TextField, condition
from readwatch.store.lists.query import ResultIds, reader_ids_of

FILTERABLE_FIELDS = FilterableFields(
    {
        "full_name": TextField("u.full_name"),
        "email": TextField("u.email"),
        "group": GroupField("u.id"),
    },
    ("u.full_name", "u.email"),
)

_STATES = {
    None: "u.deleted_at IS NULL",
    AccountState.ACTIVE: "u.deleted_at IS NULL AND u.is_active = TRUE",
    AccountState.SUSPENDED: "u.deleted_at IS NULL AND u.is_active = FALSE",
    AccountState.DELETED: "u.deleted_at IS NOT NULL",
}
_IS_OF_GROUP = "u.id IN (SELECT user_id FROM reader_group_members WHERE group_id = :group_id)"
_ROWS = BulkStatement(
    {"id": "bigint"},
    """
    SELECT
        u.id, u.email, u.user_role, u.full_name, u.is_active, u.email_verified, u.created_at,
        u.password_changed_at, u.deleted_at
    FROM users u WHERE u.id IN (SELECT id FROM given)
    ORDER BY lower(u.full_name), u.id
    """,
)


@dataclass(frozen=True, slots=True)
class AccountQuery:
    """Which accounts to list: of one state or all except deleted ones, of one role or all, of the
    readers of one group or all, and with the terms of a filter."""

    state: AccountState | None = None
    role: UserRole | None = None
    group_id: int | None = None
    terms: tuple[Term, ...] = ()


def account_ids(db: Database, access: ListAccess, query: AccountQuery, now: datetime) -> ResultIds:
    """Return the ids of all matching accounts, by name."""
    where = condition(db, access.scope, query.terms, FILTERABLE_FIELDS, now)
    of_role = "u.user_role = :role" if query.role else "TRUE"
    of_group = "TRUE" if query.group_id is None else _IS_OF_GROUP
    statement = Statement(
        f"""
        SELECT u.id FROM users u
        WHERE {_STATES[query.state]} AND {of_role} AND {of_group} AND ({where.sql})
        ORDER BY lower(u.full_name), u.id
        """  # noqa: S608 - constants, and the condition of the list's fields
    )
    rows = statement(db, role=query.role, group_id=query.group_id, **where.values)
    return reader_ids_of(rows)


def account_rows(db: Database, _access: RowAccess, ids: Sequence[int]) -> tuple[Account, ...]:
    """Return the accounts with these ids, by name."""
    return tuple(
        Account(user_of(row), _state(is_active=bool(row.is_active), deleted_at=row.deleted_at))
        for row in _ROWS.all(db, [(id,) for id in ids])
    )


def _state(*, is_active: bool, deleted_at: object) -> AccountState:
    if deleted_at is not None:
        return AccountState.DELETED
    return AccountState.ACTIVE if is_active else AccountState.SUSPENDED
