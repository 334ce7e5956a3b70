"""The rows of the lists, on a screen and as lines of text."""

import re
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from conftest import NOON
from rich.cells import cell_len

from readwatch.domain.activities import MinuteCount, RecordedActivity
from readwatch.domain.sessions import OnlineReader
from readwatch.domain.text import clean
from readwatch.store.overview import ReaderSummary
from readwatch.tui.columns import place
from readwatch.tui.keys import KEYS, Group, bindings
from readwatch.tui.plain import overview_lines, pulse_line
from readwatch.tui.rows import Toned
from readwatch.tui.snapshots import Item, Overview, Pulse, View
from readwatch.tui.views import LISTINGS


def before(**duration: float) -> datetime:
    return NOON - timedelta(**duration)


ANN = OnlineReader(
    user_id=1,
    session_id=11,
    full_name=clean("Ann Archer"),
    device_type=clean("tablet"),
    reading_level=clean("B1"),
    started_at=before(minutes=45),
    last_heartbeat=before(seconds=30),
    last_activity_at=before(minutes=2),
    activity_type=clean("page_read"),
    content_title=clean("Moby-Dick; or, The Whale"),
    progress_percentage=50,
)
BEN = replace(
    ANN,
    user_id=2,
    full_name=clean("ben baker"),
    last_heartbeat=before(minutes=3),
    last_activity_at=None,
    activity_type=clean(None),
    content_title=clean(None),
    progress_percentage=None,
)
PAGE = RecordedActivity(
    id=77,
    user_id=1,
    full_name=clean("Ann Archer"),
    activity_type=clean("page_read"),
    content_id=clean("moby-dick"),
    content_title=clean("Moby-Dick; or, The Whale"),
    progress_percentage=50,
    duration_seconds=200,
    metadata_json=clean(None),
    occurred_at=before(minutes=10),
    created_at=before(seconds=4),
)
ZOE = ReaderSummary(
    user_id=3,
    full_name=clean("Zoe"),
    reading_level=clean("A2"),
    total_reading_time_minutes=605,
    total_sessions=3,
    unique_content_read=1,
    last_login=None,
    last_activity_at=before(days=3),
)
ITEMS: dict[View, Item] = {View.ONLINE: ANN, View.ACTIVITY: PAGE, View.READERS: ZOE}


def cells(view: View, item: Item) -> list[str]:
    row = LISTINGS[view].row(item, NOON)
    return [cell.text if isinstance(cell, Toned) else cell for cell in row.cells]


def order_of(view: View, order: int, *items: Item) -> list[int]:
    return [reader_id for _, reader_id in LISTINGS[view].rows(items, NOON, order=order)]


@pytest.mark.parametrize("view", View)
def test_a_row_has_a_cell_for_each_column_and_the_orders_name_columns(view: View) -> None:
    listing = LISTINGS[view]
    keys = [column.key for column in listing.columns]
    assert len(listing.row(ITEMS[view], NOON).cells) == len(keys) == len(set(keys))
    assert {order.column for order in listing.orders} <= set(keys)


@pytest.mark.parametrize("view", View)
@pytest.mark.parametrize("width", [80, 100, 120, 160, 300])
def test_no_column_is_cut_off_in_eighty_cells_or_more(view: View, width: int) -> None:
    columns = LISTINGS[view].columns
    placed = place(columns, width)
    assert len(placed) == len([column for column in columns if column.from_width <= width])
    assert all(spot.width >= spot.column.width for spot in placed)
    assert placed[-1].x + placed[-1].width <= width


def test_online_says_who_reads_what_how_far_and_since_when() -> None:
    assert cells(View.ONLINE, ANN) == [
        "● reading",
        "Ann Archer",
        "Moby-Dick; or, The Whale",
        "━━━┄┄┄  50%",
        "page read",
        "2 min",
        "45",
        "B1",
        "tablet",
    ]


def test_who_has_done_nothing_yet_has_empty_cells() -> None:
    assert cells(View.ONLINE, BEN)[:6] == ["○ silent", "ben baker", "", "", "", "never"]


