"""Attention: the readers who may need a consultant, and the reasons."""

from datetime import datetime

from readwatch.domain.cases import CaseStatus
from readwatch.domain.clock import ago
from readwatch.monitor.attention import AttentionItem
from readwatch.monitor.snapshots import LiveStats, View
from readwatch.monitor.views import VIEW_OPTIONS
from readwatch.tui.format.case import case_cell, note_cell
from readwatch.tui.format.cells import Row, TonedText
from readwatch.tui.format.columns import Column
from readwatch.tui.format.reasons import RULE_TONES
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
    if item.is_seen:
        return TonedText(f"seen: {words}", "muted")
    return TonedText(words, RULE_TONES[item.case.reasons[0].rule])


def note(stats: LiveStats) -> str:
    """Return why silent readers are not listed, or empty text."""
    stop = stats.arrivals.stop
    if stop is None:
        return ""
    at = f"{stop.since.astimezone():%H:%M}"
    return f"nearly all readers fell silent at once at {at}, so silence is not listed"


SPEC: ViewSpec[AttentionItem] = ViewSpec(
    options=VIEW_OPTIONS[View.ATTENTION],
    columns=(
        Column("reasons", "Why", width=20, flex=2),
        Column("full_name", "Reader", width=12, flex=3),
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
    has_cases=True,
    note=note,
)
