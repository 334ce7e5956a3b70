"""The report about a week reads only what arrived since the week before."""

from datetime import datetime, timedelta

import pytest
from conftest import NOON
from permits import LIST_ACCESS, ROW_ACCESS

from readwatch.domain.activities import Activity
from readwatch.domain.attention import DEFAULT_THRESHOLDS
from readwatch.domain.week import WeekReport, week_of
from readwatch.store.engine.connections import Database
from readwatch.store.reports import week as week_reports

PAGE = Activity("page_read", "momo", "Momo", 10, 60)
WEEK = week_of(NOON.date())


def report(db: Database, now: datetime = NOON + timedelta(minutes=1)) -> WeekReport:
    extent = week_reports.week_extent(db, LIST_ACCESS, WEEK, None, now)
    cases = week_reports.cases_of_week(db, LIST_ACCESS, extent, DEFAULT_THRESHOLDS)
    week_reports.readers_in_report(db, LIST_ACCESS, extent, cases)
    return week_reports.week_report(db, ROW_ACCESS, extent, cases)


def test_a_reader_without_durations_has_read(db, cast, enter, post):
    post(enter(cast.ann), Activity("page_read", "momo"))
    made = report(db)
    assert (made.totals.readers, made.totals.seconds) == (1, 0)
    (ann,) = made.readers
    assert ann.reading.has_read
    assert not ann.reading.had_read
    assert [title.title for title in ann.titles] == ["momo"]


def test_an_activity_at_the_edge_of_a_week_belongs_to_one_week(db, cast, clock, enter, post):
    for at in (WEEK.starts[0], WEEK.end):
        for step in (timedelta(milliseconds=-1), timedelta(0)):
            clock.moment = at + step
            post(enter(cast.ann), PAGE)
    made = report(db, WEEK.end + timedelta(days=9))
    assert made.seconds_by_day_before == (0, 0, 0, 0, 0, 0, 60)
    assert made.seconds_by_day == (60, 0, 0, 0, 0, 0, 60)


def test_a_reader_whom_no_entry_names_is_not_in_the_report(db, cast, enter, post):
    post(enter(cast.ann), PAGE)
    extent = week_reports.week_extent(db, LIST_ACCESS, WEEK, None, NOON + timedelta(minutes=1))
    assert week_reports.readers_in_report(db, LIST_ACCESS, extent, ()) == {cast.ann.id}
    post(enter(cast.ben), PAGE)
    made = week_reports.week_report(db, ROW_ACCESS, extent, ())
    assert [reader.full_name for reader in made.readers] == [cast.ann.full_name]
    assert [title.readers for title in made.titles] == [1]


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_no_statement_reads_the_activities_of_older_weeks(
    db, cast, clock, enter, post, monkeypatch
):
    clock.advance(days=-60)
    post(enter(cast.ann), *[PAGE] * 500)
    clock.moment = NOON
    post(enter(cast.ann), *[PAGE] * 5)
    plans: list[str] = []
    execute_sql = type(db).execute_sql

    def explained(self, sql, values=None):
        if sql.lstrip().startswith(("SELECT", "WITH")):
            plans.extend(row[-1] for row in execute_sql(self, f"EXPLAIN QUERY PLAN {sql}", values))
        return execute_sql(self, sql, values)

    monkeypatch.setattr(type(db), "execute_sql", explained)
    db.execute_sql("ANALYZE")
    made = report(db)
    assert made.totals.seconds == 300
    of_activities = [plan for plan in plans if " a " in plan or "reader_activities" in plan]
    starts = {"INTEGER PRIMARY KEY (rowid", "INDEX idx_activities_created_at (created_at>"}
    starts |= {"INDEX idx_activities_user_id (user_id=? AND rowid>"}
    assert len(of_activities) >= 5
    for plan in of_activities:
        assert plan.startswith("SEARCH"), plan
        assert any(start in plan for start in starts), plan
