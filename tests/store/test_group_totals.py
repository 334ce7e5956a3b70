"""The totals of groups begin with the readers of the group, also without statistics."""

import pytest

from readwatch.store import group_totals
from readwatch.store.engine.bulk import BulkStatement
from readwatch.store.engine.connections import Database
from readwatch.store.engine.plans import query_plan
from readwatch.store.engine.statements import Statement

STATEMENTS = {
    name: statement
    for name, statement in vars(group_totals).items()
    if isinstance(statement, BulkStatement | Statement)
}


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", STATEMENTS)
def test_no_total_reads_the_readers_of_other_groups(name: str, db: Database) -> None:
    steps = query_plan(db, STATEMENTS[name].text(db))
    of_readers = [step for step in steps if step.startswith(("SEARCH u ", "SCAN u"))]
    assert all("INTEGER PRIMARY KEY" in step for step in of_readers)
    assert not [step for step in steps if step.startswith("SCAN") and "jsonb_each" not in step]
    hours = [step for step in steps if step.split()[1] == "h"]
    assert all("user_id=? AND hour>?" in step for step in hours)
