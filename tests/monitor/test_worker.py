"""The worker's thread: snapshots, results of requests, and what it refuses, on a real database."""

import shutil
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import NOON, PASSWORD, Cast, StillClock
from copies import put_in_place_of
from grouped import limit, put_into
from monitor.conftest import TIMEOUT_SECONDS, Monitor, OpenMonitor
from reading_app import ReadingApp, add_readers

from readwatch.domain.arrivals import Stop
from readwatch.domain.audit import AuditAction
from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.domain.filters import parse
from readwatch.domain.presence import OnlineCount
from readwatch.monitor.events import (
    ConnectionLost,
    LoggedOut,
    QueryRefused,
    ReaderRefused,
    ReadersReady,
    ViewSnapshotReady,
)
from readwatch.monitor.online import OnlineItem
from readwatch.monitor.snapshots import View
from readwatch.monitor.viewport import Viewport
from readwatch.monitor.views import VIEW_OPTIONS
from readwatch.monitor.worker import ReadItems
from readwatch.store.engine.connections import Database
from readwatch.store.engine.sqlite import sqlite_path
from readwatch.store.identity import accounts, users
from readwatch.store.lists.query import ListQuery


@contextmanager
def renamed_table(db: Database, table: str) -> Iterator[None]:
    """Make each query of a table fail, on both engines."""
    db.execute_sql(f"ALTER TABLE {table} RENAME TO renamed")
    yield
    db.execute_sql(f"ALTER TABLE renamed RENAME TO {table}")


def nothing(_read: ReadItems) -> None:
    """Do nothing once the entry is on disk."""


def logged_actions(db: Database) -> list[str]:
    rows = db.execute_sql("SELECT action_type FROM consultant_access_log ORDER BY id")
    return [action for (action,) in rows]


def named(db: Database) -> list[tuple[str, int | None]]:
    """The details of each entry, and the reader whom it names."""
    rows = db.execute_sql(
        "SELECT action_details, target_user_id FROM consultant_access_log ORDER BY id"
    )
    return [(details, reader) for details, reader in rows]


def filtered(monitor: Monitor, view: View, words: str) -> ListQuery:
    """Let the monitor watch a view with a filter, and return the query."""
    query = replace(VIEW_OPTIONS[view].first_query(), terms=parse(words))
    monitor.worker.watch_view(view, query, Viewport(20))
    return query


def titles(event: ViewSnapshotReady) -> list[str | None]:
    items: Iterable[Any] = event.snapshot.items
    return [item.content_title for item in items]


def test_a_change_is_in_the_next_snapshot(open_monitor: OpenMonitor, ann: ReadingApp) -> None:
    ann.reads("Dracula")
    monitor = open_monitor()
    monitor.watch()
    assert titles(monitor.next(ViewSnapshotReady)) == ["Dracula"]
    ann.reads("Faust")
    monitor.next(ViewSnapshotReady, lambda event: titles(event) == ["Faust"])


def test_many_requests_do_not_hold_up_the_snapshots(
    open_monitor: OpenMonitor, ann: ReadingApp
) -> None:
    ann.reads("Dracula")
    monitor, is_over = open_monitor(), threading.Event()

    def fetch_again(_: object) -> None:
        if not is_over.is_set():
            future = monitor.worker.fetch_items(View.ONLINE, (ann.user.id,))
            future.add_done_callback(fetch_again)

    monitor.watch()
    fetch_again(None)
    monitor.next(ViewSnapshotReady, lambda event: titles(event) == ["Dracula"])
    ann.reads("Faust")
    monitor.next(ViewSnapshotReady, lambda event: titles(event) == ["Faust"])
    is_over.set()


def test_a_lost_database_is_reported_since_the_first_failure_until_it_answers(
    open_monitor: OpenMonitor, ann: ReadingApp, db: Database, clock: StillClock
) -> None:
    monitor = open_monitor()
    monitor.watch()
    monitor.next(ViewSnapshotReady)
    with renamed_table(db, "users"):
        assert monitor.next(ConnectionLost).since == NOON
        clock.advance(seconds=40)
        assert monitor.next(ConnectionLost).since == NOON
    ann.reads("Dracula")
    monitor.next(ViewSnapshotReady, lambda event: titles(event) == ["Dracula"])


