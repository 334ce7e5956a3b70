"""What a consultant does with the lists all day."""

import pytest
from conftest import Cast, StillClock, on_both_engines
from reading_app import ReadingApp, add_readers
from rich.cells import cell_len
from tui.console_pilot import LARGE, SMALL, ConsolePilot, OpenConsole
from tui.test_connection_loss import mislaid_table

from readwatch.monitor.snapshots import View
from readwatch.store.engine.connections import Database
from readwatch.tui.format.cells import SIGNS
from readwatch.tui.widgets.live_table import LiveTable

GHOST = SIGNS["departed"]


@pytest.mark.parametrize("size", [SMALL, LARGE])
@on_both_engines
async def test_online_shows_who_reads_what_and_how_far(
    sit: OpenConsole, ann: ReadingApp, ben: ReadingApp, clock: StillClock, size: tuple[int, int]
) -> None:
    ann.logs_in("tablet")
    clock.advance(minutes=2)
    ann.reads("Moby-Dick", progress=50)
    ann.sends_a_heartbeat()
    ben.logs_in()
    ben.logs_out()
    clock.advance(seconds=30)
    async with sit(size=size) as seat:
        await seat.sees("Ann Archer")
        assert seat.cursor.split()[:3] == ["●", "reading", "Ann"]
        assert all(words in seat.cursor for words in ("Moby-Dick", "━━━┄┄┄  50%", "30 s"))
        assert ("tablet" in seat.cursor) == ("page read" in seat.cursor) == (size is LARGE)
        assert "1 online   1 activity a minute" in seat.lines[1]
        assert "Ben" not in seat.screen


async def test_who_falls_silent_is_seen_to_fade_and_to_go(
    sit: OpenConsole, ann: ReadingApp, ben: ReadingApp, clock: StillClock
) -> None:
    ann.reads()
    async with sit() as seat:
        await seat.sees("● reading")
        for minutes, state in ((2.5, "○ silent"), (1.5, "◌ leaving")):
            clock.advance(minutes=minutes)
            ben.reads()
            await seat.sees(state)
        clock.advance(minutes=1)
        ben.reads()
        await seat.sees("1 online")
        assert seat.line("Ann").startswith(f"{GHOST} ◌ leaving")


@on_both_engines
async def test_a_new_activity_appears_without_a_key(
    sit: OpenConsole, ann: ReadingApp, ben: ReadingApp
) -> None:
    ann.reads("Dracula")
    async with sit() as seat:
        await seat.presses("2")
        await seat.sees("Time", "Dracula")
        ben.reads("Faust", progress=33, activity_type="chapter_finished")
        await seat.sees("Faust")
        assert seat.line_number("Faust") < seat.line_number("Dracula")
        assert seat.cursor == seat.line("Faust").removeprefix("▌ ")
        assert "Ben Baker" in seat.cursor
        assert "chapter finished" in seat.cursor
        assert "33%" in seat.cursor


@on_both_engines
async def test_the_numbers_go_from_list_to_list_and_back_again(
    sit: OpenConsole, ann: ReadingApp, ben: ReadingApp
) -> None:
    ann.reads("Dracula")
    async with sit() as seat:
        for _ in range(2):
            await seat.presses("3")
            await seat.sees("Ann Archer", "Ben Baker", "Last login ▲", "● LIVE")
            await seat.presses("1")
            await seat.sees("Ann Archer", "Reader ▲", "● LIVE")
            assert "Ben" not in seat.screen
            await seat.presses("2")
            await seat.sees("Ann Archer", "page read", "● LIVE")


async def test_the_cursor_stays_on_the_same_reader_when_the_rows_move(
    sit: OpenConsole, ann: ReadingApp, ben: ReadingApp, clock: StillClock
) -> None:
    ann.reads()
    clock.advance(minutes=1)
    ben.reads()
    async with sit() as seat:
        await seat.sees("Ann", "Ben")
        await seat.presses("down")
        await seat.until(lambda: "Ben" in seat.cursor)
        await seat.presses(*"sss")  # who did something last comes first
        await seat.sees("Ago ▲")
        await seat.until(lambda: seat.line_number("Ben") < seat.line_number("Ann"))
        assert "Ben" in seat.cursor
        clock.advance(seconds=10)
        ann.reads()
        await seat.until(lambda: seat.line_number("Ann") < seat.line_number("Ben"))
        assert "Ben" in seat.cursor


