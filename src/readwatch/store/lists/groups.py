"""The groups that a user may see, in order."""

from datetime import datetime

from readwatch.store.audit.log import ListAccess
from readwatch.store.engine.connections import Database
from readwatch.store.engine.statements import Statement
from readwatch.store.identity.groups import NUMBER_OF_READERS
from readwatch.store.lists.filter_sql import FilterableFields, NumberField, TextField
from readwatch.store.lists.query import ListQuery, ResultIds, SortKey, order_by, where_clause

SORTS = {
    "name": SortKey("lower(g.name)", has_nulls=False),
    "readers": SortKey(NUMBER_OF_READERS, has_nulls=False),
}
FILTERABLE_FIELDS = FilterableFields(
    {"name": TextField("g.name"), "readers": NumberField(NUMBER_OF_READERS)},
    ("g.name",),
    reader_id=None,
)


def group_ids(db: Database, access: ListAccess, query: ListQuery, now: datetime) -> ResultIds:
    """Return the ids of the matching groups that the user may see; a sort that is not in `SORTS`
    gives them by name."""
    where = where_clause(db, access, query, FILTERABLE_FIELDS, now)
    order = order_by(SORTS, query) if query.sort in SORTS else "lower(g.name)"
    statement = Statement(
        f"""
        SELECT g.id FROM reader_groups g
        WHERE g.deleted_at IS NULL AND {access.scope.knows("g.id")} AND ({where.sql})
        ORDER BY {order}, lower(g.name), g.id
        """  # noqa: S608 - our own text
    )
    ids = tuple(id for (id,) in statement(db, **where.values))
    return ResultIds(ids, (None,) * len(ids))
