"""What a consultant does with the lists all day."""

import threading
from functools import partial

import pytest
from conftest import Cast, StillClock, on_both_engines
from reading_app import ReadingApp, add_readers
from rich.cells import cell_len
from tui.console_pilot import LARGE, SMALL, ConsolePilot, OpenConsole
from tui.test_connection_loss import mislaid_table

from readwatch.domain.audit import AuditAction
from readwatch.monitor.snapshots import View
from readwatch.store.engine.connections import Database
from readwatch.tui.format.cells import SIGNS
from readwatch.tui.screens.view import ViewScreen
from readwatch.tui.widgets.live_table import LiveTable

GHOST = SIGNS["departed"]


@pytest.mark.parametrize("size", [SMALL, LARGE])
@on_both_engines
async def test_online_shows_who_reads_what_and_how_far(
    open_console: OpenConsole,
    ann: ReadingApp,
    ben: ReadingApp,
    clock: StillClock,
    size: tuple[int, int],
) -> None:
    ann.logs_in("tablet")
    clock.advance(minutes=2)
    ann.reads("Moby-Dick", progress=50)
    ann.sends_a_heartbeat()
    ben.logs_in()
    ben.logs_out()
    clock.advance(seconds=30)
    async with open_console(size=size) as pilot:
        await pilot.sees("Ann Archer")
        assert pilot.cursor.split()[:3] == ["●", "reading", "Ann"]
        assert all(words in pilot.cursor for words in ("Moby-Dick", "━━━┄┄┄  50%", "30 s"))
        assert ("tablet" in pilot.cursor) == ("page read" in pilot.screen) == (size is LARGE)
        assert "1 online   1 activity a minute" in pilot.lines[1]
        assert "Ben" not in pilot.screen


async def test_who_falls_silent_is_seen_to_fade_and_to_go(
    open_console: OpenConsole, ann: ReadingApp, ben: ReadingApp, clock: StillClock
) -> None:
    ann.reads()
    async with open_console() as pilot:
        await pilot.sees("● reading")
        for minutes, state in ((2.5, "○ silent"), (1.5, "◌ leaving")):
            clock.advance(minutes=minutes)
            ben.reads()
            await pilot.sees(state)
        clock.advance(minutes=1)
        ben.reads()
        await pilot.sees("1 online")
        assert pilot.line("Ann").startswith(GHOST)
        assert "◌ leaving" in pilot.line("Ann")


@on_both_engines
async def test_a_new_activity_appears_without_a_key(
    open_console: OpenConsole, ann: ReadingApp, ben: ReadingApp
) -> None:
    ann.reads("Dracula")
    async with open_console() as pilot:
        await pilot.presses("2")
        await pilot.sees("Time", "Dracula")
        ben.reads("Faust", progress=33, activity_type="chapter_finished")
        await pilot.sees("Faust")
        assert pilot.line_number("Faust") < pilot.line_number("Dracula")
        assert pilot.cursor == pilot.line("Faust").removeprefix("▌ ")
        assert "Ben Baker" in pilot.cursor
        assert "chapter finished" in pilot.cursor
        assert "33%" in pilot.cursor


@on_both_engines
async def test_the_numbers_go_from_list_to_list_and_back_again(
    open_console: OpenConsole, ann: ReadingApp, ben: ReadingApp
) -> None:
    ann.reads("Dracula")
    async with open_console() as pilot:
        for _ in range(2):
            await pilot.presses("3")
            await pilot.sees("Ann Archer", "Ben Baker", "Last login ▲", "● LIVE")
            await pilot.presses("1")
            await pilot.sees("Ann Archer", "! ▲", "● LIVE")
            assert "Ben" not in pilot.screen
            await pilot.presses("2")
            await pilot.sees("Ann Archer", "page read", "● LIVE")


async def test_a_list_that_is_opened_again_paints_no_rows_before_the_new_ones(
    open_console: OpenConsole, ann: ReadingApp, ben: ReadingApp
) -> None:
    ann.reads("Dracula")
    is_over = threading.Event()
    async with open_console() as pilot:
        await pilot.sees("Dracula")
        await pilot.presses("3")
        await pilot.sees("Titles", "Ann")
        ann.logs_out()
        ben.reads("Faust")
        worker = pilot.app._worker
        worker.log_and_run(AuditAction.COPIED_ROW, [], "", lambda _: is_over.wait(60))
        await pilot.presses("1")
        await pilot.sees("Ago")
        assert "Ann" not in pilot.screen
        is_over.set()
        await pilot.sees("Ben", "Faust")
        assert pilot.line("Ann").startswith(GHOST), "the cursor stays on its reader"


