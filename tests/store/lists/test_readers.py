"""The progress of all readers, in each order."""

import pytest
from permits import LIST_ACCESS, ROW_ACCESS

from readwatch.domain.activities import Activity
from readwatch.domain.filters import parse
from readwatch.domain.users import UserRole
from readwatch.store.lists.query import ListQuery
from readwatch.store.lists.readers import ids_of_readers_named, reader_ids, reader_rows


def test_every_active_reader_has_a_line_by_name_also_the_absent(db, cast, clock, enter, post, join):
    join("Zoe Zander", reading_level="C2")
    join("Aaron Consultant", UserRole.CONSULTANT)
    suspended, deleted = join("Sam Suspended"), join("Del Deleted")
    db.execute_sql(f"UPDATE users SET is_active = FALSE WHERE id = {suspended.id}")
    db.execute_sql(
        f"UPDATE users SET deleted_at = '2026-11-22 12:00:00.000' WHERE id = {deleted.id}"
    )
    ben = enter(cast.ben)
    post(ben, Activity("page_read", "momo", duration_seconds=150))
    ids = reader_ids(db, LIST_ACCESS, ListQuery("full_name"), clock()).ids
    rows = {row.user_id: row for row in reader_rows(db, ROW_ACCESS, ids, clock())}
    ann, ben, zoe = (rows[id] for id in ids)
    assert [ann.full_name, ben.full_name, zoe.full_name] == [
        "Ann Archer",
        "Ben Baker",
        "Zoe Zander",
    ]
    assert (ben.total_reading_time_minutes, ben.total_sessions, ben.unique_content_read) == (
        2,
        1,
        1,
    )
    assert (ben.last_login, ben.last_activity_at) == (clock(), clock())
    assert (zoe.reading_level, zoe.last_login, zoe.last_activity_at) == ("C2", None, None)


@pytest.fixture
def three_readers(db, cast, clock, enter, post, join):
    """Ann reads most, Ben came last, and Zoe never was here."""
    join("zoe Zander", reading_level="C2")
    ann = enter(cast.ann)
    post(ann, *(Activity("page_read", name, duration_seconds=150) for name in ("momo", "faust")))
    clock.advance(hours=1)
    enter(cast.ben)
    post(enter(cast.ben), Activity("page_read", "momo", duration_seconds=70))


@pytest.mark.parametrize(
    ("sort", "up", "down"),
    [
        ("full_name", "Ann Ben zoe", "zoe Ben Ann"),
        ("reading_level", "zoe Ann Ben", "zoe Ann Ben"),
        ("total_reading_time_minutes", "zoe Ben Ann", "Ann Ben zoe"),
        ("total_sessions", "zoe Ann Ben", "Ben Ann zoe"),
        ("unique_content_read", "zoe Ben Ann", "Ann Ben zoe"),
        ("last_login", "Ben Ann zoe", "Ann Ben zoe"),
        ("last_activity_at", "Ben Ann zoe", "Ann Ben zoe"),
    ],
)
def test_each_column_sorts_both_ways_and_never_comes_last(db, clock, three_readers, sort, up, down):
    for descending, order in ((False, up), (True, down)):
        ids = reader_ids(db, LIST_ACCESS, ListQuery(sort, descending), clock()).ids
        names = {row.user_id: row.full_name for row in reader_rows(db, ROW_ACCESS, ids, clock())}
        assert " ".join(names[id].split()[0] for id in ids) == order


@pytest.mark.parametrize(
    ("words", "found"),
    [("level:c", 1), ("login>30m", 2), ("minutes>=1", 2), ("content:2 !ben", 1), ("zndr", 1)],
)
def test_a_filter_keeps_those_who_are_meant(db, clock, three_readers, words, found):
    query = ListQuery("full_name", False, parse(words))
    assert len(reader_ids(db, LIST_ACCESS, query, clock()).ids) == found


@pytest.mark.parametrize(
    ("words", "length", "names"),
    [
        (["a"], 20, ["Ann Archer", "Ben Baker"]),
        (["a"], 1, ["Ann Archer"]),
        (["BAKR", "ben"], 20, ["Ben Baker"]),
        (["cara"], 20, []),  # consultants are no readers
    ],
)
@pytest.mark.usefixtures("cast")
def test_of_many_readers_the_first_by_name_are_found(db, clock, words, length, names):
    ids = ids_of_readers_named(db, LIST_ACCESS, words, clock(), length=length).ids
    readers = {reader.user_id: reader for reader in reader_rows(db, ROW_ACCESS, ids, clock())}
    assert [readers[id].full_name for id in ids] == names
