"""Small pictures in text, and the words for states."""

import ast
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from conftest import NOON
from rich.cells import cell_len

from readwatch.domain.presence import Presence
from readwatch.tui.format import columns
from readwatch.tui.format import text as format_text
from readwatch.tui.format.cells import TonedText
from readwatch.tui.views import VIEW_SPECS, online


@pytest.mark.parametrize(
    ("percentage", "bar"),
    [
        (None, ""),
        (0, "┄┄┄┄┄┄   0%"),
        (8, "┄┄┄┄┄┄   8%"),
        (9, "━┄┄┄┄┄   9%"),
        (50, "━━━┄┄┄  50%"),
        (99, "━━━━━━  99%"),
        (100, "━━━━━━ 100%"),
    ],
)
def test_progress_is_a_bar_and_a_number(percentage: int | None, bar: str) -> None:
    cell = format_text.progress_bar(percentage)
    assert cell == (bar and TonedText(bar, None, plain=bar.split()[-1]))


def test_every_progress_is_as_long_as_its_column() -> None:
    cells = [format_text.progress_bar(percentage) for percentage in range(101)]
    lengths = {cell_len(cell.text) for cell in cells if isinstance(cell, TonedText)}
    columns = [
        column.width
        for listing in VIEW_SPECS.values()
        for column in listing.columns
        if column.key == "progress_percentage"
    ]
    assert lengths == set(columns)


def test_every_presence_has_a_mark_of_its_own_and_its_word_and_fits_its_column() -> None:
    cells = [format_text.presence_cell(presence) for presence in Presence]
    texts = [cell.text for cell in cells]
    assert len({text[0] for text in texts}) == len(texts) == len(Presence)
    assert [text[2:] for text in texts] == list(Presence)
    [column] = (it for it in online.SPEC.columns if it.key == "presence")
    assert max(map(cell_len, texts)) <= column.width


@pytest.mark.parametrize(
    ("counts", "width", "line"),
    [
        ([], 5, ""),
        ([0, 0, 0], 5, "▁▁▁"),
        ([1], 5, "▇"),
        ([0, 1, 2, 4, 8], 5, "▁▁▂▄▇"),
        ([9, 0, 7], 2, "▁▇"),
        ([1, 2, 3], 0, ""),
        ([1, 2, 3], -4, ""),
        ([1, 10_000], 2, "▁▇"),
    ],
)
def test_a_sparkline_shows_the_last_counts_against_the_largest(
    counts: list[int], width: int, line: str
) -> None:
    assert format_text.sparkline(counts, width) == line


@pytest.mark.parametrize(
    ("minutes", "words"), [(0, "0 min"), (59, "59 min"), (60, "1 h 00"), (605, "10 h 05")]
)
def test_hours_begin_at_sixty_minutes(minutes: int, words: str) -> None:
    assert format_text.hours_and_minutes(minutes) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, ""), (0, "0 s"), (59, "59 s"), (60, "1:00"), (200, "3:20"), (86_400, "1440:00")],
)
def test_the_length_of_an_activity_is_in_minutes_from_one_minute_on(
    seconds: int | None, words: str
) -> None:
    assert format_text.activity_length(seconds) == words


def test_minutes_are_whole_and_never_negative() -> None:
    assert format_text.whole_minutes(timedelta(seconds=119)) == "1"
    assert format_text.whole_minutes(timedelta(seconds=-90)) == "0"


def test_a_type_of_activity_is_read_as_words() -> None:
    assert format_text.type_in_words("quiz_completed") == "quiz completed"
    assert format_text.type_in_words("") == ""


@pytest.mark.parametrize(
    ("ago", "format"),
    [
        (timedelta(0), "%H:%M"),
        (timedelta(days=1), "%a %H:%M"),
        (timedelta(days=6), "%a %H:%M"),
        (timedelta(days=7), "{day} %b %H:%M"),
        (timedelta(days=-1), "{day} %b %H:%M"),
        (timedelta(days=400), "{day} %b %Y"),
    ],
)
def test_a_time_in_a_table_leaves_out_what_the_rows_have_in_common(
    ago: timedelta, format: str
) -> None:
    here = (NOON - ago).astimezone()
    cell = format_text.time_in_table(NOON - ago, NOON)
    assert cell.text == f"{here:{format.replace('{day}', str(here.day))}}"
    assert cell.plain == f"{here:%Y-%m-%d %H:%M}"


def test_times_are_those_of_the_consultants_own_clock() -> None:
    assert format_text.day_and_time(NOON) == f"{NOON.astimezone():%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("days", "shown"), [(0, "%H:%M:%S"), (1, "%a %H:%M"), (6, "%a %H:%M"), (7, "%d %b")]
)
def test_what_was_not_today_has_its_day(days: int, shown: str) -> None:
    moment = NOON.astimezone() - timedelta(days=days)
    time = format_text.time_in_feed(moment, NOON)
    assert time.text == f"{moment:{shown}}"
    assert time.plain == f"{moment:%Y-%m-%d %H:%M:%S}"


# In ASCII ---------------------------------------------------------------------------------------


def test_every_mark_that_the_console_draws_has_another_of_ascii_as_wide_as_itself() -> None:
    drawn = {
        char
        for file in Path(format_text.__file__).parents[1].rglob("*.py")
        for char in "".join(texts_of(ast.parse(file.read_text(encoding="utf-8"))))
        if not char.isascii() and char not in {"\ufffd", *columns._MODIFIERS}
    }
    assert drawn <= {chr(code) for code in format_text.ASCII}
    for code, mark in format_text.ASCII.items():
        assert mark.isascii()
        assert cell_len(mark) == cell_len(chr(code))


def texts_of(module: ast.Module) -> Iterator[str]:
    named = {
        node.value for node in ast.walk(module) if isinstance(node, ast.Expr)
    }  # docstrings are not drawn
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in named:
            yield node.value


def test_in_ascii_too_states_differ_and_more_is_higher() -> None:
    in_ascii = format_text.DrawableCharacters("utf-8", ascii=True)
    cells = [format_text.presence_cell(presence) for presence in Presence]
    texts = [cell.text.translate(in_ascii) for cell in cells]
    assert len({text[0] for text in texts}) == len(Presence)
    bar = format_text.progress_bar(50)
    assert (bar.text if isinstance(bar, TonedText) else bar).translate(in_ascii) == "===---  50%"
    shades = format_text.SHADES.translate(in_ascii)
    assert len(set(shades)) == len(shades)
    steps = format_text.sparkline(range(7), 7).translate(in_ascii)
    assert len(set(steps)) == len(steps) == 7


@pytest.mark.parametrize(
    ("encoding", "drawn"),
    [
        ("utf-8", "Zoë Łoś 李 ~"),
        ("iso8859-1", "Zoë ?o? ?? ~"),
        ("ascii", "Zo? ?o? ?? ~"),
    ],
)
def test_letters_are_drawn_where_the_encoding_has_them_and_take_their_cells_where_not(
    encoding: str, drawn: str
) -> None:
    assert "Zoë Łoś 李 …".translate(format_text.DrawableCharacters(encoding, ascii=True)) == drawn
