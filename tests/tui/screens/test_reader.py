"""A consultant opens one reader: on record first, then shown, live, and back."""

import re
from collections.abc import Callable

import pytest
from conftest import Cast, StillClock, on_both_engines
from reading_app import AccessLog, Entry, ReadingApp
from tui.console_pilot import LARGE, SMALL, OpenConsole

from readwatch.domain.users import UserRole
from readwatch.store.engine.connections import Database
from readwatch.store.identity.users import NewUser, add_user
from readwatch.tui.format.text import BREADCRUMB

Join = Callable[[str], ReadingApp]


@pytest.fixture
def join(db: Database, clock: StillClock) -> Join:
    """`join(name)` is the app of one more reader."""

    def join(name: str) -> ReadingApp:
        email = f"{name.split()[0].lower()}@example.org"
        user = add_user(
            db,
            NewUser(email=email, full_name=name, user_role=UserRole.READER, password_hash="x"),
            clock(),
        )
        return ReadingApp(db, user, clock)

    return join


@pytest.mark.parametrize("size", [SMALL, LARGE])
@on_both_engines
async def test_enter_opens_the_reader_under_the_cursor_and_that_is_logged_by_then(
    open_console: OpenConsole,
    cast: Cast,
    ann: ReadingApp,
    ben: ReadingApp,
    access_log: AccessLog,
    size: tuple[int, int],
) -> None:
    ann.reads()
    ben.reads("Faust")
    async with open_console(size=size) as pilot:
        await pilot.sees("Ann", "Ben")
        await pilot.presses("down", "enter")
        await pilot.sees("ben@example.org", "Faust")
        assert access_log() == [
            Entry(cast.cara.id, "viewed_reader_profile", cast.ben.id, "console, from online")
        ]
        assert "Ann" not in pilot.screen


@pytest.mark.parametrize(
    ("view", "name", "title"),
    [("1", "online", "Ago"), ("2", "activity", "Time"), ("3", "readers", "Titles")],
)
async def test_the_record_says_in_which_list_the_reader_was_seen(
    open_console: OpenConsole,
    cast: Cast,
    ann: ReadingApp,
    access_log: AccessLog,
    view: str,
    name: str,
    title: str,
) -> None:
    ann.reads()
    async with open_console() as pilot:
        await pilot.presses(view)
        await pilot.until(lambda: title in "".join(pilot.lines[2:3]) and "Ann" in pilot.cursor)
        await pilot.presses("enter")
        await pilot.sees("ann@example.org")
        assert [(entry.whom, entry.where) for entry in access_log()] == [
            (cast.ann.id, f"console, from {name}")
        ]


@on_both_engines
async def test_the_page_shows_profile_books_sessions_and_activities(
    open_console: OpenConsole, ann: ReadingApp, db: Database, clock: StillClock
) -> None:
    db.execute_sql("UPDATE reader_profiles SET reading_level = 'B1', timezone = 'Asia/Tokyo'")
    ann.logs_in("tablet")
    ann.reads("Moby-Dick", progress=25, duration_seconds=4000)
    clock.advance(minutes=20)
    ann.sends_a_heartbeat()
    ann.logs_out()
    ann.logs_in("phone")
    ann.reads("Dracula", progress=100, activity_type="quiz_completed", metadata={"score": 80})
    failed = {"score": 30, "passed": False}
    ann.reads("Faust", progress=5, activity_type="quiz_completed", metadata=failed)
    async with open_console(size=LARGE) as pilot:
        await pilot.presses("3")
        await pilot.sees("1 h 08")
        await pilot.presses("enter")
        await pilot.sees(
            f"Readers {BREADCRUMB} Ann Archer (1 of 2)   ● reading",
            "B1   en   Sun 21:20 there (Asia/Tokyo)   ann@example.org",
            "Reading   today 20 min   this week 20 min   in 4 weeks 0 min a day",
        )
        await pilot.sees("1 h 08 of reading   2 sessions   3 titles   last login now")
        book = pilot.line("━━┄┄┄┄  25%")
        assert "Moby-Dick" in book
        assert "1 h 06" in book
        assert "20 min" in book
        assert "━━━━━━ 100%  80 " in pilot.line("Dracula")
        assert "Faust" in pilot.line("┄┄┄┄┄┄   5%  30 failed")
        assert "score 30 · not pa" in pilot.line("quiz completed")
        assert "66:40" in pilot.line("page read")
        assert re.search(r" 20  tablet +ended", pilot.line("tablet"))
        assert re.search(r" 0  phone +active", pilot.line("phone"))


