"""Fixed statements mean the same to both drivers, whatever their text contains."""

from readwatch.store.engine.compiled import CompiledQuery, Param
from readwatch.store.engine.models import Users
from readwatch.store.engine.statements import Statement


def test_a_text_in_quotes_is_no_parameter_and_a_percent_sign_is_itself(db):
    statement = Statement(
        """
        SELECT
            '100 % of :name' AS literal, 'it''s :name' AS quoted, 7 % 4 AS remainder,
            CASE WHEN :name LIKE 'Ann%' THEN 'yes' END AS matches,
            1 AS ":name"  -- not :name, and 100 %
        /* nor :name here, 100 % */
        """
    )
    row = list(statement(db, name="Ann Archer").fetchone())
    assert row == ["100 % of :name", "it's :name", 3, "yes", 1]


def test_a_percent_sign_is_itself_without_parameters_too(db):
    assert Statement("SELECT '%' AS sign, '%s' AS text").one_or_none(db) == ("%", "%s")


def test_a_constant_of_a_query_may_contain_both(db, join):
    eve = join("100% :name")
    query = CompiledQuery(
        Users.select(Users.id).where(Users.full_name == "100% :name", Users.email == Param("email"))
    )
    assert query.one_or_none(db, email=eve.email).id == eve.id


def test_a_cast_is_no_parameter(db):
    statement = Statement("SELECT CAST(:n AS text) AS n", postgresql="SELECT :n::text AS n")
    assert statement.scalar(db, n=7) == "7"