async def test_who_leaves_under_the_cursor_stays_in_sight_until_it_moves(
    sit: OpenConsole, ann: ReadingApp, ben: ReadingApp
) -> None:
    ann.reads()
    ben.reads()
    async with sit() as seat:
        await seat.sees("Ann", "Ben", "2 online")
        ann.logs_out()
        await seat.sees("1 online")
        assert seat.line("Ann").startswith(GHOST)
        await seat.presses("down")
        await seat.loses("Ann")
        assert "Ben" in seat.cursor


# The filter.


async def test_the_filter_takes_the_keys_that_follow_its_own_at_once(
    sit: OpenConsole, ann: ReadingApp, ben: ReadingApp
) -> None:
    """Most letters are keys of the list: q would leave the console."""
    ann.reads("Don Quijote")
    ben.reads("Faust 2")
    async with sit() as seat:
        await seat.sees("Ann", "Ben")
        await seat.presses(*"/q")
        await seat.loses("Ben")
        await seat.presses(*"spf2?/")
        await seat.sees("nothing fits: qspf2?/")
        await seat.presses("ctrl+u")
        await seat.sees("Ann", "Ben")
        await seat.presses(*"FAU 2")
        await keeps(seat, "Ben", "Ann")


async def test_the_filter_stays_in_sight_and_in_force_until_it_is_cleared(
    sit: OpenConsole, ann: ReadingApp, ben: ReadingApp
) -> None:
    async with sit() as seat:
        await seat.presses("3")
        await seat.sees("Ann", "Ben")
        await seat.filters("ben")
        await seat.loses("Ann")
        await seat.presses("1")
        await seat.sees("nobody is online")
        await seat.presses("3")
        await seat.sees("Ben")
        assert "Ann" not in seat.screen
        await seat.sees(" 1 match; escape clears")
        assert seat.lines[-2].startswith(" / ben ")
        ben.reads("Faust")
        await seat.sees("1 online")
        await seat.presses("escape")
        await seat.sees("Ann", "Ben")
        assert "ben" not in seat.screen


async def keeps(seat: ConsolePilot, seen: str, lost: str) -> None:
    """Wait until the filter has one of two readers."""
    await seat.until(lambda: seen in seat.screen and lost not in seat.screen)


@on_both_engines
async def test_the_filter_asks_for_what_a_list_knows_of_its_rows(
    sit: OpenConsole, ann: ReadingApp, ben: ReadingApp, clock: StillClock
) -> None:
    ann.logs_in("tablet")
    ann.reads("Dracula", progress=10)
    clock.advance(minutes=10)
    ann.sends_a_heartbeat()
    ben.reads("Emma", progress=90)
    async with sit() as seat:
        for filter_, seen, lost in (
            ("presence:idle", "Ann", "Ben"),
            ("!idle>5m", "Ben", "Ann"),
            ("drcl device:tablet progress<20", "Ann", "Ben"),
            ("!title:dracula", "Ben", "Ann"),
        ):
            await seat.sees("Ann", "Ben")
            await seat.filters(filter_)
            await keeps(seat, seen, lost)
            await seat.presses("escape")


async def test_a_filter_that_cannot_be_is_told_in_place_and_the_rows_stay(
    sit: OpenConsole, ann: ReadingApp, ben: ReadingApp
) -> None:
    ann.reads("Dracula")
    ben.reads("Emma")
    async with sit() as seat:
        await seat.sees("Ann", "Ben")
        await seat.presses("/")
        await seat.pastes("title:emma")
        await keeps(seat, "Ben", "Ann")
        await seat.pastes(" login>7d")
        await seat.sees("login>7d: unknown field; use one of", "device_type", "Ben")
        assert "Ann" not in seat.screen


async def test_the_name_of_a_field_is_completed_by_the_right_arrow(
    sit: OpenConsole, ann: ReadingApp, ben: ReadingApp
) -> None:
    ann.reads("Dracula")
    ben.reads("Emma")
    async with sit() as seat:
        await seat.sees("Ann", "Ben")
        await seat.presses("/")
        await seat.pastes("ti")
        await seat.sees("title:")
        await seat.presses("right")
        await seat.types("em")
        await keeps(seat, "Ben", "Ann")


