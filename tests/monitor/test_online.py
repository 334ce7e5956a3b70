"""Who needs a consultant comes first among the readers online."""

from collections.abc import Callable

import pytest
from conftest import Connections, StillClock
from permits import LIST_ACCESS, ROW_ACCESS
from reading_app import ReadingApp

from readwatch.domain.arrivals import NO_ARRIVALS
from readwatch.domain.attention import DEFAULT_THRESHOLDS
from readwatch.domain.filters import parse
from readwatch.monitor.attention import Attention
from readwatch.monitor.online import NEED, Online, OnlineItem
from readwatch.store.engine.privileges import Role
from readwatch.store.lists.query import ListQuery

Look = Callable[..., list[OnlineItem]]


@pytest.fixture
def attention() -> Attention:
    return Attention(DEFAULT_THRESHOLDS)


@pytest.fixture
def look(connected: Connections, attention: Attention, clock: StillClock) -> Look:
    """`look()` is the list of readers online; `look(descending=True)` is the other way round."""
    console, online = connected(Role.CONSOLE), Online(attention)

    def look(*, descending: bool = False, filter: str = "") -> list[OnlineItem]:
        attention.refresh(console, LIST_ACCESS, clock(), NO_ARRIVALS)
        query = ListQuery(NEED, descending, parse(filter))
        ids = online.ids(console, LIST_ACCESS, query, clock()).ids
        items = {it.user_id: it for it in online.items(console, ROW_ACCESS, ids, clock())}
        return [items[id] for id in ids]

    return look


@pytest.fixture
def morning(ann: ReadingApp, ben: ReadingApp, clock: StillClock) -> None:
    """Ben has failed a quiz, and Ann reads."""
    ann.reads()
    ben.reads("Momo", activity_type="quiz_completed", metadata='{"score":40}')


@pytest.mark.usefixtures("morning")
def test_who_needs_somebody_is_first_and_says_why(look: Look) -> None:
    ben, ann = look()
    assert (ben.full_name, ben.need) == ("Ben Baker", "failed quiz (40)")
    assert (ann.full_name, ann.need) == ("Ann Archer", "")
    assert [item.full_name for item in look(descending=True)] == ["Ann Archer", "Ben Baker"]


@pytest.mark.usefixtures("morning")
def test_who_was_seen_needs_nobody_any_more(
    look: Look, attention: Attention, ben: ReadingApp
) -> None:
    attention.set_marks(frozenset({ben.user.id}), frozenset())
    assert [(item.full_name, item.need) for item in look()] == [
        ("Ann Archer", ""),
        ("Ben Baker", ""),
    ]


@pytest.mark.usefixtures("morning")
def test_a_filter_leaves_out_those_who_do_not_match(look: Look) -> None:
    assert [item.full_name for item in look(filter="name:ann")] == ["Ann Archer"]


@pytest.mark.usefixtures("morning")
def test_who_has_left_is_not_among_those_online(look: Look, ben: ReadingApp) -> None:
    ben.logs_out()
    assert [item.full_name for item in look()] == ["Ann Archer"]
