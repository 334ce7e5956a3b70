"""Many rows in one statement."""

import pytest

from readwatch.store.engine.bulk import BulkStatement
from readwatch.store.engine.connections import driver_connection
from readwatch.store.identity import sessions
from readwatch.store.recording import activities, rollups

UNIQUE = (
    "PRIMARY KEY (rowid=?)",
    "PRIMARY KEY (user_id=? AND event_id=?)",
    "PRIMARY KEY (user_id=? AND content_id=?)",
    "idx_reader_profiles_user_id (user_id=?)",
)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_each_row_finds_its_match_by_a_unique_key(db):
    statements = [
        (name, statement)
        for module in (activities, rollups, sessions)
        for name, statement in vars(module).items()
        if isinstance(statement, BulkStatement)
    ]
    assert len(statements) >= 4
    for name, statement in statements:
        sql = f"EXPLAIN QUERY PLAN {statement.text(db)}"
        values = dict.fromkeys(("rows", "now"), "[]")
        steps = [step for *_, step in driver_connection(db).execute(sql, values)]
        matches = [step for step in steps if "kept" in step and not step.endswith(UNIQUE)]
        assert (name, matches) == (name, [])
