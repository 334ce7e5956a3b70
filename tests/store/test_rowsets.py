"""Many rows in one statement."""

import pytest

from readwatch.store import activities, rollups, sessions
from readwatch.store.database import driver_of
from readwatch.store.rowsets import RowStatement


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_the_rows_are_gone_through_once_and_find_their_match_by_a_key(db):
    statements = [
        (name, statement)
        for module in (activities, rollups, sessions)
        for name, statement in vars(module).items()
        if isinstance(statement, RowStatement) and not name.endswith("_POSTGRESQL")
    ]
    assert len(statements) >= 8
    for name, statement in statements:
        sql = f"EXPLAIN QUERY PLAN {statement._statement._sqlite}"
        values = dict.fromkeys(("rows", "now"), "[]")
        rows, *matches = [step for *_, step in driver_of(db).execute(sql, values)]
        assert (name, rows[:15]) == (name, "SCAN jsonb_each")
        by_key = ("PRIMARY KEY (", "idx_reader_profiles_user_id (")
        assert (name, [m for m in matches if not any(k in m for k in by_key)]) == (name, [])
