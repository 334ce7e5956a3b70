"""The keys of a case: take it, add a note, snooze it until a time, resolve it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from textual.app import App

from readwatch.domain.attention import Case
from readwatch.domain.cases import (
    CaseNote,
    CaseStatus,
    NewCaseNote,
    NoteKind,
    checked_snooze,
    checked_text,
)
from readwatch.domain.clock import Clock
from readwatch.domain.errors import ReadwatchError
from readwatch.domain.text import SafeText
from readwatch.domain.typed_times import coming_time
from readwatch.monitor.connections import NotLogged
from readwatch.monitor.worker import Worker
from readwatch.store.case_notes import CaseChanged
from readwatch.tui.format.columns import cut
from readwatch.tui.messages import when_done
from readwatch.tui.screens.case_form import CaseForm

_LONGEST_NAME = 24  # cells, so that two names fit the title of a form


@dataclass(frozen=True, slots=True)
class CaseSubject:
    """A reader, and the reader's case as the consultant sees it; None for a reader without one."""

    reader_id: int
    full_name: SafeText
    case: Case | None


class Casework:
    """Asks for what a note needs, and passes the note to the worker."""

    def __init__(self, app: App[None], worker: Worker, clock: Clock) -> None:
        self._app = app
        self._worker = worker
        self._clock = clock

    def change(
        self,
        subject: CaseSubject,
        kind: NoteKind,
        consultant_id: int,
        done: Callable[[], object],
    ) -> None:
        """Add a note of a kind; a consultant who takes a case of their own releases it, unless it
        is due. `done` is called after the note is saved."""
        case, now = subject.case, self._clock()
        holder = None if case is None else _holder(case, now)
        is_own = holder is not None and holder.author_id == consultant_id
        if kind is NoteKind.TAKEN and (holder is None or is_own):
            is_due = case is not None and case.is_due_to(consultant_id, now)
            releases = is_own and not is_due
            self._add(_new_note(subject, NoteKind.RELEASED if releases else kind, now), done)
        else:
            self._ask(subject, kind, None if is_own else holder, done)

    def _add(self, note: NewCaseNote, done: Callable[[], object]) -> None:
        def report(error: ReadwatchError) -> None:
            self._app.notify(_reason(error), severity="error", markup=False)

        added = self._worker.add_note(note, self._worker.file_id)
        when_done(self._app, added, lambda _: done(), report)

    def _ask(
        self,
        subject: CaseSubject,
        kind: NoteKind,
        holder: CaseNote | None,
        done: Callable[[], object],
    ) -> None:
        """Ask for a note; the title names another consultant who has the case."""
        note = _new_note(subject, kind, self._clock())
        submission = _Submission(self._app, self._worker, self._clock, note, done)
        form = CaseForm(
            _title(subject, kind, holder),
            submission,
            describe_end=submission.describe_end if kind is NoteKind.SNOOZED else None,
            is_text_required=kind is NoteKind.NOTE,
        )
        self._app.push_screen(form)


class _Submission:
    """Saves the note of a form, each time that it is submitted, until it is saved."""

    def __init__(
        self,
        app: App[None],
        worker: Worker,
        clock: Clock,
        note: NewCaseNote,
        done: Callable[[], object],
    ) -> None:
        self._app = app
        self._worker = worker
        self._clock = clock
        self._note = note
        self._file_id = worker.file_id  # in which the reader has this id
        self._done = done
        self._described: tuple[str, datetime] | None = None  # the end that the form shows

    def describe_end(self, typed: str) -> str:
        """Return the end of a snooze in words, or why there is none."""
        try:
            until = self._end_of(typed)
        except ReadwatchError as error:
            return error.message
        self._described = typed, until
        return f"until {until.astimezone():%a %d %b %H:%M}"

    def _end_of(self, typed: str) -> datetime:
        now = self._clock()
        return checked_snooze(coming_time(typed, now), now)

    def _shown_end(self, typed: str) -> datetime:
        """Return the end that the form shows for what is typed, unless it is over meanwhile."""
        if self._described is not None and self._described[0] == typed:
            until = self._described[1]
            if until > self._clock():
                return until
        return self._end_of(typed)

    def __call__(self, form: CaseForm, end: str, text: str) -> None:
        kind = self._note.kind
        try:
            text = checked_text(text, required=kind is NoteKind.NOTE)
            until = self._shown_end(end) if kind is NoteKind.SNOOZED else None
        except ReadwatchError as error:
            form.refuse(error.message)
            return
        note = replace(self._note, text=text, until=until)
        added = self._worker.add_note(note, self._file_id)
        when_done(self._app, added, partial(self._close, form), partial(self._refuse, form))

    def _close(self, form: CaseForm, _: None) -> None:
        form.finish()
        self._done()

    def _refuse(self, form: CaseForm, error: ReadwatchError) -> None:
        """Show why nothing was saved; a case that has changed is changed by another `enter`."""
        if isinstance(error, CaseChanged):
            self._note = replace(self._note, after=error.change_id)
            form.refuse(f"{error.message}; enter saves yours all the same")
        else:
            form.refuse(_reason(error))


def _holder(case: Case, now: datetime) -> CaseNote | None:
    """Return the last change if somebody has the case."""
    is_held = case.status_at(now) in {CaseStatus.TAKEN, CaseStatus.SNOOZED, CaseStatus.DUE}
    return case.change if is_held else None


def _title(subject: CaseSubject, kind: NoteKind, holder: CaseNote | None) -> str:
    name = cut(subject.full_name, _LONGEST_NAME)
    if holder is not None and kind is NoteKind.TAKEN:
        return f"Take over {name} from {cut(holder.author_name, _LONGEST_NAME)}"
    whose = "" if holder is None else f", a case of {cut(holder.author_name, _LONGEST_NAME)}"
    titles = {
        NoteKind.NOTE: f"Note about {name}",
        NoteKind.SNOOZED: f"Snooze {name}{whose}",
        NoteKind.RESOLVED: f"Resolve {name}{whose}",
    }
    return titles[kind]


def _new_note(subject: CaseSubject, kind: NoteKind, now: datetime) -> NewCaseNote:
    """Return a note without a text; one that takes a resolved case reopens it."""
    case = subject.case
    if case is None:
        return NewCaseNote(subject.reader_id, kind)
    reasons: tuple[str, ...] | None = None
    if kind in {NoteKind.SNOOZED, NoteKind.RESOLVED}:
        reasons = case.reason_keys
    elif kind is NoteKind.TAKEN and case.status_at(now) is CaseStatus.RESOLVED:
        reasons = ()
    after = None if case.change is None else case.change.id
    return NewCaseNote(subject.reader_id, kind, after=after, reasons=reasons)


def _reason(error: ReadwatchError) -> str:
    return f"the note {error.message}" if isinstance(error, NotLogged) else error.message
