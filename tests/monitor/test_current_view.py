"""The view that the console shows: how long the right to its rows lasts."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from conftest import Cast, StillClock
from reading_app import ReadingApp

from readwatch.domain.filters import parse
from readwatch.monitor.current_view import CurrentView
from readwatch.monitor.settings import ConsoleSettings
from readwatch.monitor.snapshots import View
from readwatch.monitor.views import VIEW_OPTIONS
from readwatch.store.audit.log import list_access
from readwatch.store.engine.connections import Database
from readwatch.store.lists.query import ListQuery


def test_the_right_to_rows_ends_with_their_query_and_with_the_database(
    url: str, db: Database, cast: Cast, clock: StillClock, ann: ReadingApp
) -> None:
    ann.reads("Dracula")
    current, access = CurrentView(ConsoleSettings(url)), list_access(db, cast.cara.id)
    all_readers = VIEW_OPTIONS[View.ONLINE].first_query()
    filtered = replace(all_readers, terms=parse("ann"))

    @contextmanager
    def access_log() -> Iterator[Database]:
        yield db

    def show(query: ListQuery) -> None:
        current.show_view(View.ONLINE, query)
        current.snapshot(db, access, clock(), access_log)

    def may_read() -> bool:
        return current.row_access is not None

    show(all_readers)
    current.show_view(View.ONLINE, all_readers)
    assert may_read(), "the same rows"
    current.show_view(View.ONLINE, filtered)
    assert not may_read(), "nobody is named yet"
    show(filtered)
    assert may_read()
    current.reset()
    assert not may_read()
