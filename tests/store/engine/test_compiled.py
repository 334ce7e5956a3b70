"""Peewee expressions as statements."""

import pytest

from readwatch.store.engine.bulk import GIVEN, BulkStatement
from readwatch.store.engine.compiled import FALSE, TRUE, CompiledQuery, Param, is_true_unindexed
from readwatch.store.engine.connections import is_sqlite
from readwatch.store.engine.models import ActivityCounts, OnlineCounts, Users
from readwatch.store.engine.statements import Statement

READER = "O'Brien"
_BY_NAME = CompiledQuery(
    Users.select(Users.id, Users.full_name, (Users.id + 1).alias("next_id")).where(
        Users.full_name == Param("name"), Users.is_active == TRUE, Users.deleted_at.is_null()
    )
)
_SAVE = CompiledQuery(
    OnlineCounts.insert(
        {OnlineCounts.minute: Param("minute"), OnlineCounts.readers: Param("readers")}
    )
    .on_conflict(
        conflict_target=[OnlineCounts.minute],
        update={OnlineCounts.readers: OnlineCounts.readers + Param("readers")},
    )
    .returning(OnlineCounts.readers)
)
MINUTE = "2026-07-01 09:00:00.000"


def test_rows_have_the_names_of_the_columns(db, join):
    user = join(READER, email="brien@example.org")
    row = _BY_NAME.one_or_none(db, name=READER)
    assert (row.id, row.full_name, row.next_id) == (user.id, READER, user.id + 1)
    assert _BY_NAME.all(db, name=READER) == [row] == list(_BY_NAME.iterate(db, name=READER))


def test_without_rows_there_is_none(db):
    for _ in range(2):
        assert _BY_NAME.one_or_none(db, name="nobody") is None
        assert _BY_NAME.all(db, name="nobody") == []


def test_sql_names_its_rows_too(db):
    statement = Statement("SELECT :number + 1 AS successor, 'b' AS letter WHERE :number < 5")
    assert statement.one_or_none(db, number=9) is None
    assert statement.one_or_none(db, number=1).successor == 2
    assert [row.letter for row in statement.all(db, number=1)] == ["b"]
    assert statement.scalar(db, number=3) == 4


def test_a_parameter_may_stand_in_several_places(db):
    assert _SAVE.one_or_none(db, minute=MINUTE, readers=3).readers == 3
    assert _SAVE.one_or_none(db, minute=MINUTE, readers=4).readers == 7


def test_constants_stand_in_the_text(db):
    query = CompiledQuery(
        Users.select(Users.id).where(
            Users.full_name == READER,
            is_true_unindexed(Users.is_active),
            Users.email_verified == FALSE,
        )
    )
    assert "'O''Brien'" in query.text(db)
    assert " IS TRUE" in query.text(db)
    assert query.all(db) == []


def test_a_missing_or_misspelt_parameter_is_an_error(db):
    with pytest.raises(Exception, match="name"):
        _BY_NAME(db, nmae=READER)


def test_it_is_compiled_once_for_an_engine(db):
    assert _BY_NAME.text(db) is _BY_NAME.text(db)
    assert ("= :name" in _BY_NAME.text(db)) is is_sqlite(db)


@pytest.mark.parametrize(
    "statement",
    [
        ActivityCounts.insert_from(
            GIVEN.select(GIVEN.c.minute, GIVEN.c.kind, GIVEN.c.activities).where(TRUE),
            [ActivityCounts.minute, ActivityCounts.activity_type, ActivityCounts.activities],
        ),
        """
        WITH doubled AS (SELECT minute, kind, activities FROM given)
        INSERT INTO activity_counts (minute, activity_type, activities)
        SELECT minute, kind, activities FROM doubled
        """,
    ],
    ids=["Peewee", "SQL"],
)
def test_rows_that_are_passed_are_a_table(db, statement):
    columns = {"minute": "timestamptz", "kind": "text", "activities": "bigint"}
    BulkStatement(columns, statement)(db, [(MINUTE, "page_turned", 3), (MINUTE, "noted", 1)])
    counts = Statement("SELECT activity_type, activities FROM activity_counts ORDER BY 2")
    assert counts(db).fetchall() == [("noted", 1), ("page_turned", 3)]
