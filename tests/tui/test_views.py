"""The rows of the lists, on a screen and as lines of text."""

import re
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from conftest import NOON
from rich.cells import cell_len

from readwatch.domain.activities import MinuteCount, RecordedActivity
from readwatch.domain.attention import Case, Held, Reason, Rule, cases
from readwatch.domain.cases import CaseNote, CaseStatus, NoteKind
from readwatch.domain.group_figures import GroupReading
from readwatch.domain.text import clean
from readwatch.monitor.attention import AttentionItem
from readwatch.monitor.groups import _FIGURES, GroupItem
from readwatch.monitor.online import OnlineItem
from readwatch.monitor.snapshots import Item, LiveStats, View, ViewSnapshot
from readwatch.monitor.viewport import row_order
from readwatch.store.lists import access_log, attention, day, feed, groups, online, readers
from readwatch.store.lists.access_log import AccessLogRow
from readwatch.store.lists.attention import AttentionReader
from readwatch.store.lists.day import ReaderOfDay
from readwatch.store.lists.readers import ReaderSummary
from readwatch.tui.format.cells import TonedText
from readwatch.tui.format.columns import place_columns
from readwatch.tui.format.plain import snapshot_lines, stats_line
from readwatch.tui.keys import KEYS, Group, bindings
from readwatch.tui.views import VIEW_SPECS


def before(**duration: float) -> datetime:
    return NOON - timedelta(**duration)


ANN = OnlineItem(
    need=clean("failed quiz (40)"),
    user_id=1,
    session_id=11,
    full_name=clean("Ann Archer"),
    group=clean("4b"),
    device_type=clean("tablet"),
    reading_level=clean("B1"),
    started_at=before(minutes=45),
    last_heartbeat=before(seconds=30),
    last_activity_at=before(minutes=2),
    idle_since=before(minutes=2),
    activity_type=clean("page_read"),
    content_title=clean("Moby-Dick; or, The Whale"),
    progress_percentage=50,
    trace=(0, 0, 1, 4, 7, 40),
)
BEN = replace(
    ANN,
    user_id=2,
    need=clean(""),
    full_name=clean("ben baker"),
    last_heartbeat=before(minutes=3),
    last_activity_at=None,
    idle_since=before(minutes=45),
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
    group=clean("4b"),
    reading_level=clean("A2"),
    total_reading_time_minutes=605,
    total_sessions=3,
    unique_content_read=1,
    last_login=None,
    last_activity_at=before(days=3),
)
EVE = AttentionItem(
    case=Case(
        4,
        (
            Reason(Rule.FAILED_QUIZ, before(hours=2), " (40)"),
            Reason(Rule.CAME_BACK, before(hours=3), " after 20 days"),
        ),
    ),
    status=CaseStatus.OPEN,
    reader=AttentionReader(
        user_id=4,
        full_name=clean("Eve Early"),
        group=clean("4b"),
        reading_level=clean("B1"),
        content_title=clean("Momo"),
        progress_percentage=20,
        last_heartbeat=before(minutes=1),
        idle_since=before(minutes=2),
    ),
    full_name=clean("Eve Early"),
    last_note=None,
    is_seen=False,
)
CARA_TOOK_IT = CaseNote(1, NoteKind.TAKEN, 9, clean("Cara Cook"), before(days=1))
ENTRY = AccessLogRow(
    id=9,
    created_at=before(minutes=4),
    first_created_at=before(minutes=42),
    repeats=4,
    consultant_name=clean("Cara Cook"),
    action_type=clean("viewed_reader_profile"),
    user_id=1,
    full_name=clean("Ann Archer"),
    action_details=clean("console, from online"),
    reader_id=1,
)
FOUR_B = GroupItem(
    group_id=4,
    name=clean("4b"),
    readers=25,
    online=9,
    in_need=2,
    reading=GroupReading(
        read_today=22,
        seconds_by_day=(0,) * 26 + (3600, 1800),
        seconds_this_week=41_280,
        trend=21,
        median_progress=61,
    ),
)
ANN_OF_DAY = ReaderOfDay(
    user_id=1,
    full_name=clean("Ann Archer"),
    group=clean("4b"),
    reading_level=clean("B1"),
    content_title=clean("Dracula"),
    activities=12,
    spans=((before(minutes=30), before(minutes=4)),),
)
STATS = LiveStats(NOON, 2, (MinuteCount(NOON, 30), MinuteCount(NOON, 4)))
STORED = {
    View.ONLINE: ["need", *online.SORTS],
    View.ACTIVITY: feed._SORTS,
    View.READERS: readers._SORTS,
    View.ATTENTION: attention._SORTS,
    View.ACCESS_LOG: access_log._SORTS,
    View.GROUPS: [*groups.SORTS, *_FIGURES],
    View.DAY: [*day._SORTS, *day._FIGURES],
}
ITEMS: dict[View, Item] = {
    View.ONLINE: ANN,
    View.ACTIVITY: PAGE,
    View.READERS: ZOE,
    View.ATTENTION: EVE,
    View.ACCESS_LOG: ENTRY,
    View.GROUPS: FOUR_B,
    View.DAY: ANN_OF_DAY,
}