@on_both_engines
async def test_the_page_begins_with_the_reasons_why_the_reader_needs_somebody(
    open_console: OpenConsole, ann: ReadingApp, clock: StillClock
) -> None:
    ann.reads("Momo", progress=80, content_id="momo-7")
    clock.advance(days=20)
    ann.logs_in()
    quiz = {"score": 30, "attempt": 2, "chapter": 36}
    ann.reads("Momo", content_id="momo-7", activity_type="quiz_completed", metadata=quiz)
    clock.advance(minutes=12)
    ann.sends_a_heartbeat()
    async with open_console() as pilot:
        await pilot.presses("4")
        await pilot.sees("failed quiz (30)")
        await pilot.presses("enter")
        await pilot.sees("ann@example.org", "Momo")
        assert pilot.lines[3].split("  ")[1:] == [
            "failed the quiz of chapter 36: 30 of 60 needed, 2nd try, 12 min ago, in Momo"
        ]
        assert pilot.lines[4].strip() == "back after 20 days, logged in 12 min ago"


@on_both_engines
async def test_the_page_is_live_while_it_is_open_and_stays_one_entry(
    open_console: OpenConsole, ann: ReadingApp, access_log: AccessLog, clock: StillClock
) -> None:
    ann.reads("Dracula", progress=10)
    async with open_console() as pilot:
        await pilot.sees("Ann")
        await pilot.presses("enter")
        await pilot.sees("ann@example.org")
        for progress in range(11, 16):
            clock.advance(seconds=30)
            ann.reads("Dracula", progress=progress)
            await pilot.sees(f"{progress}%", "● LIVE")
        ann.reads("Faust")
        ann.logs_out()
        await pilot.sees("· offline", "2 titles", "Faust")
        assert len(access_log()) == 1


async def test_the_cursor_stays_on_its_book_when_another_is_read(
    open_console: OpenConsole, ann: ReadingApp, clock: StillClock
) -> None:
    ann.reads("Dracula")
    clock.advance(minutes=1)
    ann.reads("Faust")
    async with open_console() as pilot:
        await pilot.sees("Ann")
        await pilot.presses("enter")
        await pilot.sees("ann@example.org")
        await pilot.until(
            lambda: [line[2:9] for line in pilot.lines[7:9]] == ["Faust  ", "Dracula"]
        )
        clock.advance(minutes=1)
        ann.reads("Dracula")
        await pilot.until(lambda: "Dracula" in pilot.lines[7])
        assert pilot.lines[8].startswith("▌ Faust")


async def test_escape_goes_back_to_the_same_reader_and_the_list_goes_on(
    open_console: OpenConsole, ann: ReadingApp, ben: ReadingApp
) -> None:
    async with open_console() as pilot:
        await pilot.presses("3")
        await pilot.sees("Ann", "Ben")
        await pilot.presses("down", "enter")
        await pilot.sees("ben@example.org", "no activities yet")
        ben.reads("Faust")
        await pilot.sees("Faust")
        await pilot.presses("escape")
        await pilot.sees("Ann", "Ben", "Last login ▲", "1 online")
        assert "Ben" in pilot.cursor
        assert "Faust" not in pilot.screen
        ann.logs_in()
        await pilot.sees("2 online")


async def test_each_opening_is_an_entry(
    open_console: OpenConsole, ann: ReadingApp, access_log: AccessLog
) -> None:
    ann.reads()
    async with open_console() as pilot:
        await pilot.sees("Ann")
        for openings in 1, 2, 3:
            await pilot.presses("enter")
            await pilot.sees("ann@example.org")
            assert len(access_log()) == openings
            await pilot.presses("escape")
            await pilot.sees("! ▲")


