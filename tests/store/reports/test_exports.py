"""Exports read page by page what was there at their start."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from conftest import NOON
from permits import LIST_ACCESS, ROW_ACCESS

from readwatch.domain.activities import Activity
from readwatch.store.engine.connections import Database
from readwatch.store.reports import exports
from readwatch.store.reports.exports import PAGE_LENGTH, ExportExtent, ExportKind, Selection

EVERY = Selection(ExportKind.ACTIVITIES)


@pytest.fixture
def two_pages(cast, enter, post):
    """Ann has read a page and a half, and Ben half a page."""
    for reader in (cast.ann, cast.ben):
        length = PAGE_LENGTH * 3 // 2 if reader is cast.ann else PAGE_LENGTH // 2
        post(enter(reader), *[Activity("page_read", "momo", "Momo")] * length)


def pages(db: Database, selection: Selection, extent: ExportExtent) -> Iterator[list[Any]]:
    readers = exports.reader_ids(db, LIST_ACCESS, selection, extent)
    return exports.pages(db, ROW_ACCESS, selection, extent, readers)


def ids(db: Database, selection: Selection, extent: ExportExtent) -> list[list[object]]:
    return [[row[0] for row in page] for page in pages(db, selection, extent)]


def test_a_page_has_a_limited_number_of_rows(db, two_pages):
    extent = exports.extent(db, LIST_ACCESS, EVERY)
    assert extent == ExportExtent(1, 2 * PAGE_LENGTH, pages=2)
    first, second = ids(db, EVERY, extent)
    assert first == [*range(1, PAGE_LENGTH + 1)]
    assert second == [*range(PAGE_LENGTH + 1, 2 * PAGE_LENGTH + 1)]


def test_rows_that_are_added_meanwhile_are_not_exported(db, two_pages, cast, enter, post):
    extent = exports.extent(db, LIST_ACCESS, EVERY)
    written = pages(db, EVERY, extent)
    assert len(next(written)) == PAGE_LENGTH
    post(enter(cast.ben), Activity("page_read", "emma", "Emma"))
    (rest,) = written
    assert rest[-1][0] == 2 * PAGE_LENGTH


def test_a_reader_whom_no_entry_names_is_not_exported(db, cast, enter, post):
    post(enter(cast.ann), Activity("page_read", "momo", "Momo"))
    selection = Selection(ExportKind.READERS, since=NOON - timedelta(days=1))
    extent = exports.extent(db, LIST_ACCESS, selection)
    written = pages(db, selection, extent)  # the readers are found, but no row is read yet
    post(enter(cast.ben), Activity("page_read", "emma", "Emma"))
    assert [[row[0] for row in page] for page in written] == [[cast.ann.id]]


def test_a_page_without_matching_rows_is_empty_and_the_next_one_follows(db, two_pages, cast):
    db.execute_sql("UPDATE reader_activities SET occurred_at = '2026-01-01' WHERE id < 2002")
    selection = Selection(ExportKind.ACTIVITIES, since=NOON - timedelta(days=1))
    extent = exports.extent(db, LIST_ACCESS, selection)
    assert [len(page) for page in ids(db, selection, extent)] == [0, PAGE_LENGTH - 1]


def test_an_export_of_a_reader_reads_only_the_pages_of_the_reader(db, two_pages, cast):
    selection = Selection(ExportKind.ACTIVITIES, cast.ben.id)
    extent = exports.extent(db, LIST_ACCESS, selection)
    first = PAGE_LENGTH * 3 // 2 + 1
    assert extent == ExportExtent(first, 2 * PAGE_LENGTH, pages=1)
    assert ids(db, selection, extent) == [[*range(first, 2 * PAGE_LENGTH + 1)]]


def test_the_first_pages_of_a_long_history_are_not_read_for_its_last_days(
    db, clock, cast, enter, post
):
    for _ in range(3):
        post(enter(cast.ann), Activity("page_read", "momo", "Momo"))
        clock.advance(days=30)
    post(enter(cast.ann), Activity("page_read", "momo", occurred_at=NOON))
    for since, first in ((NOON, 1), (NOON + timedelta(days=1), 2), (clock(), 4)):
        selection = Selection(ExportKind.ACTIVITIES, since=since)
        assert exports.extent(db, LIST_ACCESS, selection).first == first
    late = Selection(ExportKind.ACTIVITIES, since=clock() + timedelta(days=1))
    extent = exports.extent(db, LIST_ACCESS, late)
    assert extent.pages == 0
    assert ids(db, late, extent) == []


def test_readers_are_counted_only_until_they_are_more_than_a_few(
    db, two_pages, cast, join, enter, post, monkeypatch
):
    for name in ("Kim Keller", "Lea Lang"):
        post(enter(join(name)), Activity("page_read", "momo", "Momo"))
    post(enter(cast.ann), *[Activity("page_read", "momo", "Momo")] * 2 * PAGE_LENGTH)
    extent = exports.extent(db, LIST_ACCESS, EVERY)
    assert extent.pages == 5
    statements = []
    execute_sql = type(db).execute_sql

    def noted(self, sql, *values):
        statements.append(sql)
        return execute_sql(self, sql, *values)

    monkeypatch.setattr(type(db), "execute_sql", noted)
    assert len(exports.reader_ids(db, LIST_ACCESS, EVERY, extent)) == 4
    assert len([sql for sql in statements if "DISTINCT" in sql]) == 3


@pytest.mark.parametrize("kind", ExportKind)
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_no_page_scans_the_whole_table(db, two_pages, cast, kind, monkeypatch):
    """SQLite says SEARCH where it starts at a key, and SCAN where it reads from the beginning."""
    plans: list[str] = []
    execute_sql = type(db).execute_sql

    def explained(self, sql, values=None):
        if sql.lstrip().startswith("SELECT"):
            plans.extend(row[-1] for row in execute_sql(self, f"EXPLAIN QUERY PLAN {sql}", values))
        return execute_sql(self, sql, values)

    monkeypatch.setattr(type(db), "execute_sql", explained)
    for reader_id in (None, cast.ann.id):
        selection = Selection(kind, reader_id, NOON - timedelta(days=1), NOON + timedelta(days=1))
        extent = exports.extent(db, LIST_ACCESS, selection)
        exports.reader_ids(db, LIST_ACCESS, selection, extent)
        ids(db, selection, extent)
    scans = [plan for plan in plans if plan.startswith("SCAN")]
    assert plans
    assert set(scans) <= {"SCAN ids", "SCAN CONSTANT ROW"}
