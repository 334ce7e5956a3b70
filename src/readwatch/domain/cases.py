"""What consultants note about a reader in Attention: whose case it is, until when, and texts."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from readwatch.domain.errors import invalid
from readwatch.domain.text import SafeText, clean

MAX_NOTE_LENGTH = 500

LONGEST_SNOOZE = timedelta(days=31)

HELD_FOR = timedelta(days=1)
"""A case is its consultant's for this long after it was taken or its snooze has ended. Then it is
open again, so that nobody who has gone home keeps a reader from all others."""

_NO_TEXT = SafeText("")


class NoteKind(StrEnum):
    """What a consultant did with a case; all but `note` change it."""

    NOTE = "note"
    TAKEN = "taken"
    RELEASED = "released"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"


class CaseStatus(StrEnum):
    """Whom a case needs: an open one everybody, a due one the consultant who snoozed it."""

    OPEN = "open"
    TAKEN = "taken"
    SNOOZED = "snoozed"
    DUE = "due"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class CaseNote:
    """A note in a case; `until` is the end of a snooze, `reasons` are the keys of the reasons that
    a snoozed or resolved case had, `text` may be empty."""

    id: int
    kind: NoteKind
    author_id: int
    author_name: SafeText
    created_at: datetime
    until: datetime | None = None
    reasons: frozenset[str] = frozenset()
    text: SafeText = _NO_TEXT


@dataclass(frozen=True, slots=True)
class NewCaseNote:
    """A note to add to the case of a reader.

    `after` is the id of the last change that its author has seen, None for none: a change is
    refused if somebody else has changed the case since. `reasons` has the keys of the reasons that
    a snoozed or resolved case has, as its author has seen it; a taken note without any reopens a
    resolved case.
    """

    reader_id: int
    kind: NoteKind
    text: str = ""
    until: datetime | None = None
    after: int | None = None
    reasons: tuple[str, ...] | None = None


def holder_status(change: CaseNote | None, now: datetime) -> CaseStatus:
    """Return whether somebody has a case after its last change: taken, snoozed or due; otherwise
    open."""
    match change:
        case CaseNote(kind=NoteKind.TAKEN) if now < change.created_at + HELD_FOR:
            return CaseStatus.TAKEN
        case CaseNote(kind=NoteKind.SNOOZED, until=datetime() as until):
            if now < until:
                return CaseStatus.SNOOZED
            return CaseStatus.DUE if now < until + HELD_FOR else CaseStatus.OPEN
    return CaseStatus.OPEN


def checked_text(text: str, *, required: bool) -> str:
    """Return the text of a note on one line; refuse a long one and, if `required`, an empty one."""
    checked = " ".join(clean(text, limit=10 * MAX_NOTE_LENGTH).split())
    if required and not checked:
        raise invalid("a note needs a text", field="text")
    if len(checked) > MAX_NOTE_LENGTH:
        raise invalid(
            f"a note has at most {MAX_NOTE_LENGTH} characters; this one has {len(checked)}",
            field="text",
        )
    return checked


def checked_snooze(until: datetime, now: datetime) -> datetime:
    """Return the end of a snooze; refuse one that is too far away."""
    if until - now > LONGEST_SNOOZE:
        raise invalid(f"a case is snoozed for {LONGEST_SNOOZE.days} days at most", field="until")
    return until
