"""Each list, filter and figure shows a consultant of groups only the readers of these groups."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from grouped import limit, put_into
from listed import newest_activities

from readwatch.domain.activities import Activity
from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.errors import ReadwatchError
from readwatch.domain.filters import parse
from readwatch.store.audit import scope
from readwatch.store.audit.log import (
    ListAccess,
    access_without_entry,
    list_access,
    log_event,
)
from readwatch.store.engine.connections import Database
from readwatch.store.engine.privileges import Role
from readwatch.store.identity import groups
from readwatch.store.lists import access_log, attention, day, feed, online, past_online, readers
from readwatch.store.lists.query import ListQuery
from readwatch.store.totals import activities_per_minute

Listed = Callable[[Database, ListAccess, datetime], set[int | None]]


def _by(ids, **query) -> Listed:
    terms = parse(query.pop("filter", ""), finished=True)
    listed = ListQuery(terms=terms, **query)
    return lambda db, access, now: {*ids(db, access, listed, now).reader_ids}


LISTS: dict[str, Listed] = {
    "online by name": _by(online.online_ids, sort="full_name"),
    "online by presence": _by(online.online_ids, sort="presence"),
    "online filtered": _by(online.online_ids, sort="full_name", filter="a"),
    "all readers": _by(readers.reader_ids, sort="full_name"),
    "readers filtered": _by(readers.reader_ids, sort="last_login", filter="!zzz"),
    "activities": _by(feed.activity_ids, sort="created_at", descending=True),
    "activities by name": _by(feed.activity_ids, sort="full_name"),
    "activities filtered": _by(feed.activity_ids, sort="created_at", filter="type:page"),
    "who was online": _by(past_online.past_online_ids, sort="full_name"),
    "who was online filtered": _by(past_online.past_online_ids, sort="presence", filter="a"),
    "past activities": _by(feed.past_activity_ids, sort="created_at", descending=True),
    "past activities filtered": _by(feed.past_activity_ids, sort="created_at", filter="type:page"),
    "a day": _by(day.day_ids, sort="began_at"),
    "a day filtered": _by(day.day_ids, sort="full_name", filter="e"),
    "the access log": _by(access_log.access_log_ids, sort="created_at"),
    "the access log filtered": _by(access_log.access_log_ids, sort="created_at", filter="viewed"),
    "a page of the feed": lambda db, access, _: {
        *feed.feed_page(db, access, after=None, length=50).reader_ids
    },
    "the next page of the feed": lambda db, access, _: {
        *feed.feed_page(db, access, after=0, length=50).reader_ids
    },
    "the palette": lambda db, access, now: {
        *readers.ids_of_readers_named(db, access, ["e"], now, length=9).reader_ids
    },
    "attention": lambda db, access, _: {*attention.active_readers(db, access, range(9))},
}


@pytest.fixture
def console(connected):
    """All of it is read with the rights of the console."""
    return connected(Role.CONSOLE)


@pytest.fixture(autouse=True)
def all_have_read(db, cast, clock, enter, post, connected):
    """Ann and Ben are online and have read, and Cara has opened both of their pages."""
    for reader in (cast.ann, cast.ben):
        post(enter(reader), Activity("page_read", "hobbit", "The Hobbit", 10, 60))
        event = AuditEvent(cast.cara.id, AuditAction.VIEWED_READER_PROFILE, reader.id, "page")
        log_event(connected(Role.ACCESS_LOG), event, clock())


@pytest.mark.parametrize(
    ("name", "few_readers"),
    [
        *((name, 1_000) for name in LISTS),
        *((name, 0) for name in LISTS if "activities" in name or "feed" in name),
    ],
)
def test_a_list_has_only_readers_of_the_groups(
    db, console, cast, clock, monkeypatch, name, few_readers
):
    monkeypatch.setattr(feed, "FEW_READERS", few_readers)
    monkeypatch.setattr(scope, "FEW_READERS", few_readers)

    def listed(user) -> set[int | None]:
        return LISTS[name](console, list_access(console, user.id), clock()) - {None}

    both = {cast.ann.id, cast.ben.id}
    assert listed(cast.cara) == both, "without an assignment"
    put_into(db, "4a", cast.ann)
    group = put_into(db, "4b", cast.ben)
    limit(db, cast.cara, "4b")
    assert listed(cast.cara) == {cast.ben.id}
    assert listed(cast.dora) == both, "an admin is not limited"
    groups.delete_group(db, group, clock())
    assert listed(cast.cara) == set(), "a deleted group shows nobody"


@pytest.mark.parametrize("few_readers", [1_000, 0])
def test_figures_count_only_readers_of_the_groups(
    db, console, cast, clock, monkeypatch, few_readers
):
    monkeypatch.setattr(scope, "FEW_READERS", few_readers)
    put_into(db, "4b", cast.ben)
    limit(db, cast.cara, "4b")

    def figures(user) -> tuple[int, int]:
        own = list_access(console, user.id).scope
        counts = activities_per_minute(console, own, clock())
        return online.count_online(console, own, clock()), sum(it.activities for it in counts)

    assert (figures(cast.cara), figures(cast.dora)) == ((1, 1), (2, 2))


def test_a_reader_in_two_groups_is_listed_once(db, console, cast, clock):
    for name in ("4b", "chess"):
        put_into(db, name, cast.ben)
        limit(db, cast.cara, name)
    access = list_access(console, cast.cara.id)
    assert readers.reader_ids(console, access, ListQuery("full_name"), clock()).ids == (
        cast.ben.id,
    )
    newest = ListQuery("created_at", descending=True)
    assert len(feed.activity_ids(console, access, newest, clock()).ids) == 1


@pytest.mark.parametrize(
    ("filter", "found"),
    [("group:4b", ["ben"]), ("group:4", ["ann", "ben"]), ("!group:4b", ["ann"]), ("group:b", [])],
)
def test_a_filter_by_group_matches_the_beginning_of_a_name(db, console, cast, clock, filter, found):
    put_into(db, "4a", cast.ann)
    put_into(db, "4b", cast.ben)
    access = list_access(console, cast.dora.id)
    query = ListQuery("full_name", terms=parse(filter, finished=True))
    expected = {getattr(cast, name).id for name in found}
    for ids in (readers.reader_ids, online.online_ids, feed.activity_ids):
        assert {*ids(console, access, query, clock()).reader_ids} == expected


def test_a_filter_tells_nothing_about_groups_of_others(db, console, cast, clock):
    put_into(db, "4b", cast.ben)
    put_into(db, "therapy", cast.ben)
    limit(db, cast.cara, "4b")

    def found(user) -> tuple[int, ...]:
        query = ListQuery("full_name", terms=parse("group:therapy", finished=True))
        return readers.reader_ids(console, list_access(console, user.id), query, clock()).ids

    assert (found(cast.cara), found(cast.dora)) == ((), (cast.ben.id,))


def test_the_feed_of_a_group_has_no_gap(db, console, cast, clock, enter, post, monkeypatch):
    """Ann has many activities, Ben few: what is older than the oldest searched one of Ann is left
    out for Ben as well, unless the feed of everybody goes back so far."""
    put_into(db, "4b", cast.ann, cast.ben)
    limit(db, cast.cara, "4b")
    post(enter(cast.ann), *(Activity("page_read", content_id=str(n)) for n in range(9)))
    monkeypatch.setattr(feed, "MAX_ROWS_SEARCHED", 8)  # four of each
    access = list_access(console, cast.cara.id)
    every = [activity.id for activity in newest_activities(db, clock())][::-1]
    assert feed.feed_page(console, access, after=None, length=50).ids == tuple(every[-8:])
    assert feed.feed_page(console, access, after=every[-5], length=2).ids == tuple(every[-4:-2])
    with pytest.raises(ReadwatchError, match=f"goes back to there: use {every[-9]} or a later id"):
        feed.feed_page(console, access, after=every[-10], length=2)


def test_the_feed_of_a_quiet_group_goes_further_back_than_that_of_everybody(
    db, console, cast, clock, enter, post, monkeypatch
):
    put_into(db, "4b", cast.ben)
    limit(db, cast.cara, "4b")
    post(enter(cast.ann), *(Activity("page_read", content_id=str(n)) for n in range(9)))
    monkeypatch.setattr(feed, "MAX_ROWS_SEARCHED", 4)
    pages = [
        feed.feed_page(console, list_access(console, user.id), after=None, length=50)
        for user in (cast.dora, cast.cara)
    ]
    assert [{*page.reader_ids} for page in pages] == [
        {cast.ann.id, cast.ben.id},
        {cast.ben.id},
    ]


def test_ids_from_before_an_assignment_give_no_rows_of_others(db, console, cast, clock):
    """As of an export whose form was open meanwhile."""
    both = list_access(console, cast.cara.id)
    ids = feed.activity_ids(console, both, ListQuery("created_at", descending=True), clock()).ids
    put_into(db, "4b", cast.ben)
    limit(db, cast.cara, "4b")
    rows = access_without_entry(list_access(console, cast.cara.id))
    readers_of = (cast.ann.id, cast.ben.id)
    now = clock()
    for found in (
        feed.activity_rows(console, rows, ids, now),
        online.online_rows(console, rows, readers_of, now),
        online.online_readers(console, rows, readers_of, now),
        readers.reader_rows(console, rows, readers_of, now),
        attention.attention_readers(console, rows, readers_of, now),
    ):
        assert [row.user_id for row in found] == [cast.ben.id]


def test_the_past_of_a_consultant_shows_no_reader_of_others(db, console, cast, clock):
    log_event(db, AuditEvent(cast.cara.id, AuditAction.LOGGED_IN), clock() + timedelta(seconds=1))
    put_into(db, "4b", cast.ben)
    limit(db, cast.cara, "4b")
    access = list_access(console, cast.cara.id)
    ids = access_log.access_log_ids(console, access, ListQuery("created_at"), clock())
    assert {*ids.reader_ids} == {cast.ben.id, None}, "the login stays"


def test_lists_name_the_groups_of_a_reader_that_the_user_knows(db, cast, clock, enter):
    put_into(db, "4b", cast.ann)
    put_into(db, "reading club", cast.ann)
    deleted = put_into(db, "old", cast.ann)
    db.execute_sql(f"UPDATE reader_groups SET deleted_at = created_at WHERE id = {deleted.id}")
    enter(cast.ann)
    limit(db, cast.cara, "4b")
    ids = [cast.ann.id]
    for who, names in ((cast.dora, "4b, reading club"), (cast.cara, "4b")):
        rows = access_without_entry(list_access(db, who.id))
        named = [
            online.online_rows(db, rows, ids, clock())[0].group,
            readers.reader_rows(db, rows, ids, clock())[0].group,
            attention.attention_readers(db, rows, ids, clock())[0].group,
        ]
        assert named == [names] * 3