async def test_keys_pressed_twice_open_and_leave_once(
    open_console: OpenConsole, ann: ReadingApp, access_log: AccessLog
) -> None:
    ann.reads()
    async with open_console() as pilot:
        await pilot.sees("Ann")
        await pilot.presses("enter", "enter")
        await pilot.sees("ann@example.org")
        await pilot.presses("enter")
        await pilot.presses("escape", "escape")
        await pilot.sees("! ▲", "● LIVE", "Ann")
        assert len(access_log()) == 1


async def test_a_number_goes_from_the_page_straight_to_that_list(
    open_console: OpenConsole, ann: ReadingApp
) -> None:
    ann.reads("Dracula")
    async with open_console() as pilot:
        for number, words in (
            ("2", "Time ▼"),
            ("1", "! ▲"),
            ("1", "! ▲"),
            ("3", "Last login ▲"),
        ):
            await pilot.until(lambda: "Ann" in pilot.cursor)
            await pilot.presses("enter")
            await pilot.sees("ann@example.org")
            await pilot.presses(number)
            await pilot.loses("ann@example.org")
            await pilot.sees(words, "● LIVE")


async def test_the_help_can_be_called_over_the_page_which_lives_on_below(
    open_console: OpenConsole, ann: ReadingApp
) -> None:
    ann.reads("Dracula", progress=10)
    async with open_console(size=LARGE) as pilot:
        await pilot.sees("Ann")
        await pilot.presses("enter")
        await pilot.sees("ann@example.org")
        await pilot.presses("?")
        await pilot.sees("escape closes")
        ann.reads("Dracula", progress=99)
        await pilot.presses("escape")
        await pilot.sees("ann@example.org", "99%")


async def test_a_reader_of_a_frozen_snapshot_can_be_opened(
    open_console: OpenConsole, ann: ReadingApp
) -> None:
    ann.reads("Dracula")
    async with open_console() as pilot:
        await pilot.sees("Ann")
        await pilot.presses("p")
        await pilot.sees("FROZEN")
        await pilot.presses("enter")
        await pilot.sees("ann@example.org", "● LIVE")


async def test_a_reader_who_left_under_the_cursor_can_still_be_opened(
    open_console: OpenConsole, ann: ReadingApp
) -> None:
    ann.reads()
    async with open_console() as pilot:
        await pilot.sees("Ann")
        ann.logs_out()
        await pilot.sees("0 online")
        await pilot.presses("enter")
        await pilot.sees("ann@example.org", "· offline")


@on_both_engines
async def test_a_reader_whose_account_is_deleted_is_shown_no_longer(
    open_console: OpenConsole, ann: ReadingApp, db: Database, clock: StillClock
) -> None:
    ann.reads("Dracula")
    async with open_console() as pilot:
        await pilot.sees("Ann")
        await pilot.presses("enter")
        await pilot.sees("ann@example.org", "Dracula")
        db.execute_sql(
            "UPDATE users SET deleted_at = CURRENT_TIMESTAMP WHERE email = 'ann@example.org'"
        )
        await pilot.sees("is not shown", "there is no user", "escape to go back")
        assert "Dracula" not in pilot.screen
        await pilot.presses("escape")
        await pilot.sees("! ▲", "● LIVE")


async def test_a_reader_is_not_taken_for_the_one_whose_row_has_the_same_number_elsewhere(
    open_console: OpenConsole, cast: Cast, ann: ReadingApp, ben: ReadingApp, access_log: AccessLog
) -> None:
    """The first activity is Ben's, the first reader is Ann; both are number 1."""
    ben.reads("Faust")
    ann.logs_in()
    async with open_console() as pilot:
        await pilot.presses("2")
        await pilot.sees("Time ▼", "Faust")
        await pilot.presses("1")
        await pilot.sees("Ann", "Ben", "! ▲")
        await pilot.presses("enter", "2")
        await pilot.sees("● LIVE", "Time ▼", "Faust")
        assert cast.ben.id not in [entry.whom for entry in access_log()]


