"""A case as short text: who has it, until when it is snoozed, and the notes about it."""

from datetime import datetime

from readwatch.domain.attention import Case
from readwatch.domain.cases import CaseNote, CaseStatus, NoteKind
from readwatch.tui.format.cells import Cell, Row, TonedText
from readwatch.tui.format.columns import Column
from readwatch.tui.format.text import short_time

NOTE_COLUMNS = (
    Column("created_at", "When", width=16),
    Column("author", "Consultant", width=10, flex=1),
    Column("note", "Note", width=16, flex=4),
)

_DID = {
    NoteKind.NOTE: "",
    NoteKind.TAKEN: "took the case",
    NoteKind.RELEASED: "released the case",
    NoteKind.SNOOZED: "snoozed until",
    NoteKind.RESOLVED: "resolved the case",
}


def case_cell(case: Case, now: datetime) -> Cell:
    """Return whose case it is and, if it is snoozed, until when; empty for an open case."""
    note = case.note_at(now)
    if note is None:
        return ""
    name = note.author_name
    match case.status_at(now):
        case CaseStatus.SNOOZED if note.until is not None:
            end = short_time(note.until, now)
            return TonedText(f"{end} {name}", "muted", plain=f"snoozed until {end}, {name}")
        case CaseStatus.DUE:
            return TonedText(f"due: {name}", "warn")
        case CaseStatus.RESOLVED:
            return TonedText(name, "muted")
    return TonedText(name, "accent")


def note_cell(note: CaseNote | None, now: datetime) -> Cell:
    """Return the text of a note with its author and time."""
    if note is None:
        return ""
    return f"{note.text} ({note.author_name}, {short_time(note.created_at, now)})"


def note_row(note: CaseNote, now: datetime) -> Row:
    """Return the row of a note on a reader's page."""
    return Row(note.id, (short_time(note.created_at, now), note.author_name, _words(note, now)))


def case_line(case: Case | None, now: datetime) -> str:
    """Return in a sentence who has a case, empty for an open one."""
    note = None if case is None else case.note_at(now)
    if case is None or note is None:
        return ""
    name, since = note.author_name, short_time(note.created_at, now)
    end = "" if note.until is None else short_time(note.until, now)
    match case.status_at(now):
        case CaseStatus.TAKEN:
            return f"{name} has this case since {since}"
        case CaseStatus.SNOOZED:
            return f"{name} has snoozed this case until {end}"
        case CaseStatus.DUE:
            return f"{name} had snoozed this case until {end}"
        case CaseStatus.RESOLVED:
            return f"{name} has resolved this case, {since}"
    return ""


def _words(note: CaseNote, now: datetime) -> str:
    did = _DID[note.kind]
    if note.until is not None:
        did = f"{did} {short_time(note.until, now)}"
    return ": ".join(part for part in (did, note.text) if part)