async def test_an_empty_filter_goes_away_with_enter(sit: OpenConsole) -> None:
    async with sit() as seat:
        await seat.presses("/")
        await seat.sees("type a filter")
        await seat.presses("enter")
        await seat.loses("type a filter")


# The order.


async def test_each_press_of_s_sorts_by_the_next_column_in_sight_and_marks_it(
    sit: OpenConsole, ann: ReadingApp, ben: ReadingApp, clock: StillClock
) -> None:
    ann.reads("Zorro", progress=20)
    clock.advance(minutes=1)
    ben.reads("Faust", progress=70)
    async with sit() as seat:
        await seat.sees("Ann", "Ben")
        for mark, first in (
            ("Reader ▲", "Ann"),
            ("Reading ▲", "Ben"),
            ("Progress ▼", "Ben"),
            ("Ago ▲", "Ben"),
            ("State ▲", "Ann"),
            ("Reader ▲", "Ann"),
        ):
            await seat.until(
                lambda mark=mark, first=first: mark in seat.lines[2] and first in seat.lines[3]
            )
            assert seat.screen.count("▲") + seat.screen.count("▼") == 1
            await seat.presses("s")


async def test_the_order_is_turned_around_by_a_key_and_by_a_click_on_its_title(
    sit: OpenConsole, ann: ReadingApp, ben: ReadingApp
) -> None:
    ann.reads(progress=20)
    ben.reads(progress=70)
    async with sit() as seat:
        await seat.sees("Ann", "Ben", "Reader ▲")
        await seat.presses("S")
        await seat.until(lambda: "Reader ▼" in seat.lines[2] and "Ben" in seat.lines[3])
        for mark, first in (("Progress ▼", "Ben"), ("Progress ▲", "Ann")):
            await seat.pilot.click(LiveTable, offset=(seat.lines[2].index("Progress"), 0))
            await seat.until(
                lambda mark=mark, first=first: mark in seat.lines[2] and first in seat.lines[3]
            )


@on_both_engines
async def test_the_stream_can_be_sorted_too_and_starts_with_the_newest(
    sit: OpenConsole, ann: ReadingApp, ben: ReadingApp
) -> None:
    ann.reads("Dracula")
    ben.reads("Faust")
    async with sit() as seat:
        await seat.presses("2")
        await seat.sees("Time ▼")
        await seat.until(lambda: "Faust" in seat.lines[3])
        await seat.presses("s")
        await seat.sees("Reader ▲")
        await seat.until(lambda: "Dracula" in seat.lines[3])


# More than a screen.


@on_both_engines
async def test_activity_goes_back_page_by_page_as_one_goes_down(
    sit: OpenConsole, ann: ReadingApp
) -> None:
    ann.reads_all(f"Title {number}" for number in range(1100))
    async with sit() as seat:
        await seat.presses("2")
        await seat.sees("Time ▼", "Title 1099")
        await seat.presses("end")
        await seat.until(lambda: len(seat.app._view_screens[View.ACTIVITY].table.keys) == 1100)
        await seat.until(lambda: "Title 100" in seat.cursor)
        await seat.presses("end")
        await seat.until(lambda: "Title 0" in seat.cursor)


async def test_a_filter_says_what_it_does_not_understand_and_the_rows_stay(
    sit: OpenConsole, ann: ReadingApp
) -> None:
    ann.reads("Dracula")
    async with sit() as seat:
        await seat.sees("Ann")
        await seat.presses("/")
        await seat.pastes("login>7d")
        await seat.sees("login>7d: unknown field")
        assert "Ann" in seat.screen
        await seat.presses("escape")
        await seat.loses("unknown field")
        await seat.presses("3")
        await seat.sees("Titles", "Ann")
        await seat.presses("/")
        await seat.pastes("login>7d")
        await keeps(seat, "Ben", "Ann")  # Ben was never here
        assert "Ben" in seat.cursor


# Freezing.


