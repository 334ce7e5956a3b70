"""Times of the past on the screen: Online, Activity and Day as of then."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import NOON, PASSWORD, Cast, StillClock
from reading_app import AccessLog, ReadingApp
from tui.console_pilot import LARGE, OpenConsole
from tui.test_access_log import log_that_refuses

from readwatch.domain.errors import ReadwatchError
from readwatch.monitor.settings import ConsoleSettings
from readwatch.store.engine.connections import Database
from readwatch.tui.format.text import BREADCRUMB
from readwatch.tui.once import print_once


@pytest.fixture
def yesterday(ann: ReadingApp, ben: ReadingApp, clock: StillClock) -> None:
    """Ann read yesterday from 10:00 to 10:20, and Ben reads now."""
    clock.moment = NOON - timedelta(hours=26)
    ann.reads("Dracula", 12)
    for _ in range(10):
        clock.advance(minutes=2)
        ann.sends_a_heartbeat()
    ann.logs_out()
    clock.moment = NOON
    ben.reads("Momo", 50)


@pytest.mark.usefixtures("yesterday")
async def test_a_typed_time_shows_who_was_online_then_and_escape_comes_back(
    open_console: OpenConsole,
) -> None:
    async with open_console(size=LARGE) as pilot:
        await pilot.sees("Ben Baker", "LIVE")
        await pilot.presses("T")
        await pilot.types("yesterday 10:10")
        await pilot.sees("Saturday, 21 November 2026, 10:10")
        await pilot.presses("enter")
        await pilot.sees("PAST, yesterday 10:10", "21 November 2026, 10:10: 1 reader")
        await pilot.sees("Ann Archer", "Dracula", "12%")
        assert "Ben Baker" not in pilot.screen
        assert "Freeze" not in pilot.lines[-1]
        await pilot.presses("escape")
        await pilot.sees("LIVE", "Ben Baker")
        assert "Ann Archer" not in pilot.screen


@pytest.mark.usefixtures("yesterday")
async def test_online_activity_and_day_show_the_same_time(open_console: OpenConsole) -> None:
    async with open_console() as pilot:
        await pilot.sees("Ben Baker")
        await pilot.presses("T")
        await pilot.types("yesterday 10:10")
        await pilot.presses("enter")
        await pilot.sees("PAST", "Ann Archer")
        await pilot.presses("2")
        await pilot.sees("as of Saturday", "page read", "Ann Archer")
        assert "Ben Baker" not in pilot.screen
        await pilot.presses("7")
        await pilot.sees("Saturday, 21 November 2026: 1 reader", "20 min", "10:00")
        await pilot.presses("3")
        await pilot.sees("LIVE", "Ben Baker")


@pytest.mark.usefixtures("yesterday")
async def test_keys_go_from_day_to_day_and_from_hour_to_hour(open_console: OpenConsole) -> None:
    async with open_console() as pilot:
        await pilot.presses("7")
        await pilot.sees("Sunday, 22 November 2026: 1 reader", "Ben Baker", "LIVE")
        await pilot.presses("<")
        await pilot.sees("Saturday, 21 November 2026: 1 reader", "Ann Archer", "PAST")
        await pilot.presses("<")
        await pilot.sees("nobody was logged in on this day")
        await pilot.presses(">", ">")
        await pilot.sees("Ben Baker", "LIVE")
        await pilot.presses("1")
        await pilot.sees("State", "Ben Baker")
        await pilot.presses("<")
        await pilot.sees("22 November 2026, 11:00: 0 readers")
        await pilot.presses(">")
        await pilot.sees("LIVE", "Ben Baker")


async def test_what_is_no_time_of_the_past_is_refused(open_console: OpenConsole) -> None:
    async with open_console() as pilot:
        await pilot.presses("T")
        await pilot.types("tomorrow")
        await pilot.sees("'tomorrow' has not come yet")
        await pilot.presses("enter")
        await pilot.sees("Go to a time")
        await pilot.presses("escape")
        await pilot.loses("Go to a time")
        await pilot.sees("LIVE")


@pytest.mark.usefixtures("yesterday")
async def test_a_reader_of_the_past_is_opened_and_logged(
    open_console: OpenConsole, access_log: AccessLog, cast: Cast
) -> None:
    async with open_console() as pilot:
        await pilot.presses("7")
        await pilot.sees("Ben Baker")
        await pilot.presses("<")
        await pilot.sees("Ann Archer")
        await pilot.presses("enter")
        await pilot.sees(f"Day {BREADCRUMB}", "Ann Archer", "LIVE")
        assert access_log()[-1].whom == cast.ann.id
        await pilot.presses("escape")
        await pilot.sees("Saturday, 21 November", "PAST")


@pytest.mark.usefixtures("yesterday")
def test_a_day_is_printed_for_programs(url: str, cast: Cast, clock: StillClock) -> None:
    def printed(**query: Any) -> dict[str, Any]:
        settings = ConsoleSettings(url, email=cast.cara.email, **query)
        lines = print_once(
            settings,
            lambda: PASSWORD,
            rows=5,
            width=80,
            encoding="utf-8",
            as_json=True,
            clock=clock,
        )
        document: dict[str, Any] = json.loads("\n".join(lines))
        return document

    day = printed(view="day", at="yesterday")
    assert day["at"] == "2026-11-21T12:00:00.000+00:00"
    (ann,) = day["rows"]
    assert (ann["full_name"], ann["read_minutes"]) == ("Ann Archer", 20)
    assert ann["spans"] == [["2026-11-21T10:00:00.000+00:00", "2026-11-21T10:20:00.000+00:00"]]
    assert [it["full_name"] for it in printed(at="yesterday 10:10")["rows"]] == ["Ann Archer"]
    with pytest.raises(ReadwatchError, match="readers shows no time of the past"):
        printed(view="readers", at="yesterday")


@pytest.mark.usefixtures("yesterday")
async def test_the_same_filter_of_another_day_has_entries_of_its_own(
    open_console: OpenConsole, access_log: AccessLog, cast: Cast
) -> None:
    async with open_console() as pilot:
        await pilot.presses("7")
        await pilot.sees("Ben Baker")
        await pilot.presses("/", *"e", "enter")
        await pilot.sees("1 match", "Ben Baker")
        await pilot.presses("<")
        await pilot.sees("Ann Archer", "1 match")
        await pilot.presses(">")
        await pilot.sees("Ben Baker", "LIVE")
        listed = [it for it in access_log() if it.did == "viewed_list"]
        assert [it.whom for it in listed] == [cast.ben.id, cast.ann.id, cast.ben.id]
        assert listed[1].where.endswith("day, filter of 1 term, as of 2026-11-21 12:00 UTC")


@pytest.mark.usefixtures("yesterday")
async def test_the_console_can_begin_in_the_past(open_console: OpenConsole) -> None:
    async with open_console(view="day", at="yesterday") as pilot:
        await pilot.sees("Saturday, 21 November 2026: 1 reader", "Ann Archer", "PAST")
        await pilot.presses("1")
        await pilot.sees("nobody was online then", "PAST")
        await pilot.presses("escape")
        await pilot.sees("LIVE", "Ben Baker")


@pytest.mark.usefixtures("yesterday")
async def test_a_frozen_list_goes_on_with_another_time(open_console: OpenConsole) -> None:
    async with open_console() as pilot:
        await pilot.sees("Ben Baker", "LIVE")
        await pilot.presses("p")
        await pilot.sees("FROZEN")
        await pilot.presses("<")
        await pilot.sees("PAST, 11:00")
        await pilot.presses(">")
        await pilot.sees("LIVE", "Ben Baker")


@pytest.mark.usefixtures("yesterday")
async def test_an_export_of_the_past_says_so_in_the_access_log(
    open_console: OpenConsole, access_log: AccessLog, tmp_path: Path
) -> None:
    async with open_console() as pilot:
        await pilot.presses("7")
        await pilot.sees("Ben Baker")
        await pilot.presses("<")
        await pilot.sees("Ann Archer")
        await pilot.presses("e")
        await pilot.sees("File (.csv or .json)")
        await pilot.presses("ctrl+u")
        await pilot.types(str(tmp_path / "day.csv"))
        await pilot.presses("enter")
        await pilot.sees("wrote 1 row")
    assert "Ann Archer" in (tmp_path / "day.csv").read_text()
    assert "from day, as of 2026-11-21 12:00 UTC" in access_log()[-1].where


@pytest.mark.usefixtures("yesterday")
async def test_an_export_of_the_past_has_the_states_of_then(
    open_console: OpenConsole, tmp_path: Path
) -> None:
    async with open_console() as pilot:
        await pilot.sees("Ben Baker")
        await pilot.presses("T")
        await pilot.types("yesterday 10:02")
        await pilot.presses("enter")
        await pilot.sees("Ann Archer", "reading", "2 min")
        await pilot.presses("e")
        await pilot.sees("readwatch-online-2026-11-21-1002.csv")
        await pilot.presses("ctrl+u")
        await pilot.types(str(tmp_path / "online.csv"))
        await pilot.presses("enter")
        await pilot.sees("wrote 1 row")
    assert ",reading,Ann Archer,Dracula,12%" in (tmp_path / "online.csv").read_text()


@pytest.mark.usefixtures("yesterday")
async def test_a_list_that_is_chosen_right_after_a_step_shows_the_same_time(
    open_console: OpenConsole,
) -> None:
    async with open_console(view="day") as pilot:
        await pilot.sees("Ben Baker")
        await pilot.presses("<", "2")
        await pilot.sees("as of Saturday, 21 November 2026, 12:00", "Ann Archer", "PAST")


@pytest.mark.usefixtures("yesterday")
async def test_who_was_alone_at_a_time_is_logged_also_without_a_filter(
    open_console: OpenConsole, access_log: AccessLog, cast: Cast
) -> None:
    async with open_console() as pilot:
        await pilot.sees("Ben Baker")
        assert access_log() == []
        await pilot.presses("T")
        await pilot.types("yesterday 10:10")
        await pilot.presses("enter")
        await pilot.sees("PAST", "Ann Archer")
        [entry] = access_log()
        assert (entry.did, entry.whom) == ("viewed_list", cast.ann.id)
        assert entry.where.endswith("online, as of 2026-11-21 10:10 UTC")


@pytest.mark.usefixtures("yesterday")
async def test_the_day_of_an_earlier_time_of_today_is_live(open_console: OpenConsole) -> None:
    async with open_console() as pilot:
        await pilot.sees("Ben Baker")
        await pilot.presses("<")
        await pilot.sees("PAST", "nobody was online then", "esc Now")
        await pilot.presses("7")
        await pilot.sees("Sunday, 22 November 2026: 1 reader", "LIVE")


@pytest.mark.usefixtures("yesterday")
async def test_lists_without_a_past_say_so(open_console: OpenConsole) -> None:
    async with open_console() as pilot:
        await pilot.presses("3")
        await pilot.sees("Last login")
        await pilot.presses("T")
        await pilot.sees("Readers has no past")


@pytest.mark.usefixtures("yesterday")
async def test_two_marked_readers_are_compared_from_an_empty_list_too(
    open_console: OpenConsole,
) -> None:
    async with open_console(view="readers", sort="full_name") as pilot:
        await pilot.sees("Ann Archer", "Ben Baker")
        await pilot.presses("space", "space")
        await pilot.until(lambda: pilot.screen.count("•") == 2)
        await pilot.presses("1")
        await pilot.sees("State", "Ben Baker")
        await pilot.presses("T")
        await pilot.types("2026-01-01")
        await pilot.presses("enter")
        await pilot.sees("nobody was online then")
        await pilot.presses("C")
        await pilot.sees("comparison", "Ann Archer", "Ben Baker")


@pytest.mark.usefixtures("yesterday")
async def test_a_time_that_cannot_be_logged_is_shown_nowhere(
    open_console: OpenConsole, db: Database
) -> None:
    async with open_console() as pilot:
        await pilot.sees("Ben Baker", "LIVE")
        with log_that_refuses(db):
            await pilot.presses("T")
            await pilot.types("yesterday 10:10")
            await pilot.presses("enter")
            await pilot.sees("not shown", "Ben Baker", "LIVE")
            await pilot.presses("2")
            await pilot.sees("page read", "Ben Baker", "LIVE")
        assert "as of" not in pilot.screen


@pytest.mark.usefixtures("yesterday")
def test_a_print_without_rows_tells_who_was_alone_and_is_logged(
    url: str, cast: Cast, clock: StillClock, access_log: AccessLog
) -> None:
    settings = ConsoleSettings(url, email=cast.cara.email, at="yesterday 10:10")
    how: dict[str, Any] = {"rows": 0, "width": 80, "encoding": "utf-8", "as_json": True}
    lines = print_once(settings, lambda: PASSWORD, clock=clock, **how)
    assert json.loads("\n".join(lines))["count"] == 1
    assert (access_log()[-1].did, access_log()[-1].whom) == ("exported_view", cast.ann.id)
