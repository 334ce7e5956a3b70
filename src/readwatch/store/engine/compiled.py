"""Fixed statements as Peewee expressions on the models, compiled once for each engine.

A statement is an expression on the models; `Param` is a value that each call passes:

    _TITLES = CompiledQuery(
        ReaderContentProgress.select(ReaderContentProgress.content_title)
        .where(ReaderContentProgress.user == Param("user_id"))
    )
    titles = [row.content_title for row in _TITLES.all(db, user_id=7)]

The first call compiles the expression to SQL; later calls use the same text. Values are not
converted: pass times as `to_db_time` returns them. A statement that is easier to read as SQL (CASE
in bulk statements, window functions, recursion, different SQL on PostgreSQL) is a `Statement`
(`readwatch.store.engine.connections`), which describes the rules for SQL.
"""

import peewee

from readwatch.store.engine.connections import Database, is_sqlite
from readwatch.store.engine.statements import Statement, with_driver_parameters

TRUE, FALSE = peewee.SQL("TRUE"), peewee.SQL("FALSE")
"""The SQL literals; PostgreSQL does not accept 1 and 0 as booleans."""


class Param(peewee.ColumnBase):
    """A parameter: a value that each call passes by this name."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def __sql__(self, ctx: peewee.Context) -> peewee.Context:
        """Write the placeholder as in a `Statement`."""
        return ctx.literal(f":{self._name}")


def is_true_unindexed(column: peewee.ColumnBase) -> peewee.Expression:
    """Return a condition for which SQLite uses no index, unlike `== TRUE`."""
    return peewee.Expression(column, peewee.OP.IS, TRUE)


def is_false_unindexed(column: peewee.ColumnBase) -> peewee.Expression:
    """Return a condition for which SQLite uses only partial indexes, unlike `== FALSE`."""
    return peewee.Expression(column, peewee.OP.IS, FALSE)


def is_not_true(column: peewee.ColumnBase) -> peewee.Expression:
    """Return a condition that holds for FALSE and for NULL."""
    return peewee.Expression(column, peewee.OP.IS_NOT, TRUE)


class CompiledQuery(Statement):
    """A statement from a Peewee query; the rows have the names of the selected columns.

    Constants are written into the SQL, so that partial indexes match. `cte` is SQL that goes
    before the query.
    """

    __slots__ = ("_cte", "_query", "_texts")

    def __init__(self, query: peewee.BaseQuery, *, cte: Statement | None = None) -> None:
        self._row_types = {}
        self._query = query
        self._cte = cte
        self._texts: dict[bool, str] = {}

    def text(self, db: Database) -> str:
        """Return the SQL for the engine of `db`."""
        return self._texts.get(is_sqlite(db)) or self._compile(db)

    def _compile(self, db: Database) -> str:
        context = db.get_sql_context(value_literals=True)
        sql, values = context.sql(self._query).query()
        if values:
            raise ValueError(f"pass these values by name: {values}")
        query = sql if is_sqlite(db) else with_driver_parameters(sql)
        text: str = f"{self._cte.text(db) if self._cte else ''}{query}"
        self._texts[is_sqlite(db)] = text
        return text
