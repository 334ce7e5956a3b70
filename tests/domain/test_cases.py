"""Cases: whose they are, and when they need somebody again."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from readwatch.domain.attention import (
    DUE_FOR_AT_MOST,
    Case,
    Held,
    Reason,
    Rule,
    cases,
    snooze_ended,
)
from readwatch.domain.cases import (
    HELD_FOR,
    CaseNote,
    CaseStatus,
    NoteKind,
    checked_snooze,
    checked_text,
    holder_status,
)
from readwatch.domain.errors import ReadwatchError
from readwatch.domain.text import clean

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
CARA, DORA = 3, 4


def before(**duration: float) -> datetime:
    return NOW - timedelta(**duration)


def by_cara(
    kind: NoteKind,
    *,
    at: datetime = NOW,
    until: datetime | None = None,
    reasons: Sequence[Reason] = (),
) -> CaseNote:
    keys = frozenset(reason.key for reason in reasons)
    return CaseNote(9, kind, CARA, clean("Cara Cook"), at, until, keys)


def case_of(*reasons: Reason, change: CaseNote | None, resolved: Sequence[Reason] = ()) -> Case:
    held = {(7, reason.rule): Held(reason, NOW) for reason in reasons}
    changes = {} if change is None else {7: change}
    resolution = by_cara(NoteKind.RESOLVED, reasons=resolved)
    [case] = cases(held, changes, {7: resolution} if resolved else {})
    return case


FAILED = Reason(Rule.FAILED_QUIZ, before(hours=2))
IDLE = Reason(Rule.IDLE, before(minutes=20))
END = NOW + timedelta(minutes=30)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (None, CaseStatus.OPEN),
        (by_cara(NoteKind.TAKEN), CaseStatus.TAKEN),
        (by_cara(NoteKind.TAKEN, at=NOW - HELD_FOR), CaseStatus.OPEN),
        (by_cara(NoteKind.RELEASED), CaseStatus.OPEN),
        (by_cara(NoteKind.SNOOZED, until=END, reasons=[FAILED]), CaseStatus.SNOOZED),
        (by_cara(NoteKind.SNOOZED, until=NOW, reasons=[FAILED]), CaseStatus.DUE),
        (by_cara(NoteKind.SNOOZED, until=NOW - HELD_FOR, reasons=[FAILED]), CaseStatus.OPEN),
        (by_cara(NoteKind.RESOLVED), CaseStatus.OPEN),
    ],
)
def test_a_case_is_held_after_its_last_change_but_for_no_more_than_a_day(
    change: CaseNote | None, status: CaseStatus
) -> None:
    assert holder_status(change, NOW) is status
    assert case_of(FAILED, change=change).status_at(NOW) is status


def test_an_open_case_needs_everybody_and_one_that_is_due_the_consultant_who_snoozed_it() -> None:
    snoozed = case_of(FAILED, change=by_cara(NoteKind.SNOOZED, until=END, reasons=[FAILED]))
    later = END + timedelta(seconds=1)
    assert not snoozed.needs(CARA, NOW)
    assert (snoozed.needs(CARA, later), snoozed.needs(DORA, later)) == (True, False)
    assert snoozed.needs(DORA, END + HELD_FOR), "Cara has gone home"
    assert case_of(FAILED, change=None).needs(DORA, NOW)
    assert not case_of(FAILED, change=by_cara(NoteKind.TAKEN)).needs(CARA, NOW)


def test_a_resolved_reason_does_not_count_and_any_other_opens_the_case_again() -> None:
    resolved = by_cara(NoteKind.RESOLVED)
    done = case_of(FAILED, change=resolved, resolved=[FAILED])
    assert (done.status_at(NOW), done.reasons) == (CaseStatus.RESOLVED, (FAILED,))
    # Idleness that began before counts too: its rule did not hold yet.
    again = case_of(FAILED, IDLE, change=resolved, resolved=[FAILED])
    assert (again.status_at(NOW), again.reasons) == (CaseStatus.OPEN, (IDLE,))
    assert again.since == IDLE.since
    assert again.reason_keys == (FAILED.key, IDLE.key), "who resolves it resolves both"
    later = replace(FAILED, since=before(hours=1))
    assert case_of(later, change=resolved, resolved=[FAILED]).status_at(NOW) is CaseStatus.OPEN


def test_a_case_that_is_taken_after_a_resolution_has_the_new_reasons_only() -> None:
    taken = by_cara(NoteKind.TAKEN)
    case = case_of(FAILED, IDLE, change=taken, resolved=[FAILED])
    assert (case.status_at(NOW), case.reasons) == (CaseStatus.TAKEN, (IDLE,))


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        (replace(FAILED, since=before(minutes=1)), CaseStatus.OPEN),
        (Reason(Rule.SILENT, NOW), CaseStatus.OPEN),
        (replace(IDLE, since=before(minutes=1)), CaseStatus.SNOOZED),
        (Reason(Rule.SNOOZE_ENDED, NOW), CaseStatus.SNOOZED),
    ],
)
def test_another_failed_quiz_or_another_rule_ends_a_snooze(
    reason: Reason, status: CaseStatus
) -> None:
    snoozed = by_cara(NoteKind.SNOOZED, until=END, reasons=[FAILED, IDLE])
    assert case_of(reason, change=snoozed).status_at(NOW) is status


def test_the_note_that_gives_a_case_its_status_names_its_consultant() -> None:
    released = replace(by_cara(NoteKind.RELEASED), author_id=DORA)
    resolved = case_of(FAILED, change=released, resolved=[FAILED])
    note = resolved.note_at(NOW)
    assert note is not None
    assert (note.kind, note.author_id) == (NoteKind.RESOLVED, CARA)
    assert case_of(FAILED, change=released).note_at(NOW) is None


def test_another_resolution_keeps_what_was_resolved_before() -> None:
    later = replace(FAILED, since=before(hours=1))
    case = case_of(later, change=by_cara(NoteKind.RESOLVED), resolved=[FAILED])
    assert case.reason_keys == (later.key, FAILED.key)


def test_the_end_of_a_snooze_is_a_reason_for_a_week() -> None:
    assert snooze_ended(END, NOW) is None
    assert snooze_ended(NOW, NOW) == Reason(Rule.SNOOZE_ENDED, NOW)
    assert snooze_ended(NOW - DUE_FOR_AT_MOST, NOW) is None


def test_a_text_is_one_line_without_control_characters_and_not_too_long() -> None:
    assert checked_text("  phoned\n home\x1b[2J ", required=True) == "phoned home\u241b[2J"
    assert checked_text(" ", required=False) == ""
    with pytest.raises(ReadwatchError, match="a note needs a text"):
        checked_text(" \n", required=True)
    assert len(checked_text("x" * 500, required=True)) == 500
    with pytest.raises(ReadwatchError, match="at most 500 characters; this one has 501"):
        checked_text("x" * 501, required=False)
    with pytest.raises(ReadwatchError, match="a note needs a text"):
        checked_text("\u200b\u2060", required=True)


def test_a_case_is_not_snoozed_for_longer_than_a_month() -> None:
    assert checked_snooze(NOW + timedelta(days=31), NOW) == NOW + timedelta(days=31)
    with pytest.raises(ReadwatchError, match="for 31 days at most"):
        checked_snooze(NOW + timedelta(days=32), NOW)