# From one reader to the next ---------------------------------------------------------------------


async def test_the_next_reader_is_the_row_below_and_each_access_is_logged(
    open_console: OpenConsole, cast: Cast, ann: ReadingApp, ben: ReadingApp, access_log: AccessLog
) -> None:
    ann.reads("Dracula")
    ben.reads("Faust")
    async with open_console() as pilot:
        await pilot.sees("Ann", "Ben")
        await pilot.presses("enter")
        await pilot.sees(f"Online {BREADCRUMB} Ann Archer (1 of 2)", "Dracula")
        await pilot.presses("}")
        await pilot.sees(f"Online {BREADCRUMB} Ben Baker (2 of 2)", "ben@example.org", "Faust")
        assert "Dracula" not in pilot.screen
        await pilot.presses("}")
        await pilot.sees("Ben Baker (2 of 2)", "last reader")
        await pilot.presses("{")
        await pilot.sees(f"Online {BREADCRUMB} Ann Archer (1 of 2)", "Dracula")
        await pilot.presses("{")
        await pilot.sees("first reader")
        assert [entry.whom for entry in access_log()] == [
            cast.ann.id,
            cast.ben.id,
            cast.ann.id,
        ]


async def test_the_way_is_the_order_that_was_on_the_screen_with_the_filter_of_that_time(
    open_console: OpenConsole,
    cast: Cast,
    clock: StillClock,
    ann: ReadingApp,
    ben: ReadingApp,
    join: Join,
) -> None:
    for app in (join("Ada Abel"), ben, join("Zoe Zander"), ann):
        app.reads()
        clock.advance(seconds=10)
    async with open_console() as pilot:
        await pilot.sees("Ada", "Zoe")
        await pilot.presses(*"ssss")
        await pilot.sees("Ago ▲")
        await pilot.filters("b")
        await pilot.loses("Zoe")
        await pilot.presses("home", "enter")
        await pilot.sees("Ben Baker (1 of 2)")
        await pilot.presses("}")
        await pilot.sees("Ada Abel (2 of 2)")


async def test_escape_goes_to_the_row_of_the_reader_who_was_shown_last(
    open_console: OpenConsole, ann: ReadingApp, ben: ReadingApp
) -> None:
    ann.reads()
    ben.reads()
    async with open_console() as pilot:
        await pilot.sees("Ann", "Ben")
        await pilot.presses("enter")
        await pilot.sees("ann@example.org")
        await pilot.presses("}")
        await pilot.sees("ben@example.org")
        await pilot.presses("escape")
        await pilot.sees("! ▲", "● LIVE")
        await pilot.until(lambda: "Ben" in pilot.cursor)


async def test_escape_stays_on_the_activity_that_the_page_was_opened_from(
    open_console: OpenConsole, ann: ReadingApp, ben: ReadingApp
) -> None:
    ann.reads("Dracula")
    ben.reads("Faust")
    ann.reads("Momo")
    async with open_console() as pilot:
        await pilot.presses("2")
        await pilot.sees("Time ", "Momo")
        await pilot.presses("down", "down", "enter")
        await pilot.sees(f"Activity {BREADCRUMB} Ann Archer (1 of 2)")
        await pilot.presses("escape")
        await pilot.sees("Time ▼")
        await pilot.until(lambda: "Dracula" in pilot.cursor)


# Panels ------------------------------------------------------------------------------------------


