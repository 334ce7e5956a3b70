"""The groups with their figures: who is counted, for whom, and how current they are."""

from collections.abc import Callable

import pytest
from conftest import Cast, Connections, StillClock
from grouped import limit, put_into
from permits import LIST_ACCESS, ROW_ACCESS
from reading_app import ReadingApp

from readwatch.domain.arrivals import NO_ARRIVALS
from readwatch.domain.attention import DEFAULT_THRESHOLDS
from readwatch.domain.filters import parse
from readwatch.domain.users import UserRole
from readwatch.monitor.attention import Attention
from readwatch.monitor.groups import READ_AGAIN_AFTER, GroupItem, Groups
from readwatch.store.audit.log import access_without_entry, list_access
from readwatch.store.audit.scope import ALL_READERS
from readwatch.store.engine.connections import Database
from readwatch.store.engine.privileges import Role
from readwatch.store.identity.users import NewUser, add_user
from readwatch.store.lists.query import ListQuery

FourReaders = tuple[ReadingApp, ReadingApp, ReadingApp, ReadingApp]
Joins = Callable[[str], ReadingApp]
Look = Callable[..., list[GroupItem]]


@pytest.fixture
def attention() -> Attention:
    return Attention(DEFAULT_THRESHOLDS)


@pytest.fixture
def groups(attention: Attention) -> Groups:
    return Groups(attention)


@pytest.fixture
def look(connected: Connections, groups: Groups, clock: StillClock) -> Look:
    """`look()` is the list of groups; `look("online", filter="4")` is sorted and filtered."""

    console = connected(Role.CONSOLE)

    def look(sort: str = "name", *, descending: bool = False, filter: str = "") -> list[GroupItem]:
        query = ListQuery(sort, descending, parse(filter))
        ids = groups.ids(console, LIST_ACCESS, query, clock()).ids
        items = {it.group_id: it for it in groups.items(console, ROW_ACCESS, ids, clock())}
        return [items[id] for id in ids]

    return look


@pytest.fixture
def joins(db: Database, clock: StillClock) -> Joins:
    """`joins("Eve Early")` adds a reader, whose app it is."""

    def joins(full_name: str) -> ReadingApp:
        email = f"{full_name.replace(' ', '.').lower()}@example.org"
        new = NewUser(email=email, full_name=full_name, user_role=UserRole.READER, password_hash="")
        return ReadingApp(db, add_user(db, new, clock()), clock)

    return joins


@pytest.fixture
def four_b(db: Database, ann: ReadingApp, ben: ReadingApp, joins: Joins) -> FourReaders:
    """Ann, Ben, Eve and Fred, the readers of 4b."""
    readers = (ann, ben, joins("Eve Early"), joins("Fred Fox"))
    put_into(db, "4b", *(app.user for app in readers))
    return readers


def test_a_group_has_the_figures_of_its_readers(
    four_b: FourReaders, look: Look, db: Database, clock: StillClock, attention: Attention
) -> None:
    ann, ben, eve, fred = four_b
    clock.advance(days=-7)
    ann.reads("Momo", 10, duration_seconds=600)
    ann.logs_out()
    clock.advance(days=6)
    eve.reads("Emma", 80, duration_seconds=1200)
    eve.logs_out()
    fred.reads("Momo", 5, duration_seconds=1)
    fred.logs_out()
    clock.advance(days=1)
    ben.reads("Momo", 30, duration_seconds=300)
    ann.reads("Momo", 20, duration_seconds=300)
    ann.reads("Momo", None, activity_type="quiz_completed", metadata='{"score":40}')
    attention.refresh(db, LIST_ACCESS, clock(), NO_ARRIVALS)

    [group] = look()

    assert (group.name, group.readers, group.online, group.in_need) == ("4b", 4, 2, 1)
    assert group.reading is not None
    assert group.reading.read_today == 2
    assert group.reading.seconds_by_day[-8:] == (600, 0, 0, 0, 0, 0, 1201, 645)
    assert group.reading.seconds_this_week == 1846
    assert group.reading.median_progress == 20


