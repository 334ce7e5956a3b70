"""Two readers side by side: figures with bars, the books of both, and minutes a day."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from rich.cells import cell_len
from textual.content import Content

from readwatch.domain.activities import ContentProgress
from readwatch.monitor.snapshots import ReaderSnapshot
from readwatch.tui.format.cells import TONE_STYLES
from readwatch.tui.format.charts import plot
from readwatch.tui.format.columns import cut, fit
from readwatch.tui.format.text import (
    hours_and_minutes,
    how_long_ago,
    presence_cell,
    progress_bar,
)

Two = tuple[ReaderSnapshot, ReaderSnapshot]

_LABELS, _WIDE_LABELS = 16, 34
_WIDE_FROM = 120
_GAP = 3
_LONGEST_BAR = 36
_WITH_TIME_FROM = 32
_FIGURE = 12
_MONTH = 28  # days, as in the bar chart
_MAX_BOOKS = 20


def comparison_lines(readers: Two, now: datetime, width: int) -> list[Content]:
    """Return the comparison in lines of at most `width` cells, a column for each reader."""
    labels = _WIDE_LABELS if width >= _WIDE_FROM else _LABELS
    table = _Table(labels, (width - labels - 2 * _GAP) // 2)
    return [
        *_heading(readers, table),
        *_figures(readers, now, table),
        Content(""),
        *_books(readers, table, width),
        Content(""),
        *_days(readers, table),
    ]


@dataclass(frozen=True, slots=True)
class _Table:
    """The widths of the labels and of the column of each reader."""

    labels: int
    column: int

    def line(self, label: str, cells: Sequence[Content], *, style: str = "dim") -> Content:
        """Return a line with a label and a cell for each reader."""
        parts: list[Content] = [Content.styled(fit(label, self.labels), style)]
        for cell in cells:
            parts += [Content(" " * _GAP), cell + " " * (self.column - cell.cell_length)]
        return Content("").join(parts).rstrip()


def _heading(readers: Two, table: _Table) -> Iterator[Content]:
    names = (cut(reader.user.full_name, table.column) for reader in readers)
    yield table.line("", [Content.styled(name, "bold") for name in names])


def _figures(readers: Two, now: datetime, table: _Table) -> Iterator[Content]:
    """Yield the lines of words, then the figures with bars of one scale in each line."""
    presences = [presence_cell(reader.presence_at(now)) for reader in readers]
    yield table.line("now", [Content.styled(it.text, TONE_STYLES[it.tone]) for it in presences])
    for label, words in (
        ("needs you", ["" if it.case is None else str(it.case) for it in readers]),
        ("level", [it.profile.reading_level or "no level" for it in readers]),
        ("last activity", [how_long_ago(it.profile.last_activity_at, now) for it in readers]),
        ("last login", [how_long_ago(it.profile.last_login, now) for it in readers]),
    ):
        if any(words):
            yield table.line(label, [Content(cut(text, table.column)) for text in words])
    yield Content("")
    for label, minutes in (
        ("today", [_minutes(it, 1) for it in readers]),
        ("seven days", [_minutes(it, 7) for it in readers]),
        ("four weeks", [_minutes(it, _MONTH) for it in readers]),
    ):
        yield table.line(label, _bars(minutes, [*map(hours_and_minutes, minutes)], table))
    for label, numbers in (
        ("days read", [_days_read(it) for it in readers]),
        ("sessions", [it.profile.total_sessions for it in readers]),
        ("titles", [it.profile.unique_content_read for it in readers]),
    ):
        yield table.line(label, _bars(numbers, [*map(str, numbers)], table))


def _minutes(reader: ReaderSnapshot, days: int) -> int:
    return sum(day.minutes for day in reader.days[-days:])


def _days_read(reader: ReaderSnapshot) -> int:
    return sum(1 for day in reader.days[-_MONTH:] if day.minutes)


def _bars(values: Sequence[int], texts: Sequence[str], table: _Table) -> list[Content]:
    most = max((1, *values))
    room = max(0, min(_LONGEST_BAR, table.column - _FIGURE - 1))
    figure = min(_FIGURE, table.column)
    return [
        Content.assemble(
            f"{cut(text, figure):>{figure}} ", ("━" * -(-value * room // most), "$text-accent")
        )
        for value, text in zip(values, texts, strict=True)
    ]


def _days(readers: Two, table: _Table) -> Iterator[Content]:
    """Yield the minutes of each day of four weeks, of both readers by one scale."""
    top = max(day.minutes for reader in readers for day in reader.days[-_MONTH:])
    charts = (plot(reader.days, table.column, least_top=top) for reader in readers)
    for number, cells in enumerate(zip(*charts, strict=True)):
        yield table.line("" if number else "four weeks", cells)


def _books(readers: Two, table: _Table, width: int) -> Iterator[Content]:
    """Yield the progress in each book: those of both readers first, then what was read last."""
    of_each: list[Mapping[str, ContentProgress]] = [
        {book.content_id: book for book in reader.contents} for reader in readers
    ]
    for number, content_id in enumerate(_content_ids(of_each)):
        title = next(books[content_id].content_title for books in of_each if content_id in books)
        label = title or content_id
        if number == 0:
            yield Content.styled("books", "bold")
        if number == _MAX_BOOKS:
            yield Content.styled("… the pages of the readers have more", "dim")
            return
        cells = [_book(books.get(content_id), table.column) for books in of_each]
        if cell_len(label) > table.labels:
            yield Content(cut(label, width))
            label = ""
        yield table.line(label, cells, style="")


def _content_ids(of_each: Sequence[Mapping[str, ContentProgress]]) -> list[str]:
    first, second = of_each
    last_at = {id: book.last_at for books in of_each for id, book in books.items()}
    return sorted(last_at, key=lambda id: (id in first and id in second, last_at[id]), reverse=True)


def _book(book: ContentProgress | None, width: int) -> Content:
    """Return the progress, the time if there is room, and the score of the last quiz."""
    if book is None:
        return Content.styled("·", "dim")
    bar = progress_bar(book.progress_percentage)
    text = bar if isinstance(bar, str) else bar.text
    minutes = book.total_seconds // 60
    time = f"  {hours_and_minutes(minutes)}" if minutes and width >= _WITH_TIME_FROM else ""
    score = "" if book.quiz_score is None else f"  quiz {book.quiz_score:g}"
    style = "$text-error" if book.quiz_passed is False else ""
    return Content.assemble(text, (time, "dim"), (score, style))