async def test_a_frozen_picture_is_held_and_what_is_new_is_counted(
    sit: OpenConsole, ann: ReadingApp, ben: ReadingApp
) -> None:
    ann.reads("Dracula")
    async with sit() as seat:
        await seat.presses("2")
        await seat.sees("Time", "Dracula")
        await seat.presses("p")
        await seat.sees("● FROZEN")
        ben.reads("Faust")
        ben.reads("Faust")
        await seat.sees("2 new")
        assert "Faust" not in seat.screen
        await seat.presses("p")
        await seat.sees("● LIVE", "Faust")
        assert "new" not in seat.screen


async def test_a_frozen_feed_goes_back_in_time_and_no_further_forward(
    sit: OpenConsole, ann: ReadingApp, ben: ReadingApp
) -> None:
    ann.reads_all(f"Volume {n}" for n in range(1100))
    async with sit() as seat:
        await seat.presses("2")
        await seat.sees("Time", "Volume 1099")
        await seat.presses("p")
        await seat.sees("● FROZEN")
        ben.reads_all(f"Faust {n}" for n in range(2100))
        await seat.sees(", 1000+ new")
        table = seat.app._view_screens[View.ACTIVITY].table
        await seat.presses("end")
        await seat.until(lambda: len(table.keys) == 1100)
        await seat.presses("end")
        await seat.until(lambda: seat.cursor.endswith("Volume 0"))
        await seat.sees("● FROZEN, 2100 new")
        await seat.presses("home")
        await seat.until(lambda: "Volume 1099" in seat.cursor)
        await seat.presses("p")
        await seat.sees("● LIVE", "Faust")


async def test_in_another_order_a_frozen_feed_stays_as_long_as_it_is(
    sit: OpenConsole, ann: ReadingApp
) -> None:
    ann.reads_all(f"Volume {n:04}" for n in range(1100))
    async with sit() as seat:
        await seat.presses("2", "s", "p")
        await seat.sees("Reader ▲", "● FROZEN", "Volume 1099")
        await seat.presses("end")
        await seat.until(lambda: seat.cursor.endswith("Volume 0100"))
        ann.reads("Faust")
        await seat.sees(", 1+ new")
        assert len(seat.app._view_screens[View.ACTIVITY].table.keys) == 1000


async def test_what_is_new_is_counted_as_far_as_it_can_be_known(
    sit: OpenConsole, ann: ReadingApp
) -> None:
    ann.reads_all(f"Volume {n}" for n in range(10))
    async with sit() as seat:
        await seat.presses("2")
        await seat.sees("Time", "Volume 9")
        await seat.presses("p")
        await seat.sees("● FROZEN")
        ann.reads_all(f"Part {n}" for n in range(1200))
        await seat.sees(", 1000+ new")


async def test_rows_out_of_sight_are_frozen_too(
    sit: OpenConsole, db: Database, clock: StillClock, ann: ReadingApp
) -> None:
    add_readers(db, clock, 80, "Abe")
    async with sit() as seat:
        await seat.presses("3", "s")
        await seat.sees("Reader ▲", "▌ Abe 0000")
        await seat.presses("p")
        await seat.sees("● FROZEN")
        table = seat.app._view_screens[View.READERS].table
        await seat.until(lambda: len(table.export().rows) == 82)
        ann.reads("Dracula")
        await seat.presses("end", "up")
        await seat.until(lambda: "Ann Archer" in seat.cursor)
        assert "never" in seat.cursor
        await seat.presses("p")
        await seat.until(lambda: "Ann Archer" in seat.cursor and "never" not in seat.cursor)


async def test_rows_that_could_not_be_read_when_it_was_frozen_are_read_when_they_can(
    sit: OpenConsole, db: Database, clock: StillClock
) -> None:
    add_readers(db, clock, 80, "Abe")
    async with sit() as seat:
        await seat.presses("3", "s")
        await seat.sees("Reader ▲", "▌ Abe 0000")
        with mislaid_table(db):
            await seat.sees("● OFFLINE")
            await seat.presses("p")
            await seat.until(lambda: seat.app._worker._missed)
        table = seat.app._view_screens[View.READERS].table
        await seat.until(lambda: len(table.export().rows) == 82)
        await seat.sees("● FROZEN")


