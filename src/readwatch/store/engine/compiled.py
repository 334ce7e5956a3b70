"""Fixed statements as Peewee expressions on the models, compiled once for each engine.

A statement says with the models what it does; `Param` names what its call passes:

    _TITLES = CompiledQuery(
        ReaderContentProgress.select(ReaderContentProgress.content_title)
        .where(ReaderContentProgress.user == Param("user_id"))
    )
    titles = [row.content_title for row in _TITLES.all(db, user_id=7)]

Its text is made at the first call and costs from then on what a string costs. Values are not
converted: times are passed as `to_db_time` returns them. Where SQL is plainer than its expression
(bulk statements with CASE, window functions, recursion, another spelling on PostgreSQL), it is a
`Statement` (`readwatch.store.engine.connections`), which says how SQL is written.
"""

import peewee

from readwatch.store.engine.connections import Database, is_sqlite
from readwatch.store.engine.statements import Statement

TRUE, FALSE = peewee.SQL("TRUE"), peewee.SQL("FALSE")
"""PostgreSQL takes no 1 and 0 for them."""


class Param(peewee.ColumnBase):
    """A value that each call passes by this name."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def __sql__(self, ctx: peewee.Context) -> peewee.Context:
        """Write the placeholder as the driver takes it."""
        is_qmark = ctx.state.param == "?"
        return ctx.literal(f":{self._name}" if is_qmark else f"%({self._name})s")


def is_true_unindexed(column: peewee.ColumnBase) -> peewee.Expression:
    """Return a condition that SQLite uses no index for, unlike `== TRUE`."""
    return peewee.Expression(column, peewee.OP.IS, TRUE)


def is_not_true(column: peewee.ColumnBase) -> peewee.Expression:
    """Return a condition that holds for FALSE and for NULL."""
    return peewee.Expression(column, peewee.OP.IS_NOT, TRUE)


class CompiledQuery(Statement):
    """A Peewee query whose call runs its text; its rows are named after the columns it selects.

    Constants stand in the text, where the planner compares them with those of partial indexes.
    `cte` is SQL that goes before it.
    """

    __slots__ = ("_cte", "_query", "_texts")

    def __init__(self, query: peewee.BaseQuery, *, cte: Statement | None = None) -> None:
        self._row_types = {}
        self._query = query
        self._cte = cte
        self._texts: dict[bool, str] = {}

    def text(self, db: Database) -> str:
        """Return its SQL for the engine of `db`."""
        return self._texts.get(is_sqlite(db)) or self._compile(db)

    def _compile(self, db: Database) -> str:
        context = db.get_sql_context(value_literals=True)
        sql, values = context.sql(self._query).query()
        if values:
            raise ValueError(f"pass these values by name: {values}")
        text: str = f"{self._cte.text(db) if self._cte else ''}{sql}"
        self._texts[is_sqlite(db)] = text
        return text
