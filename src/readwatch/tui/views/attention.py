"""Attention: the readers who may need a consultant, and the reasons."""

from datetime import datetime

from readwatch.domain.attention import Rule
from readwatch.domain.clock import ago
from readwatch.monitor.attention import AttentionItem
from readwatch.monitor.snapshots import LiveStats, View
from readwatch.monitor.views import VIEW_OPTIONS
from readwatch.tui.format.cells import Row, Tone, TonedText
from readwatch.tui.format.columns import Column
from readwatch.tui.format.text import presence_cell, progress_bar
from readwatch.tui.views.spec import ViewSpec

_TONES: dict[Rule, Tone] = {
    Rule.FAILED_QUIZ: "bad",
    Rule.SILENT: "warn",
    Rule.IDLE: "warn",
    Rule.CAME_BACK: "accent",
    Rule.NO_PROGRESS: "muted",
}


def row(item: AttentionItem, now: datetime) -> Row:
    """Return the row of a reader."""
    case, reader = item.case, item.reader
    why = TonedText(str(case), _TONES[case.reasons[0].rule])
    return Row(
        reader.user_id,
        (
            TonedText(f"seen: {case}", "muted") if item.is_seen else why,
            item.full_name,
            reader.content_title,
            progress_bar(reader.progress_percentage),
            ago(case.since, now),
            presence_cell(reader.presence_at(now)),
            reader.reading_level,
        ),
        reader.user_id,
    )


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
        Column("reasons", "Why", width=24, flex=1),
        Column("full_name", "Reader", width=12, flex=3),
        Column("content_title", "Reading", width=10, flex=4),
        Column("progress_percentage", "Progress", width=11, from_width=96),
        Column("since", "Since", width=7, align="right"),
        Column("presence", "State", width=9),
        Column("reading_level", "Level", width=7, from_width=120),
    ),
    row=row,
    empty="nobody needs a consultant now",
    can_mark_seen=True,
    note=note,
)