def test_items_that_could_not_be_read_come_with_the_next_snapshot(
    open_monitor: OpenMonitor, ann: ReadingApp, db: Database
) -> None:
    ann.reads("Dracula")
    monitor = open_monitor()
    monitor.watch()
    monitor.next(ViewSnapshotReady)
    with renamed_table(db, "reader_profiles"):
        items = monitor.worker.fetch_items(View.ONLINE, (ann.user.id,))
        monitor.next(ConnectionLost)
        assert not items.done()
    [item] = items.result(TIMEOUT_SECONDS)
    assert isinstance(item, OnlineItem)
    assert item.user_id == ann.user.id


def test_an_invalid_query_is_refused_and_the_last_valid_one_goes_on(
    open_monitor: OpenMonitor, ann: ReadingApp
) -> None:
    ann.reads("Dracula")
    monitor = open_monitor(mask=True)
    monitor.watch()
    valid = monitor.next(ViewSnapshotReady).snapshot.query
    invalid = replace(valid, terms=parse("reader:ann"), masked=True)
    monitor.worker.watch_view(View.ONLINE, invalid, Viewport(20))
    assert monitor.next(QueryRefused).query == invalid
    ann.reads("Faust")
    event = monitor.next(ViewSnapshotReady, lambda event: titles(event) == ["Faust"])
    assert event.snapshot.query == valid


def test_a_filter_that_leaves_one_reader_names_the_reader_before_the_rows_are_shown(
    open_monitor: OpenMonitor, ann: ReadingApp, ben: ReadingApp, db: Database
) -> None:
    ann.reads_all(["Dracula", "Faust"])
    ben.reads("Emma")
    monitor = open_monitor()
    monitor.watch(View.ACTIVITY)
    monitor.next(ViewSnapshotReady)
    assert named(db) == []
    query = filtered(monitor, View.ACTIVITY, "name:ann")
    snapshot = monitor.next(ViewSnapshotReady, lambda event: event.snapshot.query == query)
    assert sorted(map(str, titles(snapshot))) == ["Dracula", "Faust"]
    ann.reads("Momo")
    monitor.next(ViewSnapshotReady, lambda event: "Momo" in titles(event))
    details = "console, activity, filter of 1 term"
    assert named(db) == [(details, ann.user.id)]
    filtered(monitor, View.ACTIVITY, "momo")
    monitor.next(ViewSnapshotReady, lambda event: titles(event) == ["Momo"])
    assert named(db) == [(details, ann.user.id)], "her row stays on the screen"


def test_a_reader_who_comes_into_an_open_filter_is_named_then(
    open_monitor: OpenMonitor, ann: ReadingApp, ben: ReadingApp, db: Database
) -> None:
    ann.reads("Dracula")
    monitor = open_monitor()
    filtered(monitor, View.ONLINE, "dracula")
    monitor.next(ViewSnapshotReady, lambda event: titles(event) == ["Dracula"])
    ben.reads("Dracula")
    monitor.next(ViewSnapshotReady, lambda event: titles(event) == ["Dracula"] * 2)
    assert [reader for _, reader in named(db)] == [ann.user.id, ben.user.id]


def test_rows_that_cannot_be_logged_are_not_shown_and_the_list_of_before_goes_on(
    open_monitor: OpenMonitor, ann: ReadingApp, db: Database
) -> None:
    ann.reads("Dracula")
    monitor = open_monitor()
    monitor.watch()
    unfiltered = monitor.next(ViewSnapshotReady).snapshot.query
    with renamed_table(db, "consultant_access_log"):
        query = filtered(monitor, View.ONLINE, "ann")
        refused = monitor.next(QueryRefused)
        assert refused.query == query
        assert refused.reason.startswith("these rows are not shown: the access could not be logged")
        ann.reads("Faust")
        event = monitor.next(ViewSnapshotReady, lambda event: titles(event) == ["Faust"])
        assert event.snapshot.query == unfiltered
    filtered(monitor, View.ONLINE, "ann")
    monitor.next(ViewSnapshotReady, lambda event: event.snapshot.query == query)
    assert [reader for _, reader in named(db)] == [ann.user.id]


def test_a_search_of_the_palette_names_few_readers_once_while_it_is_open(
    open_monitor: OpenMonitor, cast: Cast, db: Database
) -> None:
    monitor = open_monitor()
    for palette, words in ((1, "an"), (1, "ann"), (1, "ann arch"), (2, "ann arch")):
        readers = monitor.worker.find_readers(words, palette).result(TIMEOUT_SECONDS)
        assert [reader.user_id for reader in readers] == [cast.ann.id]
    assert named(db) == [
        ("console, palette, filter of 1 term", cast.ann.id),
        ("console, palette, filter of 2 terms", cast.ann.id),
    ]


