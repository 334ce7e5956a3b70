"""Who may need a consultant: a morning in front of the fourth list."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import Cast, StillClock, on_both_engines
from permits import LIST_ACCESS
from reading_app import ReadingApp
from tui.console_pilot import LARGE, OpenConsole, console_pilot

from readwatch.domain.activities import canonical_json
from readwatch.domain.arrivals import NO_ARRIVALS
from readwatch.domain.attention import DEFAULT_THRESHOLDS, Rule, Thresholds
from readwatch.monitor.attention import Attention
from readwatch.monitor.settings import ConsoleSettings
from readwatch.store.engine.connections import Database
from readwatch.tui.app import Console


def fails_a_quiz(app: ReadingApp, title: str = "Momo", **result: Any) -> None:
    metadata = canonical_json(result or {"passed": False, "score": 40})
    app.reads(title, activity_type="quiz_completed", metadata=metadata)


@pytest.fixture
def look(db: Database, clock: StillClock) -> Callable[[], dict[int, str]]:
    """`look()` is who is found, and why, in order; what was found before is remembered."""
    attention = Attention(DEFAULT_THRESHOLDS)

    def look() -> dict[int, str]:
        attention.refresh(db, LIST_ACCESS, clock(), NO_ARRIVALS)
        return {id: str(case) for id, case in attention._cases.items()}

    return look


# What a look finds and remembers.


@on_both_engines
def test_a_reader_is_found_for_each_reason_that_there_is(
    look: Callable[[], dict[int, str]], ann: ReadingApp, ben: ReadingApp, clock: StillClock
) -> None:
    ann.reads()
    ann.logs_out()
    clock.advance(days=8)
    assert look() == {ann.user.id: "no progress"}
    clock.advance(days=8)
    assert look() == {}
    fails_a_quiz(ann)
    ben.reads()
    assert look() == {ann.user.id: "failed quiz (40), back after 16 days"}
    clock.advance(minutes=4)
    ann.sends_a_heartbeat()
    assert look()[ben.user.id] == "silent"
    clock.advance(minutes=11)
    ann.sends_a_heartbeat()
    assert look()[ann.user.id] == "failed quiz (40), idle, back after 16 days"


@on_both_engines
def test_who_goes_on_is_found_a_little_longer_and_then_no_more(
    look: Callable[[], dict[int, str]], ann: ReadingApp, clock: StillClock
) -> None:
    ann.reads()
    clock.advance(minutes=5)
    assert look() == {ann.user.id: "silent"}
    ann.sends_a_heartbeat()
    clock.advance(seconds=119)
    assert look() == {ann.user.id: "silent"}
    clock.advance(seconds=1)
    assert look() == {}


@on_both_engines
def test_a_failed_quiz_is_taken_back_by_one_that_is_passed(
    look: Callable[[], dict[int, str]], ann: ReadingApp, clock: StillClock
) -> None:
    fails_a_quiz(ann, score=20)
    assert look() == {ann.user.id: "failed quiz (20)"}
    fails_a_quiz(ann, passed=True)
    clock.advance(minutes=2)
    assert look() == {}


@on_both_engines
def test_a_console_that_starts_later_finds_what_the_others_found_before(
    db: Database, ann: ReadingApp, ben: ReadingApp, clock: StillClock
) -> None:
    ben.reads()
    ben.logs_out()
    clock.advance(days=20)
    ben.reads()
    fails_a_quiz(ann)
    clock.advance(hours=23)
    late = Attention(DEFAULT_THRESHOLDS)
    late.refresh(db, LIST_ACCESS, clock(), NO_ARRIVALS)
    assert {str(case) for case in late._cases.values()} == {
        "failed quiz (40)",
        "back after 20 days",
    }


@on_both_engines
def test_who_is_suspended_is_found_no_more(
    look: Callable[[], dict[int, str]], db: Database, ann: ReadingApp
) -> None:
    fails_a_quiz(ann)
    assert look() != {}
    db.execute_sql(f"UPDATE users SET is_active = FALSE WHERE id = {ann.user.id}")
    assert look() == {}


# What a consultant sees.


@on_both_engines
async def test_the_list_says_who_why_since_when_and_what_they_read(
    open_console: OpenConsole, ann: ReadingApp, ben: ReadingApp, clock: StillClock
) -> None:
    fails_a_quiz(ann, "Momo")
    ben.reads("Dracula", progress=50)
    clock.advance(minutes=6)
    async with open_console() as pilot:
        await pilot.sees("4 Attention 2", "Online")
        await pilot.presses("4")
        await pilot.sees("Why ▲", "Since", "Ann Archer")
        assert pilot.cursor.split()[:3] == ["failed", "quiz", "(40),"]
        assert all(words in pilot.cursor for words in ("Ann Archer", "Momo", "6 min"))
        assert all(words in pilot.line("Ben") for words in ("silent", "Dracula", "6 min"))
        await pilot.presses("enter")
        await pilot.sees("ann@example.org")
        await pilot.presses("escape")
        await pilot.until(lambda: "Ann" in pilot.cursor)


async def test_nobody_needs_anybody(open_console: OpenConsole, ann: ReadingApp) -> None:
    ann.reads()
    async with open_console() as pilot:
        await pilot.presses("4")
        await pilot.sees("nobody needs a consultant now", " 4 Attention 5 ")


async def test_who_was_seen_goes_to_the_end_until_the_mark_is_taken_back_or_the_day_is_over(
    open_console: OpenConsole, ann: ReadingApp, ben: ReadingApp, clock: StillClock
) -> None:
    fails_a_quiz(ann)
    clock.advance(minutes=1)
    fails_a_quiz(ben)
    async with open_console() as pilot:
        await pilot.presses("4")
        await pilot.sees("4 Attention 2", "Why ▲", "Ben")
        await pilot.presses("x")
        await pilot.sees("4 Attention 1", "seen: failed quiz")
        assert pilot.line_number("Ann") < pilot.line_number("Ben")
        assert "Ann" in pilot.cursor
        await pilot.presses("x")
        await pilot.loses("4 Attention 1")
        await pilot.presses("end", "x")
        await pilot.sees("4 Attention 1")
        clock.advance(hours=23, minutes=50)  # midnight comes before that almost anywhere
        await pilot.sees("4 Attention 2")


async def test_marks_outlast_the_session(
    url: str, cast: Cast, ann: ReadingApp, clock: StillClock, tmp_path: Path
) -> None:
    fails_a_quiz(ann)
    for before, after in ((" 4 Attention 1", " 4 Attention 5"), (" 4 Attention 5", "Attention 1")):
        console = Console(
            ConsoleSettings(url, preferences_folder=tmp_path), consultant=cast.cara, clock=clock
        )
        async with console_pilot(console) as sitting:
            await sitting.presses("4")
            await sitting.sees("failed quiz", before)
            await sitting.presses("x")
            await sitting.sees(after)


async def test_a_rule_is_muted_until_it_is_taken_back_or_the_day_is_over(
    open_console: OpenConsole, ann: ReadingApp, ben: ReadingApp, clock: StillClock
) -> None:
    fails_a_quiz(ann)
    ben.reads()
    clock.advance(minutes=5)
    ann.sends_a_heartbeat()
    async with open_console() as pilot:
        await pilot.presses("4")
        await pilot.sees("4 Attention 2", "Why ▲", "silent")
        assert "Ann" in pilot.cursor
        await pilot.presses("m")
        await pilot.sees("4 Attention 1", "muted: failed", "failed quiz: muted until midnight")
        assert pilot.line_number("Ben") < pilot.line_number("Ann")
        await pilot.presses("m")
        await pilot.sees("4 Attention 2", "failed quiz: not muted any more")
        await pilot.presses("home", "m")
        await pilot.sees("4 Attention 1")
        clock.advance(hours=23, minutes=50)  # midnight comes before that almost anywhere
        await pilot.loses("muted:")


async def test_a_row_with_two_reasons_is_muted_by_two_keys_and_comes_back_by_the_third(
    open_console: OpenConsole, ann: ReadingApp, clock: StillClock
) -> None:
    fails_a_quiz(ann)
    clock.advance(minutes=5)
    async with open_console(size=LARGE) as pilot:
        await pilot.presses("4")
        await pilot.sees("4 Attention 1", "failed quiz (40)", "silent in the middle")
        await pilot.presses("m")
        await pilot.sees("muted today: failed quiz", "4 Attention 1")
        await pilot.presses("m")
        await pilot.sees("muted today: failed quiz, silent", "muted: failed")
        await pilot.loses("4 Attention 1")
        await pilot.presses("m")
        await pilot.sees("4 Attention 1", "failed quiz, silent: not muted any more")
        await pilot.loses("muted today")


@on_both_engines
def test_a_reader_with_another_reason_is_not_muted(
    db: Database, ann: ReadingApp, clock: StillClock
) -> None:
    attention = Attention(DEFAULT_THRESHOLDS)
    attention.set_marks(frozenset(), frozenset({Rule.FAILED_QUIZ}))
    fails_a_quiz(ann)
    attention.refresh(db, LIST_ACCESS, clock(), NO_ARRIVALS)
    assert not attention.unseen
    assert attention.in_need == {ann.user.id}
    clock.advance(minutes=5)
    attention.refresh(db, LIST_ACCESS, clock(), NO_ARRIVALS)
    assert attention.unseen == (ann.user.id,)
    attention.set_marks(frozenset(), frozenset({Rule.FAILED_QUIZ, Rule.SILENT}))
    assert not attention.unseen


@on_both_engines
def test_an_old_failure_comes_after_what_is_happening_now(
    look: Callable[[], dict[int, str]], ann: ReadingApp, ben: ReadingApp, clock: StillClock
) -> None:
    fails_a_quiz(ann)
    ann.logs_out()
    clock.advance(hours=4, minutes=-5)
    ben.reads()
    clock.advance(minutes=5)
    assert [*look()] == [ann.user.id, ben.user.id]
    clock.advance(seconds=1)
    assert [*look()] == [ben.user.id, ann.user.id]


@on_both_engines
async def test_the_list_is_filtered_and_sorted_like_any_other(
    open_console: OpenConsole, ann: ReadingApp, ben: ReadingApp, clock: StillClock
) -> None:
    fails_a_quiz(ann)
    ben.reads("Dracula")
    clock.advance(minutes=6)
    ann.sends_a_heartbeat()
    async with open_console() as pilot:
        await pilot.presses("4")
        await pilot.sees("Ann", "Ben")
        for words in ("reasons:silent", "drcl", "since>5m title:dracula", "!quiz"):
            await pilot.filters(words)
            await pilot.loses("Ann")
            await pilot.sees("Ben")
            await pilot.presses("escape")
            await pilot.sees("Ann", "Ben")
        await pilot.presses("S")
        await pilot.sees("Why ▼")
        await pilot.until(lambda: pilot.line_number("Ben") < pilot.line_number("Ann"))


async def test_marking_is_offered_in_this_list_alone(
    open_console: OpenConsole, ann: ReadingApp
) -> None:
    ann.reads()
    async with open_console(size=LARGE) as pilot:
        await pilot.sees("Ann")
        assert "Seen" not in pilot.screen
        await pilot.presses("x", "4")
        await pilot.sees("nobody needs", "x Seen")


@pytest.mark.parametrize("bell", [True, False])
async def test_the_terminal_rings_for_somebody_new_only_if_that_is_wanted(
    url: str,
    cast: Cast,
    ann: ReadingApp,
    ben: ReadingApp,
    clock: StillClock,
    bell: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rings: list[str] = []
    monkeypatch.setattr(Console, "bell", lambda _: rings.append("ring"))
    fails_a_quiz(ann)
    async with console_pilot(
        Console(ConsoleSettings(url, bell=bell), consultant=cast.cara, clock=clock)
    ) as sitting:
        await sitting.presses("4")
        await sitting.sees("4 Attention 1")
        assert rings == []
        fails_a_quiz(ben)
        await sitting.sees("4 Attention 2")
        assert rings == (["ring"] if bell else [])
        await sitting.presses("1")
        await sitting.sees("Ago")
        await sitting.presses("4", "x")
        await sitting.sees("4 Attention 1")
        await sitting.presses("end", "x")
        await sitting.sees("4 Attention 2")
        assert len(rings) == bell  # neither for going to and fro nor for a mark that is taken back


async def test_a_rule_that_is_switched_off_finds_nobody(
    url: str, cast: Cast, ann: ReadingApp, ben: ReadingApp, clock: StillClock
) -> None:
    fails_a_quiz(ann)
    ben.reads()
    clock.advance(minutes=6)
    thresholds = Thresholds(silent_after=timedelta(0))
    async with console_pilot(
        Console(ConsoleSettings(url, thresholds=thresholds), consultant=cast.cara, clock=clock)
    ) as cara:
        await cara.presses("4")
        await cara.sees("Ann")
        assert "Ben" not in cara.screen


async def test_masked_readers_are_initials_here_too(
    url: str, cast: Cast, ann: ReadingApp, clock: StillClock
) -> None:
    fails_a_quiz(ann)
    async with console_pilot(
        Console(ConsoleSettings(url, mask=True), consultant=cast.cara, clock=clock)
    ) as cara:
        await cara.presses("4")
        await cara.sees("failed quiz")
        assert "Archer" not in cara.screen
