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


async def exports(seat: ConsolePilot, name: str | None = None) -> None:
    await seat.presses("e")
    await seat.sees("File (.csv or .json)")
    if name is not None:
        await names(seat, name)
    await seat.presses("enter")


async def names(seat: ConsolePilot, name: str) -> None:
    """Type a name in the place of the one that is offered."""
    await seat.presses("end", "ctrl+u")
    await seat.until(lambda: seat.app.screen.query_one(Input).value == "")
    await seat.types(name)


async def test_a_list_is_exported_as_it_is_shown_for_its_owner_alone(
    sit: OpenConsole, cast: Cast, folder: Path, access_log: AccessLog
) -> None:
    async with sit() as seat:
        await seat.sees("Ann", "Ben", "● LIVE")
        await exports(seat)
        await seat.sees("wrote 2 rows to")
    [file] = folder.iterdir()
    assert file.name.startswith("readwatch-online-2026-11-2")
    assert file.stat().st_mode & 0o777 == 0o600
    assert rows_in(file) == [
        ["State", "Reader", "Reading", "Progress", "30 min", "Ago"],
        ["reading", "Ann Archer", "'=HYPERLINK(evil)", "10%", "0 0 0 0 0 1", "now"],
        ["reading", "Ben Baker", "Faust", "10%", "0 0 0 0 0 1", "now"],
    ]
    told = "console, from online, csv, rows 2"
    assert access_log() == [Entry(cast.cara.id, "exported_view", None, told)]


async def test_enter_that_is_pressed_again_meanwhile_exports_nothing_more(
    sit: OpenConsole, folder: Path, access_log: AccessLog
) -> None:
    async with sit() as seat:
        await seat.sees("Ann", "Ben", "● LIVE")
        await seat.presses("e")
        await seat.sees("File (.csv or .json)")
        await seat.presses("enter", "enter", "enter")
        await seat.sees("wrote 2 rows to")
    assert len(list(folder.iterdir())) == 1
    assert [entry.did for entry in access_log()].count("exported_view") == 1


@on_both_engines
async def test_only_what_the_filter_leaves_is_exported_also_as_json(
    sit: OpenConsole, folder: Path, access_log: AccessLog
) -> None:
    async with sit(size=LARGE) as seat:
        await seat.presses("3")
        await seat.sees("Ann", "Ben", "Titles")
        await seat.filters("ben")
        await seat.loses("Ann")
        await exports(seat, "found.json")
        await seat.sees("wrote 1 row to found.json")
    [found] = json.loads((folder / "found.json").read_text(encoding="utf-8"))
    assert (found["Reader"], found["Sessions"], found["Titles"]) == ("Ben Baker", "1", "1")
    assert access_log()[-1].where == "console, from readers, filter of 1 term, json, rows 1"