def test_an_export_of_the_rows_of_few_readers_names_them(
    open_monitor: OpenMonitor, cast: Cast, db: Database
) -> None:
    monitor, ann, ben = open_monitor(), cast.ann.id, cast.ben.id
    action, nobody = AuditAction.EXPORTED_VIEW, None
    for readers in ([ben, ann, None, ann], [1, 2, 3, 4], []):
        monitor.worker.log_and_run(action, readers, "csv", nothing).result(TIMEOUT_SECONDS)
    details = "console, csv"
    assert named(db) == [(details, ann), (details, ben), (details, nobody), (details, nobody)]


def test_a_page_that_is_closed_before_its_request_begins_is_not_logged(
    open_monitor: OpenMonitor, cast: Cast, db: Database
) -> None:
    monitor, is_running, is_over = open_monitor(), threading.Event(), threading.Event()

    def takes_long(_: ReadItems) -> None:
        is_running.set()
        is_over.wait(TIMEOUT_SECONDS)

    monitor.watch()
    busy = monitor.worker.log_and_run(AuditAction.COPIED_ROW, [], "from online", takes_long)
    assert is_running.wait(TIMEOUT_SECONDS)
    page = monitor.worker.watch_readers(1, (cast.ann.id,), "online")
    assert page.cancel()
    is_over.set()
    busy.result(TIMEOUT_SECONDS)
    monitor.worker.watch_readers(2, (cast.ben.id,), "online").result(TIMEOUT_SECONDS)
    assert [reader for _, reader in named(db)] == [None, cast.ben.id]


def test_of_filters_that_are_typed_faster_than_they_are_read_the_last_is_read(
    open_monitor: OpenMonitor, ann: ReadingApp, db: Database
) -> None:
    ann.reads("Dracula")
    monitor, is_running, is_over = open_monitor(), threading.Event(), threading.Event()

    def takes_long(_: ReadItems) -> None:
        is_running.set()
        is_over.wait(TIMEOUT_SECONDS)

    monitor.worker.log_and_run(AuditAction.COPIED_ROW, [], "from online", takes_long)
    assert is_running.wait(TIMEOUT_SECONDS)
    for typed in ("drac", "dracu", "nobody"):
        last = filtered(monitor, View.ONLINE, typed)
    is_over.set()
    monitor.next(ViewSnapshotReady, lambda event: event.snapshot.query == last)
    assert [reader for _, reader in named(db)] == [None]


def test_readers_who_fall_silent_all_at_once_are_a_stop_of_posts_and_no_cases(
    open_monitor: OpenMonitor, db: Database, clock: StillClock, ann: ReadingApp
) -> None:
    add_readers(db, clock, 6)
    users_ids = [
        id for (id,) in db.execute_sql("SELECT id FROM users WHERE substr(full_name, 1, 3) = 'Zoe'")
    ]
    zoes = [ReadingApp(db, users.get_user(db, id), clock) for id in users_ids]
    for app in (*zoes, ann):
        app.reads()
    ann.logs_out()
    monitor = open_monitor()
    monitor.watch(View.ATTENTION)
    clock.advance(minutes=5)
    ready = monitor.next(ViewSnapshotReady, lambda event: event.snapshot.stats.silence is not None)
    stats = ready.snapshot.stats
    assert (stats.silence, stats.arrivals.stop) == (timedelta(minutes=5), Stop(NOON, 6))
    assert ready.snapshot.order.ids == ()
    for app in zoes[:3]:
        app.sends_a_heartbeat()
    resumed = monitor.next(ViewSnapshotReady, lambda event: event.snapshot.stats.silence is None)
    assert resumed.snapshot.order.ids == (), "the others have time to come back"
    clock.advance(minutes=4)
    for app in zoes[:3]:
        app.sends_a_heartbeat()
    late = monitor.next(ViewSnapshotReady, lambda event: event.snapshot.order.ids)
    assert set(late.snapshot.order.ids) == {app.user.id for app in zoes[3:]}


def test_the_peak_of_the_day_is_never_below_a_number_that_was_shown(
    open_monitor: OpenMonitor, ann: ReadingApp, ben: ReadingApp
) -> None:
    ann.reads()
    ben.reads()
    monitor = open_monitor()
    monitor.watch()
    monitor.next(ViewSnapshotReady, lambda event: event.snapshot.stats.online == 2)
    ben.logs_out()
    ready = monitor.next(ViewSnapshotReady, lambda event: event.snapshot.stats.online == 1)
    assert ready.snapshot.stats.peak == OnlineCount(NOON, 2)