async def test_rows_of_before_are_shown_dimmed_while_the_database_is_away_but_not_those_of_a_filter(
    open_console: OpenConsole, ann: ReadingApp, db: Database
) -> None:
    ann.reads("Dracula")
    async with open_console() as pilot:
        await pilot.sees("Dracula")
        await pilot.presses("2")
        await pilot.filters("drcl")
        await pilot.presses("3")
        await pilot.sees("Titles", "Ann")
        with mislaid_table(db):
            await pilot.sees("● OFFLINE")
            await pilot.presses("1")
            await pilot.sees("Ago", "Dracula", "● OFFLINE")
            assert shown_table(pilot).is_old
            await pilot.presses("2")
            await pilot.sees("Time", "● OFFLINE")
            assert "Dracula" not in pilot.screen
        await pilot.sees("Dracula", "● LIVE")
        await pilot.until(lambda: not shown_table(pilot).is_old)


async def test_without_colours_old_rows_have_the_attribute_dim(
    open_console: OpenConsole, ann: ReadingApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    ann.reads("Dracula")
    async with open_console() as pilot:
        await pilot.presses("3")
        await pilot.sees("Titles", "Ben Baker")
        assert not is_dim(pilot, "Ben Baker")
        await pilot.presses("p")
        await pilot.sees("● FROZEN")
        await pilot.until(lambda: is_dim(pilot, "Ben Baker"))
        await pilot.presses("p")
        await pilot.until(lambda: not is_dim(pilot, "Ben Baker"))


def shown_table(pilot: ConsolePilot) -> LiveTable:
    screen = pilot.app.screen
    assert isinstance(screen, ViewScreen)
    return screen.table


def is_dim(pilot: ConsolePilot, words: str) -> bool:
    strips = pilot.app.screen._compositor.render_strips()
    return any(
        bool(style and style.dim) for strip in strips for text, style, _ in strip if words in text
    )


async def test_readers_who_log_in_before_the_first_key_leave_the_cursor_on_the_first_row(
    open_console: OpenConsole, ann: ReadingApp, ben: ReadingApp
) -> None:
    ben.reads("Faust")
    async with open_console() as pilot:
        await pilot.until(lambda: "Ben" in pilot.cursor)
        ann.reads("Dracula")
        await pilot.until(lambda: "Ann" in pilot.cursor)
        await pilot.presses("down")
        await pilot.until(lambda: "Ben" in pilot.cursor)


async def test_the_cursor_stays_on_the_same_reader_when_the_rows_move(
    open_console: OpenConsole, ann: ReadingApp, ben: ReadingApp, clock: StillClock
) -> None:
    ann.reads()
    clock.advance(minutes=1)
    ben.reads()
    async with open_console() as pilot:
        await pilot.sees("Ann", "Ben")
        await pilot.presses("down")
        await pilot.until(lambda: "Ben" in pilot.cursor)
        await pilot.presses(*"ssss")  # who did something last comes first
        await pilot.sees("Ago ▲")
        await pilot.until(lambda: pilot.line_number("Ben") < pilot.line_number("Ann"))
        assert "Ben" in pilot.cursor
        clock.advance(seconds=10)
        ann.reads()
        await pilot.until(lambda: pilot.line_number("Ann") < pilot.line_number("Ben"))
        assert "Ben" in pilot.cursor


async def test_who_leaves_under_the_cursor_stays_in_view_until_it_moves(
    open_console: OpenConsole, ann: ReadingApp, ben: ReadingApp
) -> None:
    ann.reads()
    ben.reads()
    async with open_console() as pilot:
        await pilot.sees("Ann", "Ben", "2 online")
        ann.logs_out()
        await pilot.sees("1 online")
        assert pilot.line("Ann").startswith(GHOST)
        await pilot.presses("down")
        await pilot.loses("Ann")
        assert "Ben" in pilot.cursor


# The filter.


async def test_the_filter_takes_the_keys_that_follow_its_own_at_once(
    open_console: OpenConsole, ann: ReadingApp, ben: ReadingApp
) -> None:
    """Most letters are keys of the list: q would leave the console."""
    ann.reads("Don Quijote")
    ben.reads("Faust 2")
    async with open_console() as pilot:
        await pilot.sees("Ann", "Ben")
        await pilot.presses(*"/q")
        await pilot.loses("Ben")
        await pilot.presses(*"spf2?/")
        await pilot.sees("nothing matches qspf2?/")
        await pilot.presses("ctrl+u")
        await pilot.sees("Ann", "Ben")
        await pilot.presses(*"FAU 2")
        await keeps(pilot, "Ben", "Ann")


async def test_the_filter_stays_in_view_and_in_force_until_it_is_cleared(
    open_console: OpenConsole, ann: ReadingApp, ben: ReadingApp
) -> None:
    async with open_console() as pilot:
        await pilot.presses("3")
        await pilot.sees("Ann", "Ben")
        await pilot.filters("ben")
        await pilot.loses("Ann")
        await pilot.presses("1")
        await pilot.sees("nobody is online")
        await pilot.presses("3")
        await pilot.sees("Ben")
        assert "Ann" not in pilot.screen
        await pilot.sees(" 1 match; escape clears")
        assert pilot.lines[-2].startswith(" / ben ")
        ben.reads("Faust")
        await pilot.sees("1 online")
        await pilot.presses("escape")
        await pilot.sees("Ann", "Ben")
        assert "ben" not in pilot.screen


async def keeps(pilot: ConsolePilot, seen: str, lost: str) -> None:
    """Wait until the filter has one of two readers."""
    await pilot.until(lambda: seen in pilot.screen and lost not in pilot.screen)


@on_both_engines
async def test_the_filter_asks_for_what_a_list_knows_of_its_rows(
    open_console: OpenConsole, ann: ReadingApp, ben: ReadingApp, clock: StillClock
) -> None:
    ann.logs_in("tablet")
    ann.reads("Dracula", progress=10)
    clock.advance(minutes=10)
    ann.sends_a_heartbeat()
    ben.reads("Emma", progress=90)
    async with open_console() as pilot:
        for filter_, seen, lost in (
            ("presence:idle", "Ann", "Ben"),
            ("!idle>5m", "Ben", "Ann"),
            ("drcl device:tablet progress<20", "Ann", "Ben"),
            ("!title:dracula", "Ben", "Ann"),
        ):
            await pilot.sees("Ann", "Ben")
            await pilot.filters(filter_)
            await keeps(pilot, seen, lost)
            await pilot.presses("escape")


async def test_an_invalid_filter_is_reported_in_place_and_the_rows_stay(
    open_console: OpenConsole, ann: ReadingApp, ben: ReadingApp
) -> None:
    ann.reads("Dracula")
    ben.reads("Emma")
    async with open_console() as pilot:
        await pilot.sees("Ann", "Ben")
        await pilot.presses("/")
        await pilot.pastes("title:emma")
        await keeps(pilot, "Ben", "Ann")
        await pilot.pastes(" login>7d")
        await pilot.sees("login>7d: unknown field; use one of", "device_type", "Ben")
        assert "Ann" not in pilot.screen


async def test_the_name_of_a_field_is_completed_by_the_right_arrow(
    open_console: OpenConsole, ann: ReadingApp, ben: ReadingApp
) -> None:
    ann.reads("Dracula")
    ben.reads("Emma")
    async with open_console() as pilot:
        await pilot.sees("Ann", "Ben")
        await pilot.presses("/")
        await pilot.pastes("ti")
        await pilot.sees("title:")
        await pilot.presses("right")
        await pilot.types("em")
        await keeps(pilot, "Ben", "Ann")


async def test_an_empty_filter_goes_away_with_enter(open_console: OpenConsole) -> None:
    async with open_console() as pilot:
        await pilot.presses("/")
        await pilot.sees("type a filter")
        await pilot.presses("enter")
        await pilot.loses("type a filter")


# The order.


def is_sorted(pilot: ConsolePilot, mark: str, first: str) -> bool:
    """Tell whether the titles show a mark, and the first row a reader."""
    return mark in pilot.lines[2] and first in pilot.lines[3]


async def test_each_press_of_s_sorts_by_the_next_column_in_view_and_marks_it(
    open_console: OpenConsole, ann: ReadingApp, ben: ReadingApp, clock: StillClock
) -> None:
    ann.reads("Zorro", progress=20)
    clock.advance(minutes=1)
    ben.reads("Faust", progress=70)
    async with open_console() as pilot:
        await pilot.sees("Ann", "Ben")
        for mark, first in (
            ("! ▲", "Ann"),
            ("Reader ▲", "Ann"),
            ("Reading ▲", "Ben"),
            ("Progress ▼", "Ben"),
            ("Ago ▲", "Ben"),
            ("State ▲", "Ann"),
            ("! ▲", "Ann"),
        ):
            await pilot.until(partial(is_sorted, pilot, mark, first))
            assert pilot.screen.count("▲") + pilot.screen.count("▼") == 1
            await pilot.presses("s")


async def test_the_order_is_turned_around_by_a_key_and_by_a_click_on_its_title(
    open_console: OpenConsole, ann: ReadingApp, ben: ReadingApp
) -> None:
    ann.reads(progress=20)
    ben.reads(progress=70)
    async with open_console() as pilot:
        await pilot.sees("Ann", "Ben", "! ▲")
        await pilot.presses("S")
        await pilot.until(lambda: "! ▼" in pilot.lines[2] and "Ben" in pilot.lines[3])
        for mark, first in (("Progress ▼", "Ben"), ("Progress ▲", "Ann")):
            await pilot.textual.click(LiveTable, offset=(pilot.lines[2].index("Progress"), 0))
            await pilot.until(partial(is_sorted, pilot, mark, first))


@on_both_engines
async def test_the_stream_can_be_sorted_too_and_starts_with_the_newest(
    open_console: OpenConsole, ann: ReadingApp, ben: ReadingApp
) -> None:
    ann.reads("Dracula")
    ben.reads("Faust")
    async with open_console() as pilot:
        await pilot.presses("2")
        await pilot.sees("Time ▼")
        await pilot.until(lambda: "Faust" in pilot.lines[3])
        await pilot.presses("s")
        await pilot.sees("Reader ▲")
        await pilot.until(lambda: "Dracula" in pilot.lines[3])


# More than a screen.


@on_both_engines
async def test_activity_goes_back_page_by_page_as_one_goes_down(
    open_console: OpenConsole, ann: ReadingApp
) -> None:
    ann.reads_all(f"Title {number}" for number in range(1100))
    async with open_console() as pilot:
        await pilot.presses("2")
        await pilot.sees("Time ▼", "Title 1099")
        await pilot.presses("end")
        await pilot.until(lambda: len(pilot.app._view_screens[View.ACTIVITY].table.keys) == 1100)
        await pilot.until(lambda: "Title 100" in pilot.cursor)
        await pilot.presses("end")
        await pilot.until(lambda: "Title 0" in pilot.cursor)


async def test_a_filter_says_what_it_does_not_understand_and_the_rows_stay(
    open_console: OpenConsole, ann: ReadingApp
) -> None:
    ann.reads("Dracula")
    async with open_console() as pilot:
        await pilot.sees("Ann")
        await pilot.presses("/")
        await pilot.pastes("login>7d")
        await pilot.sees("login>7d: unknown field")
        assert "Ann" in pilot.screen
        await pilot.presses("escape")
        await pilot.loses("unknown field")
        await pilot.presses("3")
        await pilot.sees("Titles", "Ann")
        await pilot.presses("/")
        await pilot.pastes("login>7d")
        await keeps(pilot, "Ben", "Ann")  # Ben was never here
        assert "Ben" in pilot.cursor


# Freezing.


async def test_a_frozen_snapshot_is_held_and_what_is_new_is_counted(
    open_console: OpenConsole, ann: ReadingApp, ben: ReadingApp
) -> None:
    ann.reads("Dracula")
    async with open_console() as pilot:
        await pilot.presses("2")
        await pilot.sees("Time", "Dracula")
        await pilot.presses("p")
        await pilot.sees("● FROZEN")
        ben.reads("Faust")
        ben.reads("Faust")
        await pilot.sees("2 new")
        assert "Faust" not in pilot.screen
        await pilot.presses("p")
        await pilot.sees("● LIVE", "Faust")
        assert "new" not in pilot.screen


async def test_a_frozen_feed_goes_back_in_time_and_no_further_forward(
    open_console: OpenConsole, ann: ReadingApp, ben: ReadingApp
) -> None:
    ann.reads_all(f"Volume {n}" for n in range(1100))
    async with open_console() as pilot:
        await pilot.presses("2")
        await pilot.sees("Time", "Volume 1099")
        await pilot.presses("p")
        await pilot.sees("● FROZEN")
        ben.reads_all(f"Faust {n}" for n in range(2100))
        await pilot.sees("5 Log", "● FROZEN +1000+")
        table = pilot.app._view_screens[View.ACTIVITY].table
        await pilot.presses("end")
        await pilot.until(lambda: len(table.keys) == 1100)
        await pilot.presses("end")
        await pilot.until(lambda: pilot.cursor.endswith("Volume 0"))
        await pilot.sees("● FROZEN +2100")
        await pilot.presses("home")
        await pilot.until(lambda: "Volume 1099" in pilot.cursor)
        await pilot.presses("p")
        await pilot.sees("● LIVE", "Faust")


async def test_in_another_order_a_frozen_feed_stays_as_long_as_it_is(
    open_console: OpenConsole, ann: ReadingApp
) -> None:
    ann.reads_all(f"Volume {n:04}" for n in range(1100))
    async with open_console() as pilot:
        await pilot.presses("2", "s", "p")
        await pilot.sees("Reader ▲", "● FROZEN", "Volume 1099")
        await pilot.presses("end")
        await pilot.until(lambda: pilot.cursor.endswith("Volume 0100"))
        ann.reads("Faust")
        await pilot.sees("+1+")
        assert len(pilot.app._view_screens[View.ACTIVITY].table.keys) == 1000


async def test_what_is_new_is_counted_as_far_as_it_can_be_known(
    open_console: OpenConsole, ann: ReadingApp
) -> None:
    ann.reads_all(f"Volume {n}" for n in range(10))
    async with open_console() as pilot:
        await pilot.presses("2")
        await pilot.sees("Time", "Volume 9")
        await pilot.presses("p")
        await pilot.sees("● FROZEN")
        ann.reads_all(f"Part {n}" for n in range(1200))
        await pilot.sees("● FROZEN +1000+")


async def test_rows_out_of_view_are_frozen_too(
    open_console: OpenConsole, db: Database, clock: StillClock, ann: ReadingApp
) -> None:
    add_readers(db, clock, 80, "Abe")
    async with open_console() as pilot:
        await pilot.presses("3", "s")
        await pilot.sees("Reader ▲", "▌ Abe 0000")
        await pilot.presses("p")
        await pilot.sees("● FROZEN")
        table = pilot.app._view_screens[View.READERS].table
        await pilot.until(lambda: len(table.export().rows) == 82)
        ann.reads("Dracula")
        await pilot.presses("end", "up")
        await pilot.until(lambda: "Ann Archer" in pilot.cursor)
        assert "never" in pilot.cursor
        await pilot.presses("p")
        await pilot.until(lambda: "Ann Archer" in pilot.cursor and "never" not in pilot.cursor)


async def test_rows_that_could_not_be_read_when_it_was_frozen_are_read_when_they_can(
    open_console: OpenConsole, db: Database, clock: StillClock
) -> None:
    add_readers(db, clock, 80, "Abe")
    async with open_console() as pilot:
        await pilot.presses("3", "s")
        await pilot.sees("Reader ▲", "▌ Abe 0000")
        with mislaid_table(db):
            await pilot.sees("● OFFLINE")
            await pilot.presses("p")
            await pilot.until(lambda: pilot.app._worker._requests._failed)
        table = pilot.app._view_screens[View.READERS].table
        await pilot.until(lambda: len(table.export().rows) == 82)
        await pilot.sees("● FROZEN")


async def test_a_frozen_snapshot_can_be_sorted_and_searched(
    open_console: OpenConsole, ann: ReadingApp, ben: ReadingApp
) -> None:
    ann.reads("Dracula", progress=20)
    async with open_console() as pilot:
        await pilot.sees("Ann")
        await pilot.presses("p")
        await pilot.sees("● FROZEN")
        ben.reads("Faust", progress=70)
        await pilot.sees(", 1 new")
        await pilot.presses("s", "s")
        await pilot.sees("● FROZEN", "Reading ▲", "Ann", "Ben")
        await pilot.loses(" new")
        await pilot.presses(*"/ben")
        await keeps(pilot, "Ben", "Ann")
        await pilot.sees("● FROZEN", "Reading ▲")


async def test_a_list_frozen_before_its_first_snapshot_shows_that_one(
    open_console: OpenConsole, ann: ReadingApp
) -> None:
    ann.reads("Dracula")
    async with open_console() as pilot:
        await pilot.presses("p")
        await pilot.sees("● FROZEN", "Ann")
        await pilot.presses("2", "p")
        await pilot.sees("● FROZEN", "Ann", "Time")


async def test_going_elsewhere_ends_the_freeze(open_console: OpenConsole, ann: ReadingApp) -> None:
    async with open_console() as pilot:
        await pilot.sees("● LIVE")
        await pilot.presses("p")
        await pilot.sees("● FROZEN")
        await pilot.presses("2")
        await pilot.sees("● LIVE", "no activities yet")
        ann.reads("Dracula")
        await pilot.sees("Dracula")


async def test_opening_a_reader_ends_the_freeze(
    open_console: OpenConsole, ann: ReadingApp, ben: ReadingApp
) -> None:
    ann.reads("Dracula")
    async with open_console() as pilot:
        await pilot.sees("● LIVE", "Ann")
        await pilot.presses("p")
        await pilot.sees("● FROZEN")
        await pilot.presses("enter")
        await pilot.sees("ann@example.org")
        ben.reads("Faust")
        await pilot.presses("escape")
        await pilot.sees("● LIVE", "Faust")


async def test_nobody_online_nothing_done_no_readers(
    open_console: OpenConsole, db: Database, cast: Cast
) -> None:
    db.execute_sql("UPDATE users SET is_active = FALSE WHERE user_role = 'reader'")
    async with open_console() as pilot:
        await pilot.sees("nobody is online", "0 online   0 activities a minute")
        await pilot.presses("2")
        await pilot.sees("no activities yet")
        await pilot.presses("3")
        await pilot.sees("there are no readers yet")
        await pilot.presses("enter", "down", "s", "end")
        await pilot.sees("there are no readers yet", "Reader ▲", "● LIVE")


# The columns.


async def test_columns_are_turned_on_and_off_in_view_and_come_back(
    open_console: OpenConsole, ann: ReadingApp
) -> None:
    ann.logs_in("tablet")
    ann.reads("Dracula", progress=50)
    async with open_console() as pilot:
        await pilot.sees("Dracula", "50%")
        place_of_ago = pilot.line("Reading").index("Ago")
        await pilot.presses("c")
        await pilot.sees("[x] Progress", "[ ] Device", "r resets")
        await pilot.presses(*["down"] * 5, "space")
        await pilot.loses("50%")
        assert pilot.line("Reading").index("Ago") == place_of_ago, "the others take the freed cells"
        await pilot.presses("end", "space")
        await pilot.sees("[ ] Progress", "[x] Device", "tablet")
        await pilot.presses("escape", "s", "s", "s")
        await pilot.sees("Ago ▲")
        await pilot.presses("c", "r")
        await pilot.sees("[x] Progress", "[ ] Device", "50%")
        await pilot.loses("tablet")


async def test_one_column_stays_and_what_does_not_fit_is_cut(
    open_console: OpenConsole, ann: ReadingApp
) -> None:
    ann.reads("Dracula")
    async with open_console() as pilot:
        await pilot.presses("3")
        await pilot.sees("Last login", "Ann")
        hides = ("space", "down")
        await pilot.presses("c", *hides, "down", *hides * 2, "down", *hides * 2)
        await pilot.sees("[ ] Reader", "[x] Last login")
        await pilot.presses("up", "space")
        await pilot.sees("[x] Last login")
        await pilot.presses("r", "end", "space")
        await pilot.sees("[x] Last activity")
        await pilot.presses("escape")
        await pilot.sees("Last login", "Ann")
        await pilot.loses("Columns")
        assert all(cell_len(line) <= 80 for line in pilot.lines)


# The pane beside the list.


async def test_a_wide_terminal_says_more_about_the_row_under_the_cursor(
    open_console: OpenConsole, ann: ReadingApp, ben: ReadingApp
) -> None:
    ann.reads("Dracula", 40)
    ben.reads("Faust", 90)
    async with open_console(size=LARGE) as pilot:
        await pilot.sees("Ben", "30 min before")
        assert any("Dracula" in line[118:] for line in pilot.lines)
        await pilot.presses("down")
        await pilot.until(lambda: any("Faust" in line[118:] for line in pilot.lines))
        await pilot.presses("i")
        await pilot.loses("30 min before")
        await pilot.presses("2")
        await pilot.sees("page read")
        assert "arrived at" not in pilot.screen
        await pilot.presses("i")
        await pilot.sees("arrived at")
    async with open_console(size=(139, 40)) as pilot:
        await pilot.sees("Ann Archer")
        assert "30 min before" not in pilot.screen


async def test_the_pane_of_a_masked_reader_has_no_name(
    open_console: OpenConsole, ann: ReadingApp
) -> None:
    ann.reads("Dracula", 40)
    async with open_console(size=LARGE, mask=True) as pilot:
        await pilot.sees("A. A.", "30 min before")
        assert "Archer" not in pilot.screen
