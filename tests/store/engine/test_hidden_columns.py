"""A column that a role may not read is read by no form of SQL: many forms, each really tried.

SQLite's authorizer is not asked for every column, so the forms are generated: what one of them
returned once, another one could return again.
"""

from collections.abc import Iterator
from itertools import product

import apsw
import peewee
import pytest
from store.engine.test_privileges import is_allowed, on_sqlite

from readwatch.store.engine.connections import Database, is_sqlite
from readwatch.store.engine.privileges import LIMITED_ROLES, TABLES, Role, privileges_on

KINDS = ("JOIN", "INNER JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "FULL OUTER JOIN")
SIDES = (
    ("{t} AS h", "(SELECT CAST(NULL AS text) AS {c}) AS x"),
    ("(SELECT CAST(NULL AS text) AS {c}) AS x", "{t} AS h"),
    ("{t} AS x", "{t} AS h"),
)


def joins() -> Iterator[str]:
    """Joins of every kind that select, compare or merge the hidden column."""
    for (left, right), kind, selected in product(SIDES, KINDS, ("h.{c}", "count(*)", "1")):
        yield f"SELECT {selected} FROM {left} {kind} {right} ON h.{{c}} = x.{{c}}"
    for (left, right), kind, selected in product(SIDES, KINDS, ("{c}", "h.{c}", "*", "count(*)")):
        yield f"SELECT {selected} FROM {left} {kind} {right} USING ({{c}})"
        yield f"SELECT {selected} FROM {left} NATURAL {kind} {right}"
    for (left, right), join in product(SIDES, (",", "CROSS JOIN")):
        yield f"SELECT count(*) FROM {left} {join} {right} WHERE h.{{c}} = x.{{c}}"


QUERIES = (
    "SELECT {c} FROM {t}",
    "SELECT * FROM {t}",
    "SELECT h.* FROM {t} AS h",
    "SELECT {t}.{c} FROM {t}",
    "SELECT DISTINCT {c} FROM {t}",
    "SELECT 1 FROM {t} WHERE {c} IS NULL",
    "SELECT 1 FROM {t} WHERE {c} LIKE '_2b_'",
    "SELECT CASE WHEN {c} > 'a' THEN 1 END FROM {t}",
    "SELECT 1 FROM {t} WHERE ({c}, 1) > ('a', 1)",
    "SELECT 1 FROM {t} WHERE ({c}, 1) IN (SELECT 'a', 1)",
    "SELECT coalesce({c}, '') FROM {t}",
    "SELECT length({c}) FROM {t}",
    # Subqueries
    "SELECT (SELECT {c} FROM {t} LIMIT 1)",
    "SELECT (SELECT max(h.{c}) FROM {t} AS h)",
    "SELECT 1 WHERE EXISTS (SELECT 1 FROM {t} WHERE {c} > 'a')",
    "SELECT 1 WHERE 'a' IN (SELECT {c} FROM {t})",
    "SELECT 1 WHERE 'a' NOT IN (SELECT {c} FROM {t})",
    "SELECT 1 FROM {t} AS h WHERE EXISTS (SELECT 1 WHERE h.{c} > 'a')",
    "SELECT q.{c} FROM (SELECT * FROM {t}) AS q",
    "SELECT q.w FROM (SELECT {c} AS w FROM {t}) AS q",
    "SELECT 1 LIMIT (SELECT count({c}) FROM {t})",
    "VALUES ((SELECT max({c}) FROM {t}))",
    # Common table expressions
    "WITH q AS (SELECT * FROM {t}) SELECT {c} FROM q",
    "WITH q AS (SELECT {c} AS w FROM {t}) SELECT w FROM q",
    "WITH q AS MATERIALIZED (SELECT {c} AS w FROM {t}) SELECT w FROM q",
    "WITH q AS NOT MATERIALIZED (SELECT {c} AS w FROM {t}) SELECT w FROM q",
    "WITH x AS (SELECT 1 AS {c}) SELECT h.{c} FROM {t} AS h, x",
    "WITH RECURSIVE q(w) AS (SELECT {c} FROM {t} UNION SELECT w FROM q) SELECT w FROM q",
    "WITH RECURSIVE q(w) AS (SELECT CAST('a' AS text) UNION SELECT CAST({c} AS text) FROM {t}, q)"
    " SELECT w FROM q",
    # Compound selects
    "SELECT 'a' UNION SELECT {c} FROM {t}",
    "SELECT 'a' UNION ALL SELECT {c} FROM {t}",
    "SELECT 'a' EXCEPT SELECT {c} FROM {t}",
    "SELECT 'a' INTERSECT SELECT {c} FROM {t}",
    # Order, groups, aggregates, windows
    "SELECT 1 FROM {t} ORDER BY {c}",
    "SELECT 1 FROM {t} ORDER BY length({c})",
    "SELECT 1 FROM {t} GROUP BY {c}",
    "SELECT count(*) FROM {t} GROUP BY lower({c})",
    "SELECT count(*) FROM {t} HAVING max({c}) > 'a'",
    "SELECT min({c}), max({c}), count({c}) FROM {t}",
    "SELECT count(DISTINCT {c}) FROM {t}",
    "SELECT count(*) FILTER (WHERE {c} > 'a') FROM {t}",
    "SELECT max({c}) OVER () FROM {t}",
    "SELECT lag({c}) OVER (ORDER BY 1) FROM {t}",
    "SELECT row_number() OVER (ORDER BY {c}) FROM {t}",
    "SELECT count(*) OVER (PARTITION BY {c}) FROM {t}",
    "SELECT sum(1) OVER w FROM {t} WINDOW w AS (ORDER BY {c})",
)
CHANGES = (
    "UPDATE {t} SET {o} = {c} WHERE 1 = 0",
    "UPDATE {t} SET {o} = {o} WHERE {c} = 'a'",
    "UPDATE {t} SET {o} = {o} WHERE 1 = 0 RETURNING {c}",
    "UPDATE {t} SET {o} = {o} WHERE 1 = 0 RETURNING *",
    "UPDATE {t} SET {o} = (SELECT max({c}) FROM {t}) WHERE 1 = 0",
    "UPDATE {t} SET {o} = x.{c} FROM {t} AS x WHERE 1 = 0",
    "DELETE FROM {t} WHERE {c} = 'a'",
    "DELETE FROM {t} WHERE 1 = 0 RETURNING {c}",
    "INSERT INTO {t} ({o}) SELECT {c} FROM {t} WHERE 1 = 0",
    "INSERT INTO {t} ({k}) VALUES ('1') ON CONFLICT ({k}) DO UPDATE SET {o} = {t}.{c}",
    "INSERT INTO {t} ({k}) VALUES ('1') ON CONFLICT ({k}) DO UPDATE SET {o} = 'a'"
    " WHERE {t}.{c} = 'a'",
)

SECRETS = (
    ("users", "password_hash", "full_name", "id"),
    ("reader_sessions", "session_token", "user_agent", "id"),
    ("staff_sessions", "session_token", "user_agent", "id"),
    ("resume_tokens", "token_hash", "family_hash", "family_hash"),
)
"""A table, its secret, another column of texts, and the key."""


def forms(table: str, column: str, other: str, key: str) -> list[str]:
    return [
        form.format(t=table, c=column, o=other, k=key) for form in (*joins(), *QUERIES, *CHANGES)
    ]


@pytest.mark.parametrize("secret", SECRETS, ids=lambda secret: secret[0])
def test_each_form_is_sql_that_reads_the_column(secret, db):
    refused = [sql for sql in forms(*secret) if not is_allowed(db, sql)]
    assert refused == []
    assert len(forms(*secret)) > 250


@pytest.mark.parametrize("secret", SECRETS, ids=lambda secret: secret[0])
def test_no_form_reads_a_secret_of_others(secret, connected, cast):
    table, column, *_ = secret
    for role in LIMITED_ROLES:
        if column not in privileges_on(role, table).read:
            db = connected(role)
            if not is_sqlite(db):
                db.execute_sql("SET default_transaction_read_only = off")  # which protects nobody
            allowed = [sql for sql in forms(*secret) if is_allowed(db, sql)]
            assert (role, allowed) == (role, [])


def hidden_columns(role: Role, owner: Database) -> Iterator[tuple[str, str]]:
    """The hidden columns of each table that a role reads in part, and one of each other table."""
    for table in TABLES:
        readable = privileges_on(role, table).read
        hidden = [it.name for it in owner.get_columns(table) if it.name not in readable]
        yield from ((table, column) for column in hidden[: None if readable else 1])


@on_sqlite
@pytest.mark.parametrize("role", LIMITED_ROLES)
def test_no_form_reads_any_hidden_column_on_sqlite(role, connected):
    db = connected(role)
    for table, column in hidden_columns(role, connected(Role.OWNER)):
        queries = [form.format(t=table, c=column) for form in (*joins(), *QUERIES)]
        assert [sql for sql in queries if is_allowed(db, sql)] == []


MERGING = (
    "SELECT email FROM users AS a NATURAL JOIN users AS b",
    "SELECT email FROM users AS a natural left join users AS b",
    "SELECT a.email FROM users AS a JOIN users AS b USING (id)",
    "SELECT a.email FROM users AS a JOIN users AS b\nuSiNg(id)",
    "SELECT a.email FROM users AS a NATURAL/**/JOIN users AS b",
    "SELECT a.email FROM users AS a/* 'a' */NATURAL--\n JOIN users AS b",
    "SELECT a.email FROM users AS a JOIN users AS b ON ?1NATURAL JOIN users AS c",
    "SELECT a.email FROM users AS a JOIN users AS b ON 'x'NATURAL JOIN users AS c",
    "SELECT a.email FROM users AS a JOIN users AS b ON b.[id]NATURAL JOIN users AS c",
    "SELECT 1; SELECT a.email FROM users AS a JOIN users AS b USING (id)",
    "SELECT (SELECT a.email FROM users AS a FULL JOIN users AS b ON a.id = b.id)",
    'WITH "using" AS (SELECT 1) SELECT b.email FROM users JOIN users AS b USING (id)',
)


@on_sqlite
@pytest.mark.parametrize("sql", MERGING)
def test_a_join_that_merges_columns_is_refused_however_it_is_written(sql, connected):
    values = (1,) if "?1" in sql else ()
    connected(Role.OWNER).execute_sql(sql, values).fetchall()
    # The second statement of a text runs when the rows of the first are read.
    with pytest.raises((peewee.DatabaseError, apsw.AuthError), match="prohibited"):
        connected(Role.ADMIN).execute_sql(sql, values).fetchall()


@on_sqlite
def test_names_that_contain_the_words_are_fine(connected):
    for name in ("full_name", "naturalist", "using_it", "is_full", "full1"):
        assert is_allowed(connected(Role.CONSOLE), f"SELECT 1 AS {name}")


def test_a_hidden_value_is_neither_returned_nor_guessed(connected, cast, password_hash):
    known = f"(SELECT '{password_hash}' AS password_hash)"
    guesses = (
        f"SELECT email FROM users JOIN {known} AS x USING (password_hash)",
        f"SELECT email FROM users NATURAL JOIN {known} AS x",
        f"SELECT password_hash, email FROM users FULL JOIN {known} AS x USING (password_hash)",
    )
    for sql in guesses:
        assert connected(Role.OWNER).execute_sql(sql).fetchall()
        for role in (Role.CONSOLE, Role.ADMIN, Role.MAINTENANCE, Role.ACCESS_LOG):
            assert (role, sql, is_allowed(connected(role), sql)) == (role, sql, False)