def test_a_login_is_logged_and_a_wrong_password_refused(
    open_monitor: OpenMonitor, cast: Cast, db: Database
) -> None:
    monitor = open_monitor(logged_in=False)
    with pytest.raises(ReadwatchError, match="wrong e-mail or password"):
        monitor.worker.log_in(cast.cara.email, "a guess").result(TIMEOUT_SECONDS)
    user = monitor.worker.log_in(cast.cara.email, PASSWORD).result(TIMEOUT_SECONDS)
    assert user.id == cast.cara.id
    assert logged_actions(db) == ["failed_login", "logged_in"]
    with pytest.raises(ReadwatchError, match="wrong password"):  # it asks for no e-mail
        monitor.worker.unlock("a guess").result(TIMEOUT_SECONDS)
    monitor.worker.unlock(PASSWORD).result(TIMEOUT_SECONDS)
    assert logged_actions(db)[2:] == ["failed_login", "unlocked_console"]


def test_a_suspended_account_is_logged_out_and_its_requests_are_cancelled(
    open_monitor: OpenMonitor, cast: Cast, db: Database, ann: ReadingApp
) -> None:
    ann.reads("Dracula")
    monitor = open_monitor()
    monitor.watch()
    monitor.next(ViewSnapshotReady)
    with db.atomic():
        accounts.suspend(db, cast.cara.id, NOON)
    assert monitor.next(LoggedOut).reason == "this account is suspended"
    requests: list[Future[Any]] = [
        monitor.worker.fetch_items(View.ONLINE, (ann.user.id,)),
        monitor.worker.find_readers("ann", 1),
        monitor.worker.open_access_log(),
        monitor.worker.log_and_run(AuditAction.COPIED_ROW, [ann.user.id], "from online", nothing),
        monitor.worker.unlock(PASSWORD),
    ]
    for request in requests:
        with pytest.raises(CancelledError):
            request.result(TIMEOUT_SECONDS)
    assert logged_actions(db) == []


def test_a_request_of_one_consultant_is_never_answered_to_the_next(
    open_monitor: OpenMonitor, cast: Cast, db: Database, ann: ReadingApp
) -> None:
    ann.reads("Dracula")
    monitor = open_monitor()
    monitor.watch()
    monitor.next(ViewSnapshotReady)
    is_reading, is_suspended = threading.Event(), threading.Event()

    def read_late(read: ReadItems) -> object:
        is_reading.set()
        is_suspended.wait(TIMEOUT_SECONDS)
        return read(View.ONLINE, (ann.user.id,), None)

    action = AuditAction.EXPORTED_VIEW
    export = monitor.worker.log_and_run(action, [], "from online", read_late)
    queued = monitor.worker.find_readers("ann", 1)
    login = monitor.worker.log_in(cast.dora.email, PASSWORD)
    late = monitor.worker.find_readers("ann", 1)
    assert is_reading.wait(TIMEOUT_SECONDS)
    with db.atomic():
        accounts.suspend(db, cast.cara.id, NOON)
    is_suspended.set()
    assert login.result(TIMEOUT_SECONDS).id == cast.dora.id
    assert export.cancelled()
    assert queued.cancelled()
    with pytest.raises(CancelledError):
        late.result(TIMEOUT_SECONDS)


def test_a_readers_page_is_logged_first_and_refused_where_that_fails(
    open_monitor: OpenMonitor, db: Database, ann: ReadingApp
) -> None:
    ann.reads("Dracula")
    monitor = open_monitor()
    monitor.watch()
    with renamed_table(db, "consultant_access_log"):
        monitor.worker.watch_readers(1, (ann.user.id,), "online")
        refused = monitor.next(ReaderRefused)
    assert refused.request_id == 1
    assert refused.reason.startswith("the access could not be logged: ")
    monitor.worker.watch_readers(2, (ann.user.id,), "online")
    page = monitor.next(ReadersReady).snapshots[0]
    assert (page.request_id, page.user.email) == (2, "ann@example.org")
    assert logged_actions(db) == ["viewed_reader_profile"]


