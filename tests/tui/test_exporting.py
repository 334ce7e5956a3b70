"""What is exported or copied is what is shown, and is on record before it is taken."""

import csv
import json
import os
import threading
from pathlib import Path
from time import sleep
from typing import Any

import pytest
from conftest import PASSWORD, Cast, StillClock, on_both_engines
from reading_app import AccessLog, Entry, ReadingApp, add_readers
from textual import events
from textual.widgets import Input
from tui.console_pilot import LARGE, ConsolePilot, OpenConsole
from tui.test_access_log import log_that_refuses

from readwatch.monitor import build
from readwatch.store.engine.connections import Database
from readwatch.tui.widgets.live_table import LiveTable


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the console was started."""
    folder = tmp_path / "desk of cara"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(autouse=True)
def they_read(ann: ReadingApp, ben: ReadingApp) -> None:
    ann.reads("=HYPERLINK(evil)")
    ben.reads("Faust")


def rows_in(file: Path) -> list[list[str]]:
    return list(csv.reader(file.read_text(encoding="utf-8").splitlines()))


async def exports(pilot: ConsolePilot, name: str | None = None) -> None:
    await pilot.presses("e")
    await pilot.sees("File (.csv or .json)")
    if name is not None:
        await names(pilot, name)
    await pilot.presses("enter")


async def names(pilot: ConsolePilot, name: str) -> None:
    """Type a name in the place of the one that is offered."""
    await pilot.presses("end", "ctrl+u")
    await pilot.until(lambda: pilot.app.screen.query_one(Input).value == "")
    await pilot.types(name)


async def test_a_list_is_exported_as_it_is_shown_for_its_owner_alone(
    open_console: OpenConsole, cast: Cast, folder: Path, access_log: AccessLog
) -> None:
    async with open_console() as pilot:
        await pilot.sees("Ann", "Ben", "● LIVE")
        await exports(pilot)
        await pilot.sees("wrote 2 rows to")
    [file] = folder.iterdir()
    assert file.name.startswith("readwatch-online-2026-11-2")
    assert file.stat().st_mode & 0o777 == 0o600
    assert rows_in(file) == [
        ["!", "State", "Reader", "Reading", "Progress", "30 min", "Ago"],
        ["", "reading", "Ann Archer", "'=HYPERLINK(evil)", "10%", "0 0 0 0 0 1", "now"],
        ["", "reading", "Ben Baker", "Faust", "10%", "0 0 0 0 0 1", "now"],
    ]
    told = "console, from online, csv, rows 2"
    assert access_log() == [
        Entry(cast.cara.id, "exported_view", reader.id, told) for reader in (cast.ann, cast.ben)
    ]


async def test_enter_that_is_pressed_again_meanwhile_exports_nothing_more(
    open_console: OpenConsole, folder: Path, access_log: AccessLog
) -> None:
    async with open_console() as pilot:
        await pilot.sees("Ann", "Ben", "● LIVE")
        await pilot.presses("e")
        await pilot.sees("File (.csv or .json)")
        await pilot.presses("enter", "enter", "enter")
        await pilot.sees("wrote 2 rows to")
    assert len(list(folder.iterdir())) == 1
    exported = [entry.whom for entry in access_log() if entry.did == "exported_view"]
    assert len(exported) == len(set(exported)) == 2, "each of the two readers once"


@on_both_engines
async def test_only_what_the_filter_leaves_is_exported_also_as_json(
    open_console: OpenConsole, folder: Path, access_log: AccessLog
) -> None:
    async with open_console(size=LARGE) as pilot:
        await pilot.presses("3")
        await pilot.sees("Ann", "Ben", "Titles")
        await pilot.filters("ben")
        await pilot.loses("Ann")
        await exports(pilot, "found.json")
        await pilot.sees("wrote 1 row to found.json")
    [found] = json.loads((folder / "found.json").read_text(encoding="utf-8"))
    assert (found["Reader"], found["Sessions"], found["Titles"]) == ("Ben Baker", "1", "1")
    assert access_log()[-1].where == "console, from readers, filter of 1 term, json, rows 1"


@on_both_engines
async def test_an_export_has_the_rows_far_out_of_view_too_in_the_order_on_the_screen(
    open_console: OpenConsole,
    db: Database,
    clock: StillClock,
    folder: Path,
    access_log: AccessLog,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(build, "CHUNK_LENGTH", 50)
    add_readers(db, clock, 120)
    async with open_console() as pilot:
        await pilot.presses("3", "s", "S")
        await pilot.sees("Reader ▼", "Zoe")
        await pilot.filters("!name:ann")
        await pilot.loses("Ann Archer")
        await exports(pilot, "all.csv")
        await pilot.sees("wrote 121 rows to all.csv")
    names = [row[0] for row in rows_in(folder / "all.csv")]
    assert names == ["Reader", *(f"Zoe {n:04}" for n in reversed(range(120))), "Ben Baker"]
    assert access_log()[-1].where == "console, from readers, filter of 1 term, csv, rows 121"


async def test_of_a_frozen_list_the_rows_are_exported_that_are_held(
    open_console: OpenConsole, db: Database, clock: StillClock, ann: ReadingApp, folder: Path
) -> None:
    add_readers(db, clock, 100)
    async with open_console() as pilot:
        await pilot.presses("3", "s")
        await pilot.sees("▌ Ann Archer", "Zoe")
        await pilot.presses("p")
        await pilot.sees("● FROZEN")
        ann.reads("Emma")
        await exports(pilot, "all.csv")
        await pilot.sees("wrote 102 rows")
        await pilot.presses("p")
        await pilot.sees("● LIVE")
        await exports(pilot, "new.csv")
        await pilot.sees("wrote 102 rows to new.csv")
    for name, known in ("all.csv", "1"), ("new.csv", "2"):
        titles, first, *_ = rows_in(folder / name)
        assert (first[0], first[titles.index("Titles")]) == ("Ann Archer", known)


async def test_a_file_that_is_being_written_is_whole_before_the_console_is_left(
    open_console: OpenConsole, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, put_on_disk = threading.Event(), os.fsync

    def slowly(fileno: int) -> None:
        begun.set()
        sleep(1)
        put_on_disk(fileno)

    monkeypatch.setattr(os, "fsync", slowly)  # a disk far away
    async with open_console() as pilot:
        await pilot.sees("Ann")
        await exports(pilot, "online.csv")
        await pilot.until(begun.is_set)
        await pilot.presses("escape", "q")
    assert [file.name for file in folder.iterdir()] == ["online.csv"]
    assert len(rows_in(folder / "online.csv")) == 3


async def test_of_a_readers_page_the_table_with_the_keys_is_exported(
    open_console: OpenConsole, cast: Cast, folder: Path, access_log: AccessLog
) -> None:
    async with open_console() as pilot:
        await pilot.sees("Ann")
        await pilot.presses("enter")
        await pilot.sees("ann@example.org")
        await exports(pilot, "ann.csv")
        await pilot.sees("wrote 1 row to ann.csv")
    assert rows_in(folder / "ann.csv")[0][:3] == ["Time", "Activity", "Title"]
    told = "console, from a reader's page, activities, csv, rows 1"
    assert access_log()[-1] == Entry(cast.cara.id, "exported_view", cast.ann.id, told)


async def test_a_file_that_is_there_is_replaced_only_when_that_is_said_twice(
    open_console: OpenConsole, folder: Path, access_log: AccessLog
) -> None:
    diary = folder / "diary.csv"
    diary.write_text("Dear diary")
    async with open_console() as pilot:
        await pilot.sees("Ann")
        await exports(pilot, "diary.csv")
        await pilot.sees("this file exists; press enter again to replace it")
        assert (diary.read_text(), access_log()) == ("Dear diary", [])
        await pilot.presses("enter")
        await pilot.sees("wrote 2 rows")
    assert len(rows_in(diary)) == 3
    assert list(folder.iterdir()) == [diary]


@pytest.mark.parametrize(
    ("name", "reason"),
    [("online.xlsx", "must end in .csv or .json"), ("no/such/folder.csv", "cannot be written")],
)
async def test_an_impossible_file_name_is_refused_and_another_can_be_entered(
    open_console: OpenConsole, folder: Path, name: str, reason: str
) -> None:
    async with open_console() as pilot:
        await pilot.sees("Ann")
        await exports(pilot, name)
        await pilot.sees(reason)
        await names(pilot, "online.csv")
        await pilot.presses("enter")
        await pilot.sees("wrote 2 rows")
    assert [file.name for file in folder.iterdir()] == ["online.csv"]


@on_both_engines
async def test_what_cannot_be_logged_is_neither_written_nor_copied(
    open_console: OpenConsole, folder: Path, db: Database
) -> None:
    async with open_console() as pilot:
        await pilot.sees("Ann")
        with log_that_refuses(db):
            await exports(pilot)
            await pilot.sees("could not be logged")
            await pilot.presses("escape")
            await pilot.loses("File (.csv or .json)")
            await pilot.presses("y")
            await pilot.sees("not copied:", "be logged:")
        assert pilot.app.clipboard == ""
    assert list(folder.iterdir()) == []


async def test_a_row_is_copied_in_words_and_it_is_said_what_became_of_it(
    open_console: OpenConsole, cast: Cast, access_log: AccessLog
) -> None:
    async with open_console() as pilot:
        await pilot.sees("Ann")
        await pilot.presses("y")
        await pilot.sees("sent to the clipboard", "terminals do not take it")
        assert pilot.app.clipboard == "reading  Ann Archer  =HYPERLINK(evil)  10%  0 0 0 0 0 1  now"
        assert access_log() == [
            Entry(cast.cara.id, "copied_row", cast.ann.id, "console, from online")
        ]
        await pilot.presses("enter")
        await pilot.sees("ann@example.org")
        await pilot.presses("y")
        await pilot.until(lambda: "page read" in pilot.app.clipboard)
        told = "console, from a reader's page, activities"
        assert access_log()[-1] == Entry(cast.cara.id, "copied_row", cast.ann.id, told)


async def test_the_row_is_copied_that_was_painted_when_the_key_was_pressed(
    open_console: OpenConsole, ann: ReadingApp
) -> None:
    async with open_console() as pilot:
        await pilot.presses("2")
        await pilot.sees("Time", "Faust")
        pressed = events.Key("y", "y")
        ann.reads("Dracula")
        await pilot.until(lambda: "Dracula" in pilot.cursor)
        pilot.app.post_message(pressed)
        await pilot.until(lambda: "Faust" in pilot.app.clipboard)


async def test_nothing_is_copied_past_the_record_by_the_mouse(
    open_console: OpenConsole, access_log: AccessLog
) -> None:
    async with open_console() as pilot:
        await pilot.sees("Ann")
        await pilot.presses("enter")
        await pilot.sees("ann@example.org")
        await pilot.textual.mouse_down("#summary", offset=(0, 0))
        await pilot.textual.hover("#summary", offset=(70, 0))
        await pilot.textual.mouse_up("#summary", offset=(70, 0))
        await pilot.presses("ctrl+c")
        await pilot.sees("q leaves the console")
        assert pilot.app.clipboard == ""
    assert [entry.did for entry in access_log()] == ["viewed_reader_profile"]


async def test_a_row_out_of_view_is_shown_before_it_can_be_copied(
    open_console: OpenConsole, db: Database, clock: StillClock, access_log: AccessLog
) -> None:
    add_readers(db, clock, 100)
    async with open_console() as pilot:
        await pilot.presses("3", "s")
        await pilot.sees("▌ Ann Archer")
        pilot.app.screen.query_one(LiveTable).scroll_to(y=70, animate=False)
        await pilot.loses("Ann Archer")
        await pilot.presses("y")
        await pilot.sees("▌ Ann Archer")
        assert access_log() == []
        await pilot.presses("y")
        await pilot.until(lambda: "Ann Archer" in pilot.app.clipboard)


async def test_what_is_chosen_in_the_palette_is_done_with_what_is_in_view_by_then(
    open_console: OpenConsole, ann: ReadingApp
) -> None:
    async with open_console() as pilot:
        await pilot.presses("2")
        await pilot.sees("Time", "Faust")
        await pilot.presses("home")
        ann.reads("Dracula")
        await pilot.until(lambda: "Dracula" in pilot.cursor)
        await pilot.presses("ctrl+p", *"Copy")
        await pilot.sees("the row under the cursor")
        await pilot.presses("enter")
        await pilot.until(lambda: "Dracula" in pilot.app.clipboard)


async def test_masked_names_are_exported_masked(open_console: OpenConsole, folder: Path) -> None:
    async with open_console(mask=True) as pilot:
        await pilot.sees("A. A.")
        await exports(pilot, "masked.csv")
        await pilot.sees("wrote 2 rows")
        await pilot.presses("y")
        await pilot.until(lambda: "A. A." in pilot.app.clipboard)
    assert [row[2] for row in rows_in(folder / "masked.csv")] == ["Reader", "A. A.", "B. B."]


async def test_notifications_are_neither_on_the_lock_screen_nor_shown_to_the_next_consultant(
    open_console: OpenConsole, cast: Cast, db: Database
) -> None:
    async with open_console() as pilot:
        await pilot.sees("Ann")
        await exports(pilot, "ann.csv")
        await pilot.sees("wrote 2 rows to ann.csv")
        await pilot.presses("L")
        await pilot.sees("readwatch is locked")
        assert "ann.csv" not in pilot.screen
        db.execute_sql(f"UPDATE users SET is_active = FALSE WHERE id = {cast.cara.id}")
        await pilot.sees("E-mail", "this account is suspended")
        assert "ann.csv" not in pilot.screen
        await pilot.logs_in("dora@example.org", PASSWORD)
        await pilot.sees("Ann", "● LIVE")
        assert "ann.csv" not in pilot.screen


@on_both_engines
async def test_nothing_is_there_to_be_taken_from_an_empty_list(
    open_console: OpenConsole, db: Any
) -> None:
    db.execute_sql("UPDATE reader_sessions SET is_active = FALSE")
    async with open_console() as pilot:
        await pilot.sees("nobody is online")
        await pilot.presses("y", "e", "s")
        await pilot.sees("nobody is online", "Reader ▲")
        assert "File (.csv or .json)" not in pilot.screen
