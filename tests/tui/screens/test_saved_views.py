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
    sit: OpenConsole, ann: ReadingApp, ben: ReadingApp, tmp_path: Path
) -> None:
    async with sit(preferences_folder=tmp_path) as seat:
        await seat.presses("3")
        await seat.sees("Ann Archer", "Last login")
        await seat.filters("ben")
        await seat.presses("s", "c")
        await seat.sees("Columns")
        await seat.presses("end", "up", "space", "escape")
        await seat.loses("Last login")
        await seat.presses("v")
        await seat.sees("keep Readers by Reader, ben")
        await seat.types("[/] Ben\N{RIGHT-TO-LEFT OVERRIDE}s")
        await seat.presses("enter")
        await seat.sees("[/] Bens ", "Readers by Reader, ben", "its name")
        await seat.presses("b")
        await seat.sees("begins here")
        await seat.presses("escape")
        await seat.loses("escape closes")
        await seat.presses("c", "r")
        await seat.sees("[x] Last login")
        await seat.presses("escape")
        await seat.loses("[x] Last login")
        await seat.presses("escape")
        await seat.sees("Ann Archer", "Last login")
        await seat.presses("1")
        await seat.sees("nobody is online")
        await seat.presses("v", "enter")
        await keeps(seat, "Ben Baker", "Ann")
        assert "Reader ▲" in seat.screen
        assert "Last login" not in seat.screen
    async with sit(preferences_folder=tmp_path) as seat:
        await seat.sees("Ben Baker", "Reader ▲", "● LIVE")
        assert "Ann" not in seat.screen
        assert "Last login" not in seat.screen
        await seat.sees(" 1 match; escape clears")
        assert seat.lines[-2].startswith(" / ben ")
    async with sit(preferences_folder=tmp_path, view="activity") as seat:
        await seat.sees("Time", "● LIVE")  # what was asked for goes before
        await seat.presses("v")
        await seat.sees("begins here")
        await seat.presses("d")
        await seat.loses("begins here")
    async with sit(preferences_folder=tmp_path) as seat:
        await seat.sees("nobody is online")


async def test_a_name_of_nothing_keeps_nothing(sit: OpenConsole) -> None:
    async with sit() as seat:
        await seat.presses("v")
        await seat.sees("its name")
        await seat.presses("space", "enter", "escape")
        await seat.loses("escape closes")
        await seat.presses("v")
        await seat.sees("its name")


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
def test_what_is_no_view_sets_the_desk_aside(tmp_path: Path, key: str, value: object) -> None:
    file = tmp_path / "desk.json"
    file.write_text(json.dumps({"views": [ROUND.to_json() | {key: value}]}))
    desk = Preferences(file)
    assert "set aside" in desk.last_error
    assert desk.views == ()


async def test_what_there_is_no_longer_is_left_out_of_a_view(
    sit: OpenConsole, ann: ReadingApp, ben: ReadingApp, tmp_path: Path
) -> None:
    async with sit(preferences_folder=tmp_path) as seat:
        await seat.sees("● LIVE")
        seat.app._preferences.save_view(
            SavedView("Old", View.READERS, "shoes", True, "no:way", ("hat",))
        )
        await seat.presses("v", "enter")
        await seat.sees("no:way: unknown field", "Ann", "Ben", "Last login ▲")