def cells(view: View, item: Item) -> list[str]:
    row = VIEW_SPECS[view].row(item, NOON)
    return [cell.text if isinstance(cell, TonedText) else cell for cell in row.cells]


def snapshot_of(view: View, *items: Item, more: int = 0) -> ViewSnapshot:
    """A snapshot of a view with some items, and `more` that are not in view."""
    ids = [row.key for row in VIEW_SPECS[view].rows(items, NOON)]
    order = row_order([*ids, *range(1000, 1000 + more)])
    return ViewSnapshot(
        view, VIEW_SPECS[view].options.first_query(), STATS, order, order.ids, items
    )


@pytest.mark.parametrize("view", View)
def test_a_row_has_a_cell_for_each_column_and_the_store_sorts_by_what_the_list_says(
    view: View,
) -> None:
    spec = VIEW_SPECS[view]
    keys = [column.key for column in spec.columns]
    assert len(spec.row(ITEMS[view], NOON).cells) == len(keys) == len(set(keys))
    sorts = [sort.column for sort in spec.options.sorts]
    assert set(sorts) <= set(keys)
    assert sorted(sorts) == sorted(STORED[view])


@pytest.mark.parametrize("view", View)
@pytest.mark.parametrize("width", [80, 100, 120, 160, 300])
def test_no_column_is_cut_off_in_eighty_cells_or_more(view: View, width: int) -> None:
    columns = VIEW_SPECS[view].columns
    placed = place_columns(columns, width)
    assert len(placed) == len([column for column in columns if column.from_width <= width])
    assert all(spot.width >= spot.column.width for spot in placed)
    assert placed[-1].x + placed[-1].width <= width


def test_online_says_who_reads_what_how_far_and_since_when() -> None:
    assert cells(View.ONLINE, ANN) == [
        "▲",
        "● reading",
        "Ann Archer",
        "4b",
        "Moby-Dick; or, The Whale",
        "━━━┄┄┄  50%",
        "page read",
        "  ▁▁▂▇",
        "2 min",
        "45",
        "B1",
        "tablet",
    ]


def test_who_has_done_nothing_yet_has_empty_cells() -> None:
    assert cells(View.ONLINE, BEN)[:7] == ["", "○ silent", "ben baker", "4b", "", "", ""]
    assert cells(View.ONLINE, BEN)[8] == "45 min"


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
    assert cells(View.READERS, ZOE) == ["Zoe", "4b", "A2", "10 h 05", "3", "1", "never", "3 d"]


def test_attention_says_why_since_when_and_whether_it_was_seen() -> None:
    shown = cells(View.ATTENTION, EVE)
    assert shown == [
        "failed quiz (40), back after 20 days",
        "Eve Early",
        "4b",
        "",
        "Momo",
        "━┄┄┄┄┄  20%",
        "2 h",
        "● reading",
        "B1",
        "",
    ]
    assert cells(View.ATTENTION, replace(EVE, is_seen=True)) == [f"seen: {shown[0]}", *shown[1:]]
    assert cells(View.ATTENTION, replace(EVE, muted=frozenset(Rule)))[0] == f"muted: {shown[0]}"


