"""Attention: who may need a consultant, and why."""

from collections.abc import Sequence
from datetime import datetime

from readwatch.domain.attention import DEFAULT_THRESHOLDS, Rule
from readwatch.domain.clock import ago
from readwatch.monitor.attention import Attention, AttentionItem
from readwatch.store.engine.connections import Database
from readwatch.store.lists.attention import FIELDS
from readwatch.store.lists.query import ListQuery, ResultIds
from readwatch.tui.format.cells import Row, Tone, Toned
from readwatch.tui.format.columns import Column
from readwatch.tui.format.text import presence_cell, progress_bar
from readwatch.tui.views.spec import Sort, ViewSpec

_TONES: dict[Rule, Tone] = {
    Rule.FAILED_QUIZ: "bad",
    Rule.SILENT: "warn",
    Rule.IDLE: "warn",
    Rule.CAME_BACK: "accent",
    Rule.NO_PROGRESS: "muted",
}


def row(noticed: AttentionItem, now: datetime) -> Row:
    """Return a reader's row."""
    case, about = noticed.case, noticed.about
    why = Toned(str(case), _TONES[case.reasons[0].rule])
    return Row(
        about.user_id,
        (
            Toned(f"seen: {case}", "muted") if noticed.is_seen else why,
            noticed.full_name,
            about.content_title,
            progress_bar(about.progress_percentage),
            ago(case.since, now),
            presence_cell(about.presence_at(now)),
            about.reading_level,
        ),
        about.user_id,
    )


def record(noticed: AttentionItem, now: datetime) -> dict[str, object]:
    """Return what a program is told of a reader."""
    case, about = noticed.case, noticed.about
    return {
        "user_id": noticed.user_id,
        "full_name": noticed.full_name,
        "reasons": [
            {"rule": reason.rule, "since": reason.since, "words": str(reason)}
            for reason in case.reasons
        ],
        "since": case.since,
        "content_title": about.content_title,
        "progress_percentage": about.progress_percentage,
        "presence": about.presence_at(now),
        "reading_level": about.reading_level,
    }


def _order_at_once(db: Database, question: ListQuery, now: datetime) -> ResultIds:
    return _noticed(db, now).ids(db, question, now)


def _items_at_once(db: Database, ids: Sequence[int], now: datetime) -> tuple[AttentionItem, ...]:
    return _noticed(db, now).items(db, ids, now)


def _noticed(db: Database, now: datetime) -> Attention:
    """Look once, where nothing is remembered from one picture to the next."""
    attention = Attention(DEFAULT_THRESHOLDS)
    attention.refresh(db, now)
    return attention


LISTING: ViewSpec[AttentionItem] = ViewSpec(
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
    sorts=(
        Sort("reasons"),
        Sort("since", newest_first=True),
        Sort("full_name"),
        Sort("content_title"),
        Sort("progress_percentage"),
        Sort("reading_level"),
    ),
    fields=FIELDS,
    empty="nobody needs a consultant now",
    order=_order_at_once,
    items=_items_at_once,
    marks=True,
    record=record,
)
