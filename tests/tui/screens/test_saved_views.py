"""Views that have a name, to come back to."""

import json
from pathlib import Path

import pytest
from reading_app import ReadingApp
from tui.console_pilot import OpenConsole
from tui.screens.test_view import keeps

from readwatch.monitor.snapshots import View
from readwatch.tui.preferences import Preferences
from readwatch.tui.saved_views import SavedView, saved_view_from_json

ROUND = SavedView("Round", View.READERS, "full_name", True, "ben", ("reading_level", "full_name"))


async def test_a_view_is_kept_with_its_columns_order_and_filter_and_comes_back(
    open_console: OpenConsole, ann: ReadingApp, ben: ReadingApp, tmp_path: Path
) -> None:
    async with open_console(preferences_folder=tmp_path) as pilot:
        await pilot.presses("3")
        await pilot.sees("Ann Archer", "Last login")
        await pilot.filters("ben")
        await pilot.presses("s", "c")
        await pilot.sees("Columns")
        await pilot.presses("end", "up", "space", "escape")
        await pilot.loses("Last login")
        await pilot.presses("v")
        await pilot.sees("This view: Readers by Reader, ben")
        await pilot.types("[/] Ben\N{RIGHT-TO-LEFT OVERRIDE}s")
        await pilot.presses("enter")
        await pilot.sees("[/] Bens ", "Readers by Reader, ben", "name; enter saves")
        await pilot.presses("b")
        await pilot.sees("first view")
        await pilot.presses("escape")
        await pilot.loses("escape closes")
        await pilot.presses("c", "r")
        await pilot.sees("[x] Last login")
        await pilot.presses("escape")
        await pilot.loses("[x] Last login")
        await pilot.presses("escape")
        await pilot.sees("Ann Archer", "Last login")
        await pilot.presses("1")
        await pilot.sees("nobody is online")
        await pilot.presses("v", "enter")
        await keeps(pilot, "Ben Baker", "Ann")
        assert "Reader ▲" in pilot.screen
        assert "Last login" not in pilot.screen
    async with open_console(preferences_folder=tmp_path) as pilot:
        await pilot.sees("Ben Baker", "Reader ▲", "● LIVE")
        assert "Ann" not in pilot.screen
        assert "Last login" not in pilot.screen
        await pilot.sees(" 1 match; escape clears")
        assert pilot.lines[-2].startswith(" / ben ")
    async with open_console(preferences_folder=tmp_path, view="activity") as pilot:
        await pilot.sees("Time", "● LIVE")  # what was asked for goes before
        await pilot.presses("v")
        await pilot.sees("first view")
        await pilot.presses("d")
        await pilot.loses("first view")
    async with open_console(preferences_folder=tmp_path) as pilot:
        await pilot.sees("nobody is online")


async def test_a_name_of_nothing_keeps_nothing(open_console: OpenConsole) -> None:
    async with open_console() as pilot:
        await pilot.presses("v")
        await pilot.sees("name; enter saves")
        await pilot.presses("space", "enter", "escape")
        await pilot.loses("escape closes")
        await pilot.presses("v")
        await pilot.sees("name; enter saves")


def test_a_view_of_the_same_name_takes_the_place_of_the_first(tmp_path: Path) -> None:
    file = tmp_path / "desk.json"
    Preferences(file).save_view(ROUND)
    Preferences(file).save_view(SavedView("another", View.ONLINE, "name", False, "", None))
    Preferences(file).save_view(SavedView("Round", View.ONLINE, "ago", False, "", None))
    Preferences(file).toggle_start_view("Round")
    names = [(view.name, view.sort) for view in Preferences(file).views]
    assert names == [("another", "name"), ("Round", "ago")]
    assert Preferences(file).start_view == Preferences(file).views[1]
    Preferences(file).toggle_start_view("Round")
    assert Preferences(file).start_view is None


def test_a_view_is_the_same_after_it_was_written() -> None:
    assert saved_view_from_json(json.loads(json.dumps(ROUND.to_json()))) == ROUND


@pytest.mark.parametrize(
    ("key", "value"),
    [("view", "nowhere"), ("sort", 1), ("columns", "name"), ("filter", None), ("name", [])],
)
def test_a_file_with_an_invalid_view_is_moved_away(tmp_path: Path, key: str, value: object) -> None:
    file = tmp_path / "preferences.json"
    file.write_text(json.dumps({"views": [ROUND.to_json() | {key: value}]}))
    preferences = Preferences(file)
    assert "moved to preferences.broken" in preferences.last_error
    assert preferences.views == ()


async def test_what_there_is_no_longer_is_left_out_of_a_view(
    open_console: OpenConsole, ann: ReadingApp, ben: ReadingApp, tmp_path: Path
) -> None:
    async with open_console(preferences_folder=tmp_path) as pilot:
        await pilot.sees("● LIVE")
        pilot.app._preferences.save_view(
            SavedView("Old", View.READERS, "shoes", True, "no:way", ("hat",))
        )
        await pilot.presses("v", "enter")
        await pilot.sees("no:way: unknown field", "Ann", "Ben", "Last login ▲")