async def test_tab_opens_the_panel_that_it_goes_to_and_the_next_reader_has_the_same_open(
    open_console: OpenConsole, ann: ReadingApp, ben: ReadingApp, clock: StillClock
) -> None:
    ann.reads()
    ben.reads()
    clock.advance(minutes=30)
    ann.sends_a_heartbeat()
    ben.sends_a_heartbeat()
    async with open_console() as pilot:
        await pilot.sees("Ann", "Ben")
        await pilot.presses("enter")
        await pilot.sees("today 30 min")
        assert "Wed" not in pilot.screen
        await pilot.presses("shift+tab", "shift+tab")
        await pilot.sees("▌ Reading", "Wed ··", "··[▓▓]", "30 min ┤", "16 Nov")
        await pilot.presses("}")
        await pilot.sees("Ben Baker", "▌ Reading", "··[▓▓]")
        await pilot.presses("tab", "tab", "tab")
        await pilot.loses("··[▓▓]")


async def test_the_days_are_those_of_the_readers_calendar(
    open_console: OpenConsole, ann: ReadingApp, clock: StillClock, db: Database
) -> None:
    db.execute_sql("UPDATE reader_profiles SET timezone = 'Pacific/Auckland'")
    ann.reads()
    clock.advance(minutes=60)
    ann.sends_a_heartbeat()
    async with open_console(size=LARGE) as pilot:  # Monday, 2 o'clock over there
        await pilot.sees("Ann")
        await pilot.presses("enter")
        await pilot.sees("Mon 02:00 there (Pacific/Auckland)", "this week 1 h 00")
        assert pilot.line("Mon ··").rstrip().split("]")[0].endswith("[██")


@on_both_engines
async def test_older_activities_come_when_the_cursor_nears_the_end_by_the_same_look(
    open_console: OpenConsole, ann: ReadingApp, access_log: AccessLog
) -> None:
    ann.reads("Dracula", activity_type="bookmark_added")
    for _ in range(230):
        ann.reads("Faust")
    async with open_console() as pilot:
        await pilot.sees("Ann")
        await pilot.presses("enter")
        await pilot.sees("ann@example.org", "page read")
        await pilot.leans_on("end", "bookmark added")
        ann.reads("Momo", activity_type="quiz_completed")
        await pilot.leans_on("home", "quiz completed")
        await pilot.presses("end")
        await pilot.sees("bookmark added")
        assert len(access_log()) == 1


# Metadata ----------------------------------------------------------------------------------------


async def test_space_shows_the_metadata_of_the_activity_under_the_cursor(
    open_console: OpenConsole, ann: ReadingApp
) -> None:
    ann.reads("Dracula", activity_type="quiz_completed", metadata={"quiz": {"score": 80}})
    ann.reads("Momo")
    async with open_console() as pilot:
        await pilot.sees("Ann")
        await pilot.presses("enter")
        await pilot.sees("ann@example.org", "Momo")
        await pilot.presses("space")
        await pilot.sees("content Momo", "no metadata")
        await pilot.presses("down")
        await pilot.sees("content Dracula", '"quiz": {', '  "score": 80')
        await pilot.presses("escape")
        await pilot.loses('"score": 80')
        await pilot.sees("ann@example.org")
        await pilot.presses("enter")
        await pilot.sees('"score": 80')


async def test_long_metadata_can_be_scrolled(open_console: OpenConsole, ann: ReadingApp) -> None:
    ann.reads("Dracula", metadata={f"key {n:02}": n for n in range(40)})
    async with open_console() as pilot:
        await pilot.sees("Ann")
        await pilot.presses("enter")
        await pilot.sees("ann@example.org")
        await pilot.presses("space")
        await pilot.sees('"key 00": 0')
        assert '"key 39"' not in pilot.screen
        await pilot.presses("tab", "end")
        await pilot.sees('"key 39": 39')


async def test_help_that_comes_before_the_page_is_left_is_closed_without_losing_the_way_back(
    open_console: OpenConsole, ann: ReadingApp
) -> None:
    ann.reads("Dracula")
    async with open_console() as pilot:
        await pilot.sees("Ann")
        await pilot.presses("enter")
        await pilot.sees("ann@example.org")
        await pilot.presses("escape", "question_mark")
        await pilot.sees("Keys")
        await pilot.presses("escape")
        await pilot.loses("Keys")
        await pilot.leans_on("escape", "! ▲")
        await pilot.sees("Ann", "● LIVE")
