"""One screen, once: text for those who would rather read, JSON for programs."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from conftest import ENGINES, NOON, PASSWORD, Cast, StillClock
from peewee import DatabaseError
from reading_app import AccessLog, Entry, ReadingApp
from tui.console_pilot import OpenConsole
from tui.test_access_log import log_that_refuses

from readwatch.domain.attention import Thresholds
from readwatch.domain.clock import rfc3339
from readwatch.domain.errors import ReadwatchError
from readwatch.monitor import build
from readwatch.monitor.settings import ConsoleSettings
from readwatch.store.engine.connections import Database
from readwatch.tui import once
from readwatch.tui.once import print_once


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """Both: here the console does what each of them has its own way for."""
    return request.param


Ask = Callable[..., list[str]]


@pytest.fixture
def ask(url: str, cast: Cast, clock: StillClock) -> Ask:
    """What Cara is answered, line by line."""

    def ask(
        password: str = PASSWORD, rows: int = 10, encoding: str = "utf-8", **how: Any
    ) -> list[str]:
        as_json = how.pop("as_json", False)
        settings = ConsoleSettings(url, **{"email": cast.cara.email, **how})
        lines = print_once(
            settings,
            lambda: password,
            rows=rows,
            width=80,
            encoding=encoding,
            as_json=as_json,
            clock=clock,
        )
        return list(lines)

    return ask


def test_a_screen_as_text_says_in_words_what_the_console_shows(
    ask: Ask, ann: ReadingApp, ben: ReadingApp
) -> None:
    ann.reads("Dracula", progress=12)
    ben.reads("Faust")
    pulse, asked, titles, *rows = ask()
    assert pulse.startswith(f"{NOON.astimezone():%H:%M:%S}  2 online, 2 ")
    assert asked == "online, sorted by need"
    assert titles.split() == ["!", "State", "Reader", "Reading", "Progress", "Ago"]
    assert [row.split() for row in rows] == [
        ["reading", "Ann", "Archer", "Dracula", "12%", "now"],
        ["reading", "Ben", "Baker", "Faust", "10%", "now"],
    ]


def test_columns_that_are_too_wide_leave_room_for_the_others(ask: Ask, ann: ReadingApp) -> None:
    ann.reads("The Count of Monte Cristo, " * 10, activity_type="annotation_with_a_long_name")
    _, _, titles, row = ask(view="activity")
    assert titles.split() == ["Time", "Reader", "Activity", "Title", "Progress"]
    assert row.split()[2:4] == ["Ann", "Archer"], "a short text is whole"
    assert "annotation with…" in row
    assert "The Count of Mon…" in row
    assert row.endswith("10%")


def test_without_rows_there_are_only_the_titles(ask: Ask, ann: ReadingApp) -> None:
    ann.reads("Dracula")
    assert [line.split()[0] for line in ask(rows=0)][1:] == ["online,", "!"]


def test_a_time_is_printed_in_full_although_the_console_shortens_it(
    ask: Ask, ann: ReadingApp
) -> None:
    ann.reads("Dracula")
    *_, row = ask(view="activity")
    assert row.startswith(f"{NOON.astimezone():%Y-%m-%d %H:%M:%S}  Ann Archer")
    *_, row = ask(view="access_log")
    assert row.startswith(f"{NOON.astimezone():%Y-%m-%d %H:%M:%S}  Cara Cook")


@pytest.mark.parametrize("view", ["online", "activity", "readers", "attention", "access_log"])
def test_a_filter_that_matches_nothing_is_printed(ask: Ask, ann: ReadingApp, view: str) -> None:
    ann.reads("Dracula")
    assert ask(view=view, filter="Faust")[-1] == "nothing matches Faust"


def test_json_has_the_names_of_the_columns_what_was_asked_and_the_count_of_all(
    ask: Ask, ann: ReadingApp, ben: ReadingApp
) -> None:
    ann.reads("Dracula", progress=12)
    ben.reads("Faust", progress=70)
    told = json.loads("\n".join(ask(as_json=True, rows=1, sort="-progress", filter="progress>5")))
    [row] = told.pop("rows")
    assert told == {
        "view": "online",
        "filter": "progress>5",
        "sort": "-progress_percentage",
        "at": None,
        "taken_at": rfc3339(NOON),
        "online": 2,
        "peak_online": 2,
        "activities_a_minute": 2,
        "no_posts_since": None,
        "count": 2,
    }
    assert row["user_id"] == ben.user.id
    assert (row["full_name"], row["content_title"]) == ("Ben Baker", "Faust")
    assert (row["progress_percentage"], row["presence"]) == (70, "reading")
    assert row["started_at"] == rfc3339(NOON)


def test_a_list_without_end_has_no_count_and_no_metadata(
    ask: Ask, ann: ReadingApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(once, "FIRST_PAGE", 3)
    for number in range(4):
        ann.reads(f"Book {number}", metadata='{"note":"secret"}')
    printed = "\n".join(ask(as_json=True, view="activity", rows=1))
    assert json.loads(printed)["count"] is None
    assert "secret" not in printed
    assert "metadata" not in printed
    assert ask(view="activity", rows=1)[-1] == "… and more"


def test_attention_is_looked_for_with_the_thresholds_of_the_call(
    ask: Ask, ann: ReadingApp, clock: StillClock
) -> None:
    ann.reads("Dracula", activity_type="quiz_completed", metadata='{"score":40}')
    clock.advance(minutes=5)
    assert ask(view="attention")[3].split()[:5] == ["failed", "quiz", "(40),", "silent", "Ann"]
    thresholds = Thresholds(silent_after=timedelta(minutes=6))
    [row] = json.loads("\n".join(ask(as_json=True, view="attention", thresholds=thresholds)))[
        "rows"
    ]
    assert (row["full_name"], row["content_title"]) == ("Ann Archer", "Dracula")
    assert row["reasons"] == [
        {"rule": "failed quiz", "since": rfc3339(NOON), "words": "failed quiz (40)"}
    ]


def test_what_is_printed_is_logged(
    ask: Ask, cast: Cast, ann: ReadingApp, access_log: AccessLog
) -> None:
    ann.reads("Dracula")
    ask(as_json=True, view="readers", filter="ann")
    assert access_log() == [
        Entry(cast.cara.id, "logged_in", None, "console"),
        Entry(
            cast.cara.id,
            "exported_view",
            ann.user.id,
            "console, from readers, filter of 1 term, json, rows 1",
        ),
    ]


def test_nothing_about_a_reader_is_read_before_the_entry_is_on_disk(
    ask: Ask, ann: ReadingApp, access_log: AccessLog, db: Database
) -> None:
    ann.reads("Dracula")
    # A row has its book's progress, so that now none can be read; the order has no need of it.
    db.execute_sql("ALTER TABLE reader_content_progress RENAME TO mislaid")
    with pytest.raises(ReadwatchError, match="no readwatch schema"):
        ask(view="activity")
    *_, last = access_log()
    assert (last.did, last.where) == ("exported_view", "console, from activity, text, rows 1")
    with log_that_refuses(db, "exported_view"), pytest.raises(DatabaseError):
        ask(view="activity")


def test_nothing_is_printed_when_it_cannot_be_logged(
    ask: Ask, ann: ReadingApp, access_log: AccessLog, db: Database
) -> None:
    ann.reads("Dracula")
    for as_json in (False, True):
        with log_that_refuses(db, "exported_view"), pytest.raises(DatabaseError):
            ask(as_json=as_json)
        assert access_log()[-1].did == "logged_in"
        assert "Dracula" in "\n".join(ask(as_json=as_json))


def test_as_many_rows_are_printed_as_are_asked_for_a_portion_at_a_time(
    ask: Ask, ann: ReadingApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "CHUNK_LENGTH", 3)
    titles = [f"Book {number}" for number in range(8)]
    ann.reads_all(titles)
    told = json.loads("\n".join(ask(as_json=True, view="activity", rows=7)))
    assert [row["content_title"] for row in told["rows"]] == titles[:0:-1]


def test_masked_it_has_initials(ask: Ask, ann: ReadingApp) -> None:
    ann.reads("Dracula")
    for as_json in (False, True):
        printed = "\n".join(ask(mask=True, as_json=as_json))
        assert "A. A." in printed
        assert "Ann" not in printed
        assert "A. A." not in "\n".join(ask(mask=True, as_json=as_json, filter="ann"))
    with pytest.raises(ReadwatchError, match="names are masked"):
        ask(mask=True, filter="name:ann")


def test_where_there_is_only_ascii_no_other_character_is_printed(ask: Ask, ann: ReadingApp) -> None:
    ann.reads("Die Verwandlung und andere Erzählungen aus dem alten Prag")
    assert "…" in "\n".join(ask())
    for how in ({"encoding": "ascii"}, {"encoding": "ascii", "as_json": True}):
        printed = "\n".join(ask(**how))
        assert printed.isascii()
        assert "Die Verwandlung" in printed


@pytest.mark.parametrize(
    ("how", "complaint"),
    [
        (
            {"view": "books"},
            "there is no view 'books': there are online, activity, readers, attention",
        ),
        (
            {"sort": "-shoes"},
            "online cannot be sorted by '-shoes'; use one of need, full_name, content_title",
        ),
        ({"filter": "ann title:"}, "title: has nothing right after it"),
        ({"filter": ">5"}, "has no field right before it"),
        ({"filter": "shoes:5"}, "unknown field; use one of"),
        ({"password": "no horse at all"}, "wrong e-mail or password"),
        ({"email": "ann@example.org"}, "only consultants and admins can log in here"),
    ],
)
def test_an_invalid_query_is_reported_in_a_sentence(
    ask: Ask, how: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ReadwatchError, match=complaint.replace("(", "\\(")):
        ask(**how)


def test_who_fails_too_often_has_to_wait_as_in_the_console(
    ask: Ask, access_log: AccessLog, clock: StillClock
) -> None:
    for _ in range(5):
        with pytest.raises(ReadwatchError, match="wrong e-mail or password"):
            ask("no horse at all")
    with pytest.raises(ReadwatchError, match="too many failed logins; try again in 1 s"):
        ask()
    assert [entry.did for entry in access_log()] == [*["failed_login"] * 5, "locked_out"]
    clock.advance(seconds=1)
    assert ask()[-1] == "nobody is online"


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_the_console_begins_with_what_is_asked_for(
    open_console: OpenConsole, ann: ReadingApp, ben: ReadingApp
) -> None:
    ann.reads("Dracula")
    ben.reads("Faust")
    async with open_console(view="readers", filter="name:ben", sort="-time") as pilot:
        await pilot.sees("Titles", "Reading time ▼", "name:ben", "Ben")
        assert "Ann" not in pilot.screen
        await pilot.presses("escape")
        await pilot.sees("Ann", "Ben")