def test_activity_says_when_it_arrived_who_what_and_how_far() -> None:
    time = f"{PAGE.created_at.astimezone():%H:%M:%S}"
    assert cells(View.ACTIVITY, PAGE) == [
        time,
        "Ann Archer",
        "page read",
        "Moby-Dick; or, The Whale",
        "━━━┄┄┄  50%",
        "3:20",
    ]


def test_readers_sums_up_each_reader() -> None:
    assert cells(View.READERS, ZOE) == ["Zoe", "A2", "10 h 05", "3", "1", "never", "3 d"]


def test_an_activity_is_a_row_of_its_own_that_leads_to_its_reader() -> None:
    [(row, reader_id)] = LISTINGS[View.ACTIVITY].rows([PAGE], NOON)
    assert (row.key, reader_id) == (77, 1)


def test_names_are_sorted_without_case_and_namesakes_keep_their_order() -> None:
    twin = replace(BEN, user_id=9)
    assert order_of(View.ONLINE, 0, twin, BEN, ANN) == [1, 2, 9]


def test_those_who_never_did_anything_come_last() -> None:
    assert order_of(View.ONLINE, 1, BEN, ANN) == [1, 2]
    seen = replace(ZOE, user_id=4, last_login=before(days=900))
    assert order_of(View.READERS, 0, ZOE, seen) == [4, 3]


def test_who_is_furthest_comes_first() -> None:
    done = replace(ANN, user_id=5, progress_percentage=100)
    assert order_of(View.ONLINE, 3, BEN, ANN, done) == [5, 1, 2]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ((), [1, 2]),
        (("ann",), [1]),
        (("whale", "archer"), [1]),
        (("b",), [1, 2]),
        (("ann", "ben"), []),
    ],
)
def test_a_filter_asks_for_all_words_anywhere_in_a_row(
    words: tuple[str, ...], found: list[int]
) -> None:
    rows = LISTINGS[View.ONLINE].rows([ANN, BEN], NOON, words=words)
    assert [reader_id for _, reader_id in rows] == found


# As text.

PULSE = Pulse(NOON, 2, (MinuteCount(NOON, 30), MinuteCount(NOON, 4)))


def test_a_list_as_text_has_titles_rows_and_what_is_left_out() -> None:
    readers = tuple(replace(ANN, user_id=number) for number in range(12))
    lines = list(overview_lines(Overview(View.ONLINE, PULSE, readers), width=80, height=5))
    assert len(lines) == 7
    assert re.split(" {2,}", lines[0]) == ["State", "Reader", "Reading", "Progress", "Ago"]
    assert "Moby-Dick; or, The" in lines[1]
    assert lines[-1] == "… and 7 more"


@pytest.mark.parametrize("view", View)
@pytest.mark.parametrize("width", [1, 40, 80, 160])
def test_no_line_of_text_is_wider_than_asked_for(view: View, width: int) -> None:
    overview = Overview(view, PULSE, (ITEMS[view],))
    assert all(cell_len(line) <= width for line in overview_lines(overview, width=width))


def test_an_empty_list_says_so() -> None:
    assert list(overview_lines(Overview(View.ONLINE, PULSE, ())))[1:] == ["nobody is online"]


def test_the_pulse_is_one_line() -> None:
    assert pulse_line(PULSE) == f"{NOON.astimezone():%H:%M:%S}  2 online, 34 activities a minute"


# The keys.


def test_each_key_has_one_meaning_in_each_place() -> None:
    for group in Group:
        keys = [key.key for key in KEYS if key.group in {group, Group.EVERYWHERE}]
        assert len(keys) == len(set(keys))


def test_bindings_are_made_from_the_table_with_ids_of_their_own() -> None:
    made = [binding for group in Group for binding in bindings(group)]
    assert [binding.key for binding in made] == [
        key.key for group in Group for key in KEYS if key.group is group
    ]
    assert len({binding.id for binding in made}) == len(made)
    assert [binding.show for binding in made] == [
        key.footer for group in Group for key in KEYS if key.group is group
    ]