def test_a_reader_who_is_suspended_or_in_another_group_does_not_count(
    four_b: FourReaders, look: Look, db: Database, joins: Joins
) -> None:
    others = [joins(f"Zoe Z{number}") for number in range(4)]
    put_into(db, "5a", *(app.user for app in others), four_b[0].user)
    for app in (*others, *four_b):
        app.reads(duration_seconds=60)
    db.execute_sql(f"UPDATE users SET is_active = FALSE WHERE id = {others[0].user.id}")
    [of_5a] = look(filter="5a")
    assert (of_5a.readers, of_5a.online) == (4, 4)
    assert of_5a.reading
    assert (of_5a.reading.read_today, of_5a.reading.seconds_this_week) == (4, 240)


def test_a_group_of_three_has_no_figures_and_no_detail(
    look: Look, groups: Groups, db: Database, clock: StillClock, ann: ReadingApp, ben: ReadingApp
) -> None:
    group = put_into(db, "small", ann.user, ben.user)
    ann.reads()
    assert look() == [GroupItem(group.id, group.name, 2)]
    assert groups.detail(db, ALL_READERS, group.id, clock()) is None


def test_figures_do_not_outlast_the_readers_of_the_group(
    four_b: FourReaders, look: Look, groups: Groups, db: Database, clock: StillClock
) -> None:
    for app in four_b:
        app.reads()
    [group] = look()
    assert groups.detail(db, ALL_READERS, group.group_id, clock()) is not None
    db.execute_sql(f"UPDATE users SET is_active = FALSE WHERE id = {four_b[0].user.id}")
    assert look() == [GroupItem(group.group_id, group.name, 3)]
    assert groups.detail(db, ALL_READERS, group.group_id, clock()) is None


def test_slow_figures_are_read_again_after_half_a_minute_and_the_others_at_once(
    four_b: FourReaders, look: Look, clock: StillClock
) -> None:
    assert (look()[0].online, look()[0].reading) == (0, None)
    for app in four_b:
        app.reads()
    assert (look()[0].online, look()[0].reading) == (4, None)
    clock.advance(seconds=READ_AGAIN_AFTER.total_seconds())
    [group] = look()
    assert group.reading
    assert group.reading.read_today == 4


def test_a_group_in_which_three_have_read_has_no_figures_of_reading(
    four_b: FourReaders, look: Look, groups: Groups, db: Database, clock: StillClock
) -> None:
    for app in four_b[:3]:
        app.reads()
    [group] = look()
    assert (group.online, group.reading) == (3, None)
    assert groups.detail(db, ALL_READERS, group.group_id, clock()) is None


def test_the_detail_says_when_what_and_how_far(
    four_b: FourReaders,
    groups: Groups,
    look: Look,
    connected: Connections,
    clock: StillClock,
) -> None:
    ann, ben, eve, fred = four_b
    clock.advance(days=-40)
    fred.reads("Dracula", None, duration_seconds=60)
    clock.advance(days=40)
    ann.reads("Momo", 10, duration_seconds=600)
    ann.reads("Emma", 50, duration_seconds=600)
    ben.reads("Momo", 95, duration_seconds=300)
    eve.reads("Momo", 100, duration_seconds=29)
    fred.reads("Dracula", 5, duration_seconds=1)
    [group] = look()

    console = connected(Role.CONSOLE)
    detail = groups.detail(console, ALL_READERS, group.group_id, clock())

    assert detail is not None
    assert [(title.title, title.readers) for title in detail.titles] == [
        ("Momo", 3),
        ("Dracula", 1),
        ("Emma", 1),
    ]
    assert detail.readers_by_progress == (1, 0, 1, 0, 2)
    here = clock().astimezone()
    assert detail.seconds_by_hour[here.weekday()][here.hour] == 1530
    assert sum(map(sum, detail.seconds_by_hour)) == sum(detail.seconds_by_day) == 1530
    assert detail.days[-1] == here.date()


