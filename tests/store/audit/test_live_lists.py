"""A list that a console refreshes: the readers of a filter are named once while it is open."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from conftest import Cast, StillClock

from readwatch.domain.audit import AuditAction, AuditEvent, few_readers
from readwatch.domain.errors import ReadwatchError
from readwatch.store.audit.live_lists import LiveListLog
from readwatch.store.audit.log import list_access
from readwatch.store.engine.connections import Database

ANN, BEN = 1, 2

Shows = Callable[..., None]


@pytest.fixture
def shows(db: Database, cast: Cast, clock: StillClock) -> Shows:
    """`shows(terms, *readers)` shows Cara a list with rows of these readers."""
    log = LiveListLog()
    event = AuditEvent(cast.cara.id, AuditAction.VIEWED_LIST, None, "console, online", "local")

    @contextmanager
    def access_log() -> Iterator[Database]:
        yield db

    def shows(terms: str, *readers: int | None, view: str = "online") -> None:
        ids = [{ANN: cast.ann.id, BEN: cast.ben.id}.get(id or 0, id) for id in readers]
        access = list_access(db, cast.cara.id)
        log.access_to_rows(
            access_log, access, event, clock(), list_id=view, filter=terms, reader_ids=ids
        )

    return shows


@pytest.fixture
def named(db: Database, cast: Cast) -> Callable[[], str]:
    """`named()` is the first letters of those whom the entries name."""
    letters = {cast.ann.id: "a", cast.ben.id: "b"}
    return lambda: "".join(
        letters[id]
        for (id,) in db.execute_sql("SELECT target_user_id FROM consultant_access_log ORDER BY id")
    )


def test_three_distinct_readers_are_few_and_four_are_many() -> None:
    assert few_readers([7, 8, 7, None, 9, 8]) == {7, 8, 9}
    assert few_readers([7, 8, 9, 10, 7]) == frozenset()
    assert few_readers([None, None]) == frozenset()


def test_a_list_without_a_filter_names_nobody(shows: Shows, named: Callable[[], str]) -> None:
    shows("", ANN)
    shows("", ANN, BEN)
    assert named() == ""


def test_a_filter_that_leaves_few_readers_names_each_of_them(
    shows: Shows, named: Callable[[], str]
) -> None:
    shows("dracula", 4, 5, 6, 7)
    assert named() == ""
    shows("vampire", BEN, ANN, ANN, None)
    assert named() == "ab"


def test_a_filter_that_stays_open_names_a_reader_once(
    shows: Shows, named: Callable[[], str]
) -> None:
    for readers in ([ANN], [ANN, BEN], [BEN], [], [4, 5, 6, 7], [ANN]):
        shows("presence:silent", *readers)
    assert named() == "ab"


def test_letters_that_are_typed_one_by_one_name_a_reader_once(
    shows: Shows, named: Callable[[], str]
) -> None:
    shows("a", ANN, BEN, 4, 5)
    shows("an", ANN, BEN)
    for typed in ("ann", "ann ", "ann a", "ann"):
        shows(typed, ANN)
    assert named() == "ab"


def test_another_filter_names_those_who_were_not_on_the_screen(
    shows: Shows, named: Callable[[], str]
) -> None:
    shows("ann", ANN)
    shows("ben", BEN)
    shows("ann", ANN)
    assert named() == "aba"


def test_a_list_that_is_opened_again_names_its_readers_again(
    shows: Shows, named: Callable[[], str]
) -> None:
    shows("ann", ANN)
    shows("", ANN, view="activity")
    shows("ann", ANN)
    assert named() == "aa"


def test_who_could_not_be_named_is_named_at_the_next_try(
    shows: Shows, named: Callable[[], str], db: Database
) -> None:
    db.execute_sql("ALTER TABLE consultant_access_log RENAME TO mislaid")
    with pytest.raises(ReadwatchError):
        shows("ann", ANN)
    db.execute_sql("ALTER TABLE mislaid RENAME TO consultant_access_log")
    shows("ann", ANN)
    shows("ann", ANN)
    assert named() == "a"