async def test_a_frozen_picture_can_be_sorted_and_searched(
    sit: OpenConsole, ann: ReadingApp, ben: ReadingApp
) -> None:
    ann.reads("Dracula", progress=20)
    async with sit() as seat:
        await seat.sees("Ann")
        await seat.presses("p")
        await seat.sees("● FROZEN")
        ben.reads("Faust", progress=70)
        await seat.sees(", 1 new")
        await seat.presses("s")
        await seat.sees("● FROZEN", "Reading ▲", "Ann", "Ben")
        await seat.loses(" new")
        await seat.presses(*"/ben")
        await keeps(seat, "Ben", "Ann")
        await seat.sees("● FROZEN", "Reading ▲")


async def test_a_list_frozen_before_its_first_picture_shows_that_one(
    sit: OpenConsole, ann: ReadingApp
) -> None:
    ann.reads("Dracula")
    async with sit() as seat:
        await seat.presses("p")
        await seat.sees("● FROZEN", "Ann")
        await seat.presses("2", "p")
        await seat.sees("● FROZEN", "Ann", "Time")


async def test_going_elsewhere_ends_the_freeze(sit: OpenConsole, ann: ReadingApp) -> None:
    async with sit() as seat:
        await seat.sees("● LIVE")
        await seat.presses("p")
        await seat.sees("● FROZEN")
        await seat.presses("2")
        await seat.sees("● LIVE", "no activities yet")
        ann.reads("Dracula")
        await seat.sees("Dracula")


async def test_opening_a_reader_ends_the_freeze(
    sit: OpenConsole, ann: ReadingApp, ben: ReadingApp
) -> None:
    ann.reads("Dracula")
    async with sit() as seat:
        await seat.sees("● LIVE", "Ann")
        await seat.presses("p")
        await seat.sees("● FROZEN")
        await seat.presses("enter")
        await seat.sees("ann@example.org")
        ben.reads("Faust")
        await seat.presses("escape")
        await seat.sees("● LIVE", "Faust")


async def test_nobody_online_nothing_done_no_readers(
    sit: OpenConsole, db: Database, cast: Cast
) -> None:
    db.execute_sql("UPDATE users SET is_active = FALSE WHERE user_role = 'reader'")
    async with sit() as seat:
        await seat.sees("nobody is online", "0 online   0 activities a minute")
        await seat.presses("2")
        await seat.sees("no activities yet")
        await seat.presses("3")
        await seat.sees("there are no readers yet: readwatch user add")
        await seat.presses("enter", "down", "s", "end")
        await seat.sees("there are no readers yet", "Reader ▲", "● LIVE")


# The columns.


async def test_columns_are_turned_on_and_off_in_sight_and_come_back(
    sit: OpenConsole, ann: ReadingApp
) -> None:
    ann.logs_in("tablet")
    ann.reads("Dracula", progress=50)
    async with sit() as seat:
        await seat.sees("Dracula", "50%")
        place_of_ago = seat.line("Reading").index("Ago")
        await seat.presses("c")
        await seat.sees("[x] Progress", "[ ] Device", "r resets")
        await seat.presses("down", "down", "down", "space")
        await seat.loses("50%")
        assert seat.line("Reading").index("Ago") == place_of_ago, "the others take the freed cells"
        await seat.presses("end", "space")
        await seat.sees("[ ] Progress", "[x] Device", "tablet")
        await seat.presses("escape", "s", "s")
        await seat.sees("Ago ▲")
        await seat.presses("c", "r")
        await seat.sees("[x] Progress", "[ ] Device", "50%")
        await seat.loses("tablet")


async def test_one_column_stays_and_what_does_not_fit_is_cut(
    sit: OpenConsole, ann: ReadingApp
) -> None:
    ann.reads("Dracula")
    async with sit() as seat:
        await seat.presses("3")
        await seat.sees("Last login", "Ann")
        await seat.presses("c", *("space", "down") * 3, "down", *("space", "down") * 2)
        await seat.sees("[ ] Reader", "[x] Last login")
        await seat.presses("up", "space")
        await seat.sees("[x] Last login")
        await seat.presses("r", "end", "space")
        await seat.sees("[x] Last activity")
        await seat.presses("escape")
        await seat.sees("Last login", "Ann")
        await seat.loses("Columns")
        assert all(cell_len(line) <= 80 for line in seat.lines)