def test_hours_and_progress_of_one_reader_among_four_are_not_shown(
    four_b: FourReaders, look: Look, groups: Groups, db: Database, clock: StillClock
) -> None:
    ann, *others = four_b
    ann.reads("Momo", 40, duration_seconds=600)
    for app in others:
        app.reads("Momo", None, duration_seconds=None)
    assert look()[0].reading is None
    clock.advance(minutes=1)
    for app in others:
        app.reads("Momo", None, duration_seconds=60)
    [group] = look()
    assert group.reading is not None
    assert group.reading.median_progress is None
    detail = groups.detail(db, ALL_READERS, group.group_id, clock())
    assert detail is not None
    assert sum(detail.readers_by_progress) == 0


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("name", "4b 5a tiny"),
        ("readers", "tiny 4b 5a"),
        ("online", "5a 4b tiny"),
        ("read_today", "4b 5a tiny"),
        ("seconds_this_week", "4b 5a tiny"),
        ("trend", "4b 5a tiny"),
        ("median_progress", "4b tiny 5a"),
        ("in_need", "5a 4b tiny"),
    ],
)
def test_each_column_sorts_both_ways_and_groups_without_the_figure_come_last(
    sort: str,
    order: str,
    four_b: FourReaders,
    look: Look,
    db: Database,
    joins: Joins,
    attention: Attention,
    clock: StillClock,
) -> None:
    put_into(db, "5a", *(joins(f"Zoe Z{number}").user for number in range(5)))
    put_into(db, "tiny", four_b[0].user)
    for app in four_b:
        app.reads("Momo", 20, activity_type="quiz_completed", metadata='{"score":40}')
    attention.refresh(db, LIST_ACCESS, clock(), NO_ARRIVALS)
    up, down = look(sort), look(sort, descending=True)
    last = [item for item in up if sort not in {"name", "readers"} and _lacks(item, sort)]
    assert down == [*(item for item in up[::-1] if item not in last), *last]
    assert [item.name for item in up if item not in last] == [
        name for name in order.split() if name not in {item.name for item in last}
    ]


def _lacks(item: GroupItem, column: str) -> bool:
    of_item = item.online if column in {"online", "in_need"} else item.reading
    return of_item is None or getattr(item.reading, column, 0) is None


@pytest.mark.parametrize(
    ("filter", "names"), [("4", "4a 4b"), ("name=4B", "4b"), ("readers>3", "4b")]
)
def test_a_filter_keeps_the_groups_that_are_meant(
    filter: str, names: str, four_b: FourReaders, look: Look, db: Database
) -> None:
    put_into(db, "4a", four_b[0].user)
    put_into(db, "5c", four_b[1].user)
    assert [item.name for item in look(filter=filter)] == names.split()


def test_a_consultant_of_groups_sees_these_alone(
    four_b: FourReaders, groups: Groups, db: Database, cast: Cast, clock: StillClock, joins: Joins
) -> None:
    other = put_into(db, "5a", *(joins(f"Zoe Z{number}").user for number in range(4)))
    limit(db, cast.cara, "4b")
    access = list_access(db, cast.cara.id)
    [group_id] = groups.ids(db, access, ListQuery("name"), clock()).ids
    rows = access_without_entry(access)
    for app in four_b:
        app.reads()
    [item] = groups.items(db, rows, [group_id, other.id], clock())
    assert item.name == "4b"
    assert groups.detail(db, access.scope, group_id, clock()) is not None
    assert groups.detail(db, access.scope, other.id, clock()) is None


def test_a_deleted_group_is_not_listed(
    four_b: FourReaders, look: Look, groups: Groups, db: Database, clock: StillClock
) -> None:
    [group] = look()
    db.execute_sql("UPDATE reader_groups SET deleted_at = created_at")
    assert look() == []
    assert groups.items(db, ROW_ACCESS, [group.group_id], clock()) == ()
