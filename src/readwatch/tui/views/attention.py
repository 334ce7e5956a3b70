"""Attention: the readers who may need a consultant, and the reasons."""

from collections.abc import Iterator
from datetime import datetime

from textual.content import Content

from readwatch.domain.cases import CaseStatus
from readwatch.domain.clock import ago
from readwatch.monitor.attention import AttentionItem
from readwatch.monitor.snapshots import View, ViewSnapshot
from readwatch.monitor.views import VIEW_OPTIONS
from readwatch.tui.format.case import case_cell, case_line, note_cell
from readwatch.tui.format.cells import Row, TonedText
from readwatch.tui.format.columns import Column
from readwatch.tui.format.preview import facts, hint, progress, title
from readwatch.tui.format.reasons import RULE_TONES, reason_in_words
from readwatch.tui.format.text import presence_cell, progress_bar
from readwatch.tui.views.spec import ViewSpec


def row(item: AttentionItem, now: datetime) -> Row:
    """Return the row of a reader."""
    case, reader = item.case, item.reader
    return Row(
        reader.user_id,
        (
            _why(item),
            item.full_name,
            reader.group,
            case_cell(case, now),
            reader.content_title,
            progress_bar(reader.progress_percentage),
            ago(case.since, now),
            presence_cell(reader.presence_at(now)),
            reader.reading_level,
            note_cell(item.last_note, now),
        ),
        reader.user_id,
    )


def _why(item: AttentionItem) -> TonedText:
    """Return the reasons, muted for a case that needs nobody now."""
    words = str(item.case)
    if item.status in {CaseStatus.SNOOZED, CaseStatus.RESOLVED}:
        return TonedText(f"{item.status}: {words}", "muted")
    if item.is_muted and item.status is not CaseStatus.DUE:
        return TonedText(f"muted: {words}", "muted")
    if item.is_seen:
        return TonedText(f"seen: {words}", "muted")
    return TonedText(words, RULE_TONES[item.case.reasons[0].rule])


def preview(item: AttentionItem, now: datetime) -> Iterator[Content]:
    """Yield the lines about a case: all reasons in words, whose it is, and the last note."""
    reader, case = item.reader, item.case
    yield title(item.full_name, reader.group)
    level = f"level {reader.reading_level}" if reader.reading_level else ""
    yield facts(presence_cell(reader.presence_at(now)), level)
    yield Content("")
    for reason in case.reasons:
        yield facts(TonedText(reason_in_words(reason, now), RULE_TONES[reason.rule]))
    yield Content("")
    if reader.content_title:
        yield facts(reader.content_title)
        yield progress(reader.progress_percentage)
        yield Content("")
    whose = case_line(case, now)
    yield facts(TonedText(whose, "accent")) if whose else hint("nobody has this case")
    if item.last_note is not None:
        yield facts(note_cell(item.last_note, now))
    yield Content("")
    yield hint("enter opens the page, which is logged")


def note(snapshot: ViewSnapshot) -> str:
    """Return which rules are muted, and why silent readers are not listed, or empty text."""
    stats = snapshot.stats
    stop = stats.arrivals.stop
    notes = [f"muted today: {', '.join(sorted(stats.muted))}"] if stats.muted else []
    if stop is not None:
        at = f"{stop.since.astimezone():%H:%M}"
        notes += [f"nearly all readers fell silent at once at {at}, so silence is not listed"]
    return "; ".join(notes)


SPEC: ViewSpec[AttentionItem] = ViewSpec(
    options=VIEW_OPTIONS[View.ATTENTION],
    columns=(
        Column("reasons", "Why", width=20, flex=2),
        Column("full_name", "Reader", width=12, flex=3),
        Column("group", "Group", width=10, from_width=97),
        Column("case", "Case", width=12, flex=2, about="whose case it is"),
        Column("content_title", "Reading", width=10, flex=4),
        Column("progress_percentage", "Progress", width=11, from_width=110),
        Column("since", "Since", width=7, align="right"),
        Column("presence", "State", width=9, from_width=96),
        Column("reading_level", "Level", width=7, from_width=120),
        Column("note", "Note", width=16, flex=5, from_width=140, about="the last note"),
    ),
    row=row,
    empty="nobody needs a consultant now",
    preview=preview,
    has_cases=True,
    note=note,
)