def test_a_consultant_of_groups_sees_only_their_readers_from_the_next_snapshot_on(
    open_monitor: OpenMonitor, db: Database, cast: Cast, ann: ReadingApp, ben: ReadingApp
) -> None:
    ann.reads("Dracula")
    ben.reads("Emma")
    monitor = open_monitor()
    monitor.watch()
    monitor.next(ViewSnapshotReady, lambda event: len(titles(event)) == 2)
    put_into(db, "4b", cast.ben)
    limit(db, cast.cara, "4b")
    limited = monitor.next(ViewSnapshotReady, lambda event: titles(event) == ["Emma"]).snapshot
    assert (limited.stats.online, limited.stats.activities_a_minute) == (1, 1)
    monitor.worker.watch_readers(1, (ann.user.id,), "online")
    assert monitor.next(ReaderRefused).reason == "this reader is in none of your groups"
    stale = monitor.worker.log_and_run(
        AuditAction.EXPORTED_VIEW, [ann.user.id, ben.user.id], "csv", nothing
    )
    with pytest.raises(ReadwatchError, match="in none of your groups"):
        stale.result(TIMEOUT_SECONDS)
    assert monitor.worker.find_readers("ann", 1).result(TIMEOUT_SECONDS) == ()
    assert logged_actions(db) == ["refused_access"]


def test_who_may_not_see_one_of_two_readers_sees_neither_and_no_entry_says_otherwise(
    open_monitor: OpenMonitor, db: Database, cast: Cast, ann: ReadingApp, ben: ReadingApp
) -> None:
    ann.reads("Dracula")
    ben.reads("Emma")
    put_into(db, "4b", cast.ben)
    limit(db, cast.cara, "4b")
    monitor = open_monitor()
    monitor.watch()
    monitor.worker.watch_readers(1, (ben.user.id, ann.user.id), "online")
    assert monitor.next(ReaderRefused).reason == "this reader is in none of your groups"
    assert logged_actions(db) == ["refused_access"]


def test_an_open_page_of_a_reader_of_others_is_closed(
    open_monitor: OpenMonitor, db: Database, cast: Cast, ann: ReadingApp
) -> None:
    ann.reads("Dracula")
    monitor = open_monitor()
    monitor.watch()
    monitor.worker.watch_readers(1, (ann.user.id,), "online")
    monitor.next(ReadersReady)
    put_into(db, "4b", cast.ben)
    limit(db, cast.cara, "4b")
    refused = monitor.next(ReaderRefused)
    assert (refused.request_id, refused.reason) == (1, "this reader is in none of your groups")


def test_an_action_that_cannot_be_logged_is_not_done(
    open_monitor: OpenMonitor, db: Database, cast: Cast
) -> None:
    monitor, is_done = open_monitor(), threading.Event()
    action = AuditAction.EXPORTED_VIEW
    with renamed_table(db, "consultant_access_log"):
        future = monitor.worker.log_and_run(action, [], "from online", lambda _: is_done.set())
        error = future.exception(TIMEOUT_SECONDS)
    assert isinstance(error, ReadwatchError)
    assert error.message.startswith("could not be logged: ")
    assert not is_done.is_set()


def test_an_action_reads_items_of_any_view_and_returns_its_result(
    open_monitor: OpenMonitor, db: Database, ann: ReadingApp
) -> None:
    ann.reads("Dracula")
    monitor = open_monitor()
    names = monitor.worker.log_and_run(
        AuditAction.EXPORTED_VIEW,
        [],
        "from readers",
        lambda read: [str(item) for item in read(View.READERS, (ann.user.id,), None)],
    )
    [name] = names.result(TIMEOUT_SECONDS)
    assert "Ann Archer" in name
    assert logged_actions(db) == ["exported_view"]


def test_an_internal_error_is_named_by_its_type_alone(
    open_monitor: OpenMonitor, db: Database
) -> None:
    def fails(_: ReadItems) -> None:
        raise OverflowError("Dear diary")

    monitor = open_monitor()
    future = monitor.worker.log_and_run(AuditAction.EXPORTED_VIEW, [], "from online", fails)
    error = future.exception(TIMEOUT_SECONDS)
    assert isinstance(error, ReadwatchError)
    assert (error.kind, error.message) == (
        ErrorKind.UNAVAILABLE,
        "internal error: OverflowError",
    )
    assert monitor.worker.find_readers("nobody", 1).result(TIMEOUT_SECONDS) == ()