@pytest.mark.parametrize(
    ("kind", "until", "status", "why", "whose"),
    [
        (NoteKind.TAKEN, None, CaseStatus.TAKEN, "", "Cara Cook"),
        (NoteKind.RELEASED, None, CaseStatus.OPEN, "", ""),
        (NoteKind.SNOOZED, 3, CaseStatus.SNOOZED, "snoozed: ", "{until:%H:%M} Cara Cook"),
        (NoteKind.SNOOZED, -3, CaseStatus.DUE, "", "due: Cara Cook"),
        (NoteKind.RESOLVED, None, CaseStatus.RESOLVED, "resolved: ", "Cara Cook"),
    ],
)
def test_attention_says_whose_case_it_is(
    kind: NoteKind, until: int | None, status: CaseStatus, why: str, whose: str
) -> None:
    end = None if until is None else NOON + timedelta(minutes=until)
    keys = frozenset(reason.key for reason in EVE.case.reasons)
    change = replace(CARA_TOOK_IT, kind=kind, until=end, created_at=before(minutes=9), reasons=keys)
    held = {(4, reason.rule): Held(reason, NOON) for reason in EVE.case.reasons}
    resolutions = {4: change} if kind is NoteKind.RESOLVED else {}
    [case] = cases(held, {4: change}, resolutions)
    item = replace(EVE, case=case, status=case.status_at(NOON))
    assert item.status is status
    here = (end or NOON).astimezone()
    assert cells(View.ATTENTION, item)[:4] == [
        f"{why}failed quiz (40), back after 20 days",
        "Eve Early",
        "4b",
        whose.format(until=here),
    ]


def test_attention_shows_the_last_note() -> None:
    note = replace(CARA_TOOK_IT, kind=NoteKind.NOTE, text=clean("phoned home"))
    shown = cells(View.ATTENTION, replace(EVE, last_note=note))
    assert shown[9] == f"phoned home (Cara Cook, yesterday {NOON.astimezone():%H:%M})"


def test_groups_says_how_many_read_how_much_and_who_needs_somebody() -> None:
    assert cells(View.GROUPS, FOUR_B) == [
        "4b",
        "25",
        "9",
        "22",
        "11 h 28",
        "▲ 21 %",
        f"{'▁' * 26}▇▄",
        "━━━━┄┄  61%",
        "2",
    ]
    few = GroupItem(group_id=4, name=clean("4b"), readers=3)
    assert cells(View.GROUPS, few) == ["4b", "3", *["·"] * 7]


def test_an_activity_is_a_row_of_its_own_that_leads_to_its_reader() -> None:
    [row] = VIEW_SPECS[View.ACTIVITY].rows([PAGE], NOON)
    assert (row.key, row.reader_id) == (77, 1)


def test_the_access_log_says_who_looked_at_whom_and_how_often() -> None:
    begun, last = (
        f"{moment.astimezone():%H:%M}" for moment in (ENTRY.first_created_at, ENTRY.created_at)
    )
    what = ["Cara Cook", "viewed reader profile", "Ann Archer", "console, from online"]
    assert cells(View.ACCESS_LOG, ENTRY) == [f"{begun}-{last} x4", *what]
    time = f"{ENTRY.created_at.astimezone():%H:%M:%S}"
    assert cells(View.ACCESS_LOG, replace(ENTRY, repeats=1))[0] == time


# As text.


def test_a_list_as_text_has_titles_rows_and_what_is_left_out() -> None:
    readers = (replace(ANN, user_id=number) for number in range(9))
    lines = list(snapshot_lines(snapshot_of(View.ONLINE, *readers, more=3), width=84, height=5))
    assert len(lines) == 7
    assert re.split(" {2,}", lines[0]) == [
        *("!", "State", "Reader", "Reading", "Progress", "30 min", "Ago", "Min")
    ]
    assert "Moby-Dick; or,…" in lines[1]
    assert lines[-1] == "… and 7 more"


@pytest.mark.parametrize("view", View)
@pytest.mark.parametrize("width", [1, 40, 80, 160])
def test_no_line_of_text_is_wider_than_asked_for(view: View, width: int) -> None:
    picture = snapshot_of(view, ITEMS[view], more=1)
    assert all(cell_len(line) <= width for line in snapshot_lines(picture, width=width))


def test_an_empty_list_says_so() -> None:
    assert list(snapshot_lines(snapshot_of(View.ONLINE)))[1:] == ["nobody is online"]


def test_the_live_stats_are_one_line() -> None:
    assert stats_line(STATS) == f"{NOON.astimezone():%H:%M:%S}  2 online, 34 activities a minute"


# The keys.


def test_each_key_has_one_meaning_in_each_place() -> None:
    for group in Group:
        keys = [key.key for key in KEYS if key.group in {group, Group.VIEWS, Group.EVERYWHERE}]
        assert len(keys) == len(set(keys))


def test_bindings_are_made_from_the_table() -> None:
    made = [binding for group in Group for binding in bindings(group)]
    assert [binding.key for binding in made] == [
        key.key for group in Group for key in KEYS if key.group is group
    ]
    assert [binding.id for binding in made] == [
        key.id for group in Group for key in KEYS if key.group is group
    ]
    assert [binding.show for binding in made] == [
        key.footer_from is not None for group in Group for key in KEYS if key.group is group
    ]
