"""Consultants share their cases: whose it is, until when, and what the next one should know."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta

import pytest
from conftest import PASSWORD, Cast, StillClock, on_both_engines
from grouped import limit, put_into
from reading_app import AccessLog, ReadingApp
from tui.console_pilot import LARGE, ConsolePilot, OpenConsole

from readwatch.domain.activities import canonical_json
from readwatch.store.engine import sqlite
from readwatch.store.engine.connections import Database
from readwatch.tui.format.cells import SIGNS

DEPARTED = SIGNS["departed"]


def fails_a_quiz(app: ReadingApp) -> None:
    metadata = canonical_json({"passed": False, "score": 40})
    app.reads("Momo", activity_type="quiz_completed", metadata=metadata)


def acts(access_log: AccessLog) -> list[tuple[int, str, int | None]]:
    return [(entry.who, entry.did, entry.whom) for entry in access_log()]


@dataclass
class TwoConsoles:
    """Attention on the screens of Cara and Dora, with Ann in it."""

    cara: ConsolePilot
    dora: ConsolePilot


@pytest.fixture
async def two_consoles(
    open_console: OpenConsole, cast: Cast, ann: ReadingApp
) -> AsyncIterator[TwoConsoles]:
    fails_a_quiz(ann)
    async with AsyncExitStack() as stack:
        pilots = []
        for who in (cast.cara, cast.dora):
            pilot = await stack.enter_async_context(open_console(who=who))
            await pilot.presses("4")
            await pilot.sees("4 Attention 1", "Why ▲", "Ann Archer")
            pilots.append(pilot)
        yield TwoConsoles(*pilots)


@on_both_engines
async def test_a_case_that_is_taken_names_its_consultant_and_is_counted_for_nobody(
    two_consoles: TwoConsoles, access_log: AccessLog, cast: Cast
) -> None:
    await two_consoles.cara.presses("t")
    for pilot in (two_consoles.cara, two_consoles.dora):
        await pilot.sees("Ann Archer      Cara Cook", " 4 Attention 5 ")
    assert acts(access_log) == [(cast.cara.id, "took_case", cast.ann.id)]
    await two_consoles.cara.presses("t")
    for pilot in (two_consoles.cara, two_consoles.dora):
        await pilot.sees(" 4 Attention 1")
        assert "Cara" not in pilot.line("Ann Archer")
    assert acts(access_log)[1:] == [(cast.cara.id, "released_case", cast.ann.id)]


@on_both_engines
async def test_a_case_is_handed_over_with_a_note(
    two_consoles: TwoConsoles, access_log: AccessLog, cast: Cast
) -> None:
    cara, dora = two_consoles.cara, two_consoles.dora
    await cara.presses("t")
    await dora.sees("Ann Archer      Cara Cook")
    await dora.presses("z")
    await dora.sees("Snooze Ann Archer, a case of Cara Cook")
    await dora.presses("escape")
    await dora.loses("enter saves")
    await dora.presses("t")
    await dora.sees("Take over Ann Archer from Cara Cook", "Note (optional)")
    await dora.types("as agreed")
    await dora.presses("enter")
    for pilot in (cara, dora):
        await pilot.sees("Ann Archer      Dora Dyer")
    assert acts(access_log)[1:] == [(cast.dora.id, "took_case", cast.ann.id)]


@on_both_engines
async def test_who_has_not_seen_what_a_colleague_did_is_refused_and_may_save_all_the_same(
    two_consoles: TwoConsoles, access_log: AccessLog, cast: Cast
) -> None:
    cara, dora = two_consoles.cara, two_consoles.dora
    await dora.presses("p")  # a frozen list does not show what others do
    await dora.sees("● FROZEN")
    await cara.presses("t")
    await cara.sees("Ann Archer      Cara Cook")
    await dora.presses("t")
    await dora.sees("somebody else has changed this case")
    assert len(access_log()) == 1
    await dora.presses("r")
    await dora.types("spoke to her")
    await dora.presses("enter")
    await dora.sees("somebody else has changed this case; enter saves yours", "spoke to her")
    await dora.presses("enter")
    await cara.sees("resolved: failed", "Ann Archer      Dora Dyer")
    assert acts(access_log)[1:] == [(cast.dora.id, "resolved_case", cast.ann.id)]


@on_both_engines
async def test_a_note_is_seen_by_everybody(
    two_consoles: TwoConsoles, open_console: OpenConsole, cast: Cast
) -> None:
    cara = two_consoles.cara
    await cara.presses("n")
    await cara.sees("Note about Ann Archer")
    await cara.presses("enter")
    await cara.sees("a note needs a text")
    await cara.types("x" * 501)
    await cara.presses("enter")
    await cara.sees("a note has at most 500 characters; this one has 501")
    await cara.presses("end", "ctrl+u")
    await cara.pastes("phoned\nhome")
    await cara.presses("enter")
    await cara.sees("4 Attention 1", "Why ▲")
    async with open_console(who=cast.dora, size=LARGE) as wide:
        await wide.presses("4")
        await wide.sees("phoned home (Cara Cook, ")


@on_both_engines
async def test_a_note_that_cannot_be_saved_stays_in_its_form_which_says_why(
    two_consoles: TwoConsoles, db: Database, access_log: AccessLog
) -> None:
    cara = two_consoles.cara
    await cara.presses("n")
    await cara.types("phoned home")
    db.execute_sql("ALTER TABLE case_notes RENAME TO mislaid")
    await cara.presses("enter")
    await cara.sees("the note could not be logged: ", "phoned home")
    assert access_log() == []
    db.execute_sql("ALTER TABLE mislaid RENAME TO case_notes")
    await cara.presses("enter")
    await cara.loses("enter saves")
    assert [entry.did for entry in access_log()] == ["added_case_note"]


async def test_a_form_whose_note_was_saved_behind_the_lock_closes_with_the_lock(
    open_console: OpenConsole,
    ann: ReadingApp,
    db: Database,
    clock: StillClock,
    access_log: AccessLog,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_SECONDS", 60)
    fails_a_quiz(ann)
    async with open_console(lock_after=timedelta(minutes=10)) as cara:
        await cara.presses("4")
        await cara.sees("Why ▲", "Ann Archer")
        await cara.presses("n")
        await cara.types("phoned home")
        with db.atomic("IMMEDIATE"):  # another program writes
            await cara.presses("enter")
            await cara.sees("saving …")
            await cara.presses("escape")  # too late
            clock.advance(minutes=10)
            await cara.sees("is locked")
        await cara.until(access_log)
        await cara.types(PASSWORD)
        await cara.presses("enter")
        await cara.sees("Why ▲", "t Take")
        await cara.loses("phoned")


@on_both_engines
async def test_a_snoozed_case_goes_to_the_end_and_is_due_to_its_consultant_alone(
    two_consoles: TwoConsoles,
    ben: ReadingApp,
    clock: StillClock,
    access_log: AccessLog,
    cast: Cast,
) -> None:
    cara, dora = two_consoles.cara, two_consoles.dora
    clock.advance(minutes=1)
    fails_a_quiz(ben)
    await cara.sees("4 Attention 2", "Ben")
    await cara.presses("end", "x")
    await cara.sees("4 Attention 1")
    await cara.presses("end", "z")
    await cara.sees("Snooze Ann Archer", "Until")
    await cara.presses("end", "ctrl+u")
    await cara.types("soon")
    await cara.sees("'soon' is not a time")
    await cara.presses("enter")
    await cara.sees("'soon' is not a time")
    await cara.presses("ctrl+u")
    await cara.types("9w")
    await cara.sees("a case is snoozed for 31 days at most")
    await cara.presses("ctrl+u")
    await cara.types("30m")
    end = (clock() + timedelta(minutes=30)).astimezone()
    await cara.sees(f"until {end:%a %d %b %H:%M}")
    await cara.presses("enter")
    for pilot in (cara, dora):
        await pilot.sees("4 Attention 1", f"{end:%H:%M} Cara", "snoozed: ")
        assert pilot.line_number("Ben") < pilot.line_number("Ann")
    assert acts(access_log) == [(cast.cara.id, "snoozed_case", cast.ann.id)]
    clock.advance(minutes=30)
    await cara.sees("4 Attention 2", "due: Cara")  # although she has seen it
    await dora.sees("4 Attention 1", "due: Cara")
    await cara.presses("home", "end", "t")
    await cara.sees("4 Attention 1", "Ann Archer      Cara Cook")
    assert acts(access_log)[1:] == [(cast.cara.id, "took_case", cast.ann.id)]


@on_both_engines
async def test_a_snooze_comes_back_although_its_reader_has_left_long_ago(
    open_console: OpenConsole, ann: ReadingApp, clock: StillClock
) -> None:
    ann.reads()
    clock.advance(minutes=5)
    async with open_console() as cara:
        await cara.presses("4")
        await cara.sees("4 Attention 1", "silent")
        await cara.presses("z")
        await cara.sees("Until")
        await cara.presses("enter")
        await cara.sees("snoozed: silent")
        clock.advance(minutes=59)
        await cara.sees(f"{DEPARTED} snoozed: silent")
        clock.advance(minutes=1)
        await cara.sees("4 Attention 1", "snooze over", "due: Cara")
        await cara.presses("t")
        await cara.sees("Ann Archer      Cara Cook")
        clock.advance(minutes=5)
        await cara.until(lambda: cara.line("snooze over").split()[-2:] == ["5", "min"])
        assert "Cara Cook" in cara.line("snooze over")


@on_both_engines
async def test_a_resolved_case_is_done_until_there_is_another_reason(
    two_consoles: TwoConsoles, ann: ReadingApp, clock: StillClock, access_log: AccessLog, cast: Cast
) -> None:
    cara, dora = two_consoles.cara, two_consoles.dora
    clock.advance(minutes=1)
    await cara.presses("r")
    await cara.sees("Resolve Ann Archer")
    await cara.presses("enter")
    for pilot in (cara, dora):
        await pilot.sees("resolved: failed", "Ann Archer      Cara Cook")
        await pilot.loses("4 Attention 1")
    assert acts(access_log) == [(cast.cara.id, "resolved_case", cast.ann.id)]
    clock.advance(minutes=1)
    fails_a_quiz(ann)
    for pilot in (cara, dora):
        await pilot.sees("4 Attention 1")
        assert "resolved" not in pilot.screen
    await cara.presses("r")
    await cara.sees("Resolve Ann Archer")
    await cara.presses("enter")
    await dora.sees("resolved: failed")
    await dora.presses("t")
    await dora.sees("Ann Archer      Dora Dyer")
    await dora.presses("t")
    for pilot in (cara, dora):
        await pilot.sees("4 Attention 1")


async def test_the_page_of_a_reader_tells_the_whole_case_and_has_the_same_keys(
    open_console: OpenConsole, ann: ReadingApp, access_log: AccessLog
) -> None:
    fails_a_quiz(ann)
    async with open_console() as cara:
        await cara.presses("4")
        await cara.sees("Why ▲", "Ann Archer")
        await cara.presses("enter")
        await cara.sees("ann@example.org", "Momo", "n Note")
        await cara.presses("t")
        await cara.sees("Cara Cook has this case since ", "took the case")
        await cara.presses("n")
        await cara.types("phoned home")
        await cara.presses("enter")
        await cara.loses("enter saves")
        await cara.sees("ann@example.org", "phoned home")
        await cara.presses("escape")
        await cara.sees("Why ▲", "Ann Archer      Cara Cook")
    assert [(entry.did, entry.where) for entry in access_log()[1:]] == [
        ("took_case", "console, from a reader's page"),
        ("added_case_note", "console, from a reader's page"),
    ]


async def test_the_list_is_filtered_by_whose_case_it_is(
    two_consoles: TwoConsoles, ben: ReadingApp
) -> None:
    cara = two_consoles.cara
    fails_a_quiz(ben)
    await cara.sees("Ben")
    assert "Ann" in cara.cursor
    await cara.presses("t")
    await cara.sees("Ann Archer      Cara Cook")
    for words, found, other in (
        ("case:taken", "Ann", "Ben"),
        ("case:open", "Ben", "Ann"),
        ("consultant:cook", "Ann", "Ben"),
    ):
        await cara.filters(words)
        await cara.loses(f"{other} B" if other == "Ben" else "Ann A")
        await cara.sees(found)
        await cara.presses("escape")
        await cara.sees("Ann", "Ben")


async def test_the_list_is_sorted_by_how_cases_stand_and_whose_they_are(
    two_consoles: TwoConsoles, ben: ReadingApp
) -> None:
    cara, dora = two_consoles.cara, two_consoles.dora
    fails_a_quiz(ben)
    await dora.sees("Ben Baker")
    await dora.presses("end", "t")
    await cara.sees("Ben Baker       Dora Dyer")
    await cara.presses("s", "s", "s")
    await cara.sees("Case ▲")
    await cara.until(lambda: cara.line_number("Ben") < cara.line_number("Ann"))
    await cara.presses("home", "t")
    await cara.sees("Take over")
    await cara.presses("escape")
    await cara.loses("Take over")
    await cara.presses("end", "t")
    await cara.sees("Ann Archer      Cara Cook")
    await cara.until(lambda: cara.line_number("Ann") < cara.line_number("Ben"))
    await cara.presses("S")
    await cara.sees("Case ▼")
    await cara.until(lambda: cara.line_number("Ben") < cara.line_number("Ann"))


async def test_masked_readers_have_no_notes_but_cases(
    two_consoles: TwoConsoles, open_console: OpenConsole, cast: Cast
) -> None:
    await two_consoles.cara.presses("n")
    await two_consoles.cara.types("Ann Archer phoned")
    await two_consoles.cara.presses("enter")
    await two_consoles.cara.loses("Note about")
    await two_consoles.cara.presses("t")
    async with open_console(who=cast.dora, mask=True, size=LARGE) as masked:
        await masked.presses("4")
        await masked.sees("A. A.", "Cara Cook")
        assert "Archer" not in masked.screen
        assert "phoned" not in masked.screen


async def test_only_a_note_is_possible_about_a_reader_who_is_not_in_attention(
    open_console: OpenConsole, ann: ReadingApp, access_log: AccessLog
) -> None:
    ann.reads()
    async with open_console(size=LARGE) as pilot:
        await pilot.sees("Ann")
        await pilot.presses("enter")
        await pilot.sees("ann@example.org", "n Note")
        assert "Take" not in pilot.screen
        await pilot.presses("t", "z", "r", "n")
        await pilot.sees("Note about Ann Archer")
        await pilot.types("likes whales")
        await pilot.presses("enter")
        await pilot.sees("Consultant", "likes whales")
        assert [entry.did for entry in access_log()[1:]] == ["added_case_note"]


async def test_the_row_of_a_reader_who_has_left_the_list_still_takes_a_note(
    two_consoles: TwoConsoles, ann: ReadingApp, clock: StillClock, access_log: AccessLog
) -> None:
    cara = two_consoles.cara
    await cara.presses("down")
    await cara.until(lambda: not cara.table.viewport.follows)
    clock.advance(hours=25)
    ann.sends_a_heartbeat()
    await cara.sees(f"{DEPARTED} failed quiz")
    await cara.presses("n")
    await cara.types("phoned home")
    await cara.presses("enter")
    await cara.loses("enter saves")
    assert [entry.did for entry in access_log()] == ["added_case_note"]


async def test_the_keys_of_cases_work_in_this_list_alone(
    open_console: OpenConsole, ann: ReadingApp, access_log: AccessLog
) -> None:
    ann.reads()
    async with open_console() as pilot:
        await pilot.sees("Ann")
        assert "Take" not in pilot.screen
        await pilot.presses("t", "n", "z", "r", "4")
        await pilot.sees("nobody needs", "t Take")
        await pilot.presses("t", "n", "z", "r", "1")
        await pilot.sees("Ann", "30 min")
        assert access_log() == []


async def test_a_consultant_who_loses_a_group_meanwhile_takes_no_case_of_it(
    two_consoles: TwoConsoles, db: Database, cast: Cast, access_log: AccessLog
) -> None:
    put_into(db, "4b", cast.ben)
    cara = two_consoles.cara
    await cara.presses("n")
    await cara.types("phoned home")
    limit(db, cast.cara, "4b")
    await cara.presses("enter")
    await cara.sees("this reader is in none of your groups")
    assert acts(access_log) == [(cast.cara.id, "refused_access", cast.ann.id)]