@on_both_engines
async def test_an_export_has_the_rows_far_out_of_sight_too_in_the_order_on_the_screen(
    sit: OpenConsole,
    db: Database,
    clock: StillClock,
    folder: Path,
    access_log: AccessLog,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(build, "CHUNK_LENGTH", 50)
    add_readers(db, clock, 120)
    async with sit() as seat:
        await seat.presses("3", "s", "S")
        await seat.sees("Reader ▼", "Zoe")
        await seat.filters("!name:ann")
        await seat.loses("Ann Archer")
        await exports(seat, "all.csv")
        await seat.sees("wrote 121 rows to all.csv")
    names = [row[0] for row in rows_in(folder / "all.csv")]
    assert names == ["Reader", *(f"Zoe {n:04}" for n in reversed(range(120))), "Ben Baker"]
    assert access_log()[-1].where == "console, from readers, filter of 1 term, csv, rows 121"


async def test_of_a_frozen_list_the_rows_are_exported_that_are_held(
    sit: OpenConsole, db: Database, clock: StillClock, ann: ReadingApp, folder: Path
) -> None:
    add_readers(db, clock, 100)
    async with sit() as seat:
        await seat.presses("3", "s")
        await seat.sees("▌ Ann Archer", "Zoe")
        await seat.presses("p")
        await seat.sees("● FROZEN")
        ann.reads("Emma")
        await exports(seat, "all.csv")
        await seat.sees("wrote 102 rows")
        await seat.presses("p")
        await seat.sees("● LIVE")
        await exports(seat, "new.csv")
        await seat.sees("wrote 102 rows to new.csv")
    for name, known in ("all.csv", "1"), ("new.csv", "2"):
        titles, first, *_ = rows_in(folder / name)
        assert (first[0], first[titles.index("Titles")]) == ("Ann Archer", known)


async def test_a_file_that_is_being_written_is_whole_before_the_console_is_left(
    sit: OpenConsole, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, put_on_disk = threading.Event(), os.fsync

    def slowly(fileno: int) -> None:
        begun.set()
        sleep(1)
        put_on_disk(fileno)

    monkeypatch.setattr(os, "fsync", slowly)  # a disk far away
    async with sit() as seat:
        await seat.sees("Ann")
        await exports(seat, "online.csv")
        await seat.until(begun.is_set)
        await seat.presses("escape", "q")
    assert [file.name for file in folder.iterdir()] == ["online.csv"]
    assert len(rows_in(folder / "online.csv")) == 3


async def test_of_a_readers_page_the_table_with_the_keys_is_exported(
    sit: OpenConsole, cast: Cast, folder: Path, access_log: AccessLog
) -> None:
    async with sit() as seat:
        await seat.sees("Ann")
        await seat.presses("enter")
        await seat.sees("ann@example.org")
        await exports(seat, "ann.csv")
        await seat.sees("wrote 1 row to ann.csv")
    assert rows_in(folder / "ann.csv")[0][:3] == ["Activity", "What", "Title"]
    told = "console, from a reader's page, activities, csv, rows 1"
    assert access_log()[-1] == Entry(cast.cara.id, "exported_view", cast.ann.id, told)


async def test_a_file_that_is_there_is_replaced_only_when_that_is_said_twice(
    sit: OpenConsole, folder: Path, access_log: AccessLog
) -> None:
    diary = folder / "diary.csv"
    diary.write_text("Dear diary")
    async with sit() as seat:
        await seat.sees("Ann")
        await exports(seat, "diary.csv")
        await seat.sees("this file exists; press enter again to replace it")
        assert (diary.read_text(), access_log()) == ("Dear diary", [])
        await seat.presses("enter")
        await seat.sees("wrote 2 rows")
    assert len(rows_in(diary)) == 3
    assert list(folder.iterdir()) == [diary]


@pytest.mark.parametrize(
    ("name", "reason"),
    [("online.xlsx", "a .csv or a .json file"), ("no/such/folder.csv", "cannot be written")],
)
async def test_a_file_that_cannot_be_is_told_and_another_name_can_be_given(
    sit: OpenConsole, folder: Path, name: str, reason: str
) -> None:
    async with sit() as seat:
        await seat.sees("Ann")
        await exports(seat, name)
        await seat.sees(reason)
        await names(seat, "online.csv")
        await seat.presses("enter")
        await seat.sees("wrote 2 rows")
    assert [file.name for file in folder.iterdir()] == ["online.csv"]


@on_both_engines
async def test_what_cannot_be_put_on_record_is_neither_written_nor_copied(
    sit: OpenConsole, folder: Path, db: Database
) -> None:
    async with sit() as seat:
        await seat.sees("Ann")
        with log_that_refuses(db):
            await exports(seat)
            await seat.sees("could not be logged")
            await seat.presses("escape")
            await seat.loses("File (.csv or .json)")
            await seat.presses("y")
            await seat.sees("not copied:", "record:")
        assert seat.app.clipboard == ""
    assert list(folder.iterdir()) == []


async def test_a_row_is_copied_in_words_and_it_is_said_what_became_of_it(
    sit: OpenConsole, cast: Cast, access_log: AccessLog
) -> None:
    async with sit() as seat:
        await seat.sees("Ann")
        await seat.presses("y")
        await seat.sees("sent to the clipboard", "terminals do not take it")
        assert seat.app.clipboard == "reading  Ann Archer  =HYPERLINK(evil)  10%  0 0 0 0 0 1  now"
        assert access_log() == [
            Entry(cast.cara.id, "copied_row", cast.ann.id, "console, from online")
        ]
        await seat.presses("enter")
        await seat.sees("ann@example.org")
        await seat.presses("y")
        await seat.until(lambda: "page read" in seat.app.clipboard)
        told = "console, from a reader's page, activities"
        assert access_log()[-1] == Entry(cast.cara.id, "copied_row", cast.ann.id, told)


async def test_the_row_is_copied_that_was_painted_when_the_key_was_pressed(
    sit: OpenConsole, ann: ReadingApp
) -> None:
    async with sit() as seat:
        await seat.presses("2")
        await seat.sees("Time", "Faust")
        pressed = events.Key("y", "y")
        ann.reads("Dracula")
        await seat.until(lambda: "Dracula" in seat.cursor)
        seat.app.post_message(pressed)
        await seat.until(lambda: "Faust" in seat.app.clipboard)


async def test_nothing_is_copied_past_the_record_by_the_mouse(
    sit: OpenConsole, access_log: AccessLog
) -> None:
    async with sit() as seat:
        await seat.sees("Ann")
        await seat.presses("enter")
        await seat.sees("ann@example.org")
        await seat.pilot.mouse_down("#summary", offset=(0, 0))
        await seat.pilot.hover("#summary", offset=(70, 0))
        await seat.pilot.mouse_up("#summary", offset=(70, 0))
        await seat.presses("ctrl+c")
        await seat.sees("q leaves the console")
        assert seat.app.clipboard == ""
    assert [entry.did for entry in access_log()] == ["viewed_reader_profile"]


async def test_a_row_out_of_sight_is_shown_before_it_can_be_copied(
    sit: OpenConsole, db: Database, clock: StillClock, access_log: AccessLog
) -> None:
    add_readers(db, clock, 100)
    async with sit() as seat:
        await seat.presses("3", "s")
        await seat.sees("▌ Ann Archer")
        seat.app.screen.query_one(LiveTable).scroll_to(y=70, animate=False)
        await seat.loses("Ann Archer")
        await seat.presses("y")
        await seat.sees("▌ Ann Archer")
        assert access_log() == []
        await seat.presses("y")
        await seat.until(lambda: "Ann Archer" in seat.app.clipboard)


async def test_what_is_chosen_in_the_palette_is_done_with_what_is_in_sight_by_then(
    sit: OpenConsole, ann: ReadingApp
) -> None:
    async with sit() as seat:
        await seat.presses("2")
        await seat.sees("Time", "Faust")
        await seat.presses("home")
        ann.reads("Dracula")
        await seat.until(lambda: "Dracula" in seat.cursor)
        await seat.presses("ctrl+p", *"Copy")
        await seat.sees("the row under the cursor")
        await seat.presses("enter")
        await seat.until(lambda: "Dracula" in seat.app.clipboard)


async def test_what_is_masked_is_taken_along_masked(sit: OpenConsole, folder: Path) -> None:
    async with sit(mask=True) as seat:
        await seat.sees("A. A.")
        await exports(seat, "masked.csv")
        await seat.sees("wrote 2 rows")
        await seat.presses("y")
        await seat.until(lambda: "A. A." in seat.app.clipboard)
    assert [row[1] for row in rows_in(folder / "masked.csv")] == ["Reader", "A. A.", "B. B."]


async def test_what_was_told_is_neither_on_the_cover_nor_for_the_next_person(
    sit: OpenConsole, cast: Cast, db: Database
) -> None:
    async with sit() as seat:
        await seat.sees("Ann")
        await exports(seat, "ann.csv")
        await seat.sees("wrote 2 rows to ann.csv")
        await seat.presses("L")
        await seat.sees("readwatch is locked")
        assert "ann.csv" not in seat.screen
        db.execute_sql(f"UPDATE users SET is_active = FALSE WHERE id = {cast.cara.id}")
        await seat.sees("E-mail", "this account is suspended")
        assert "ann.csv" not in seat.screen
        await seat.signs_in("dora@example.org", PASSWORD)
        await seat.sees("Ann", "● LIVE")
        assert "ann.csv" not in seat.screen


@on_both_engines
async def test_nothing_is_there_to_be_taken_from_an_empty_list(sit: OpenConsole, db: Any) -> None:
    db.execute_sql("UPDATE reader_sessions SET is_active = FALSE")
    async with sit() as seat:
        await seat.sees("nobody is online")
        await seat.presses("y", "e", "s")
        await seat.sees("nobody is online", "Reading ▲")
        assert "File (.csv or .json)" not in seat.screen