def test_masked_names_are_found_by_no_words(open_monitor: OpenMonitor, ann: ReadingApp) -> None:
    readers = open_monitor().worker.find_readers("arch", 1).result(TIMEOUT_SECONDS)
    assert [reader.user_id for reader in readers] == [ann.user.id]
    assert open_monitor(mask=True).worker.find_readers("arch", 1).result(TIMEOUT_SECONDS) == ()


def test_a_stopped_worker_has_ended_and_cancelled_what_waited(
    open_monitor: OpenMonitor, db: Database
) -> None:
    monitor, is_running, is_stopping = open_monitor(), threading.Event(), threading.Event()

    def waits_for_the_end(_: ReadItems) -> None:
        is_running.set()
        is_stopping.wait(TIMEOUT_SECONDS)

    running = monitor.worker.log_and_run(
        AuditAction.EXPORTED_VIEW, [], "from online", waits_for_the_end
    )
    waiting = monitor.worker.find_readers("ann", 1)
    assert is_running.wait(TIMEOUT_SECONDS)
    stopping = threading.Thread(target=monitor.worker.stop)
    stopping.start()
    while not monitor.worker._is_stopping:
        assert stopping.is_alive()
    is_stopping.set()
    stopping.join(TIMEOUT_SECONDS)
    assert not any(thread.name == "monitor" for thread in threading.enumerate())
    assert running.done()
    assert waiting.cancelled()


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_ids_of_a_file_that_was_replaced_read_and_log_nothing_in_the_new_one(
    open_monitor: OpenMonitor, ann: ReadingApp, db: Database, url: str, tmp_path: Path
) -> None:
    ann.reads("Dracula")
    db.execute_sql(f"VACUUM INTO '{tmp_path / 'backup'}'")
    monitor, is_reading, is_replaced = open_monitor(), threading.Event(), threading.Event()
    monitor.watch()
    monitor.next(ViewSnapshotReady)
    ids, action = (ann.user.id,), AuditAction.EXPORTED_VIEW

    def read_before_and_after(read: ReadItems) -> object:
        read(View.ONLINE, ids, None)
        is_reading.set()
        is_replaced.wait(TIMEOUT_SECONDS)
        return read(View.ONLINE, ids, None)

    first = monitor.worker.log_and_run(action, ids, "from online", read_before_and_after)
    second = monitor.worker.log_and_run(action, ids, "from online", nothing)
    rows = monitor.worker.fetch_items(View.ONLINE, ids)
    assert is_reading.wait(TIMEOUT_SECONDS)
    put_in_place_of(sqlite_path(url), tmp_path / "backup")
    is_replaced.set()
    for export in (first, second):
        with pytest.raises(ReadwatchError, match="the database file was replaced"):
            export.result(TIMEOUT_SECONDS)
    with pytest.raises(CancelledError):
        rows.result(TIMEOUT_SECONDS)
    db.close()
    db.connect()
    assert logged_actions(db) == []


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_palette_names_its_readers_again_in_a_file_that_replaced_the_first(
    open_monitor: OpenMonitor, cast: Cast, db: Database, url: str, tmp_path: Path
) -> None:
    shutil.copy(sqlite_path(url), tmp_path / "backup")
    monitor = open_monitor()
    monitor.worker.find_readers("ann", 1).result(TIMEOUT_SECONDS)
    put_in_place_of(sqlite_path(url), tmp_path / "backup")
    monitor.worker.find_readers("ann", 1).result(TIMEOUT_SECONDS)
    db.close()
    db.connect()
    assert [reader for _, reader in named(db)] == [cast.ann.id]


def test_who_logs_in_after_another_consultant_is_named_with_the_same_readers(
    open_monitor: OpenMonitor, cast: Cast, db: Database
) -> None:
    monitor = open_monitor()
    for who in (cast.cara, cast.dora):
        monitor.worker.log_in(who.email, PASSWORD).result(TIMEOUT_SECONDS)
        query = filtered(monitor, View.READERS, "ann")
        while monitor.next(ViewSnapshotReady).snapshot.query != query:
            pass  # of the list without a filter
        monitor.worker.find_readers("ann", 1).result(TIMEOUT_SECONDS)
    viewed = db.execute_sql(
        "SELECT consultant_user_id, target_user_id FROM consultant_access_log"
        " WHERE action_type = 'viewed_list' ORDER BY id"
    )
    cara, dora, ann = cast.cara.id, cast.dora.id, cast.ann.id
    assert [*viewed] == [(cara, ann), (cara, ann), (dora, ann), (dora, ann)]
