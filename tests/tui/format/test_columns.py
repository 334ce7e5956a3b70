"""Columns stand where the width allows, and a text is as wide as its column."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from readwatch.tui.format.columns import Align, Column, cut, fit, place_columns, with_stable_width

NAME = Column("name", "Reader", 10, flex=1)
TITLE = Column("title", "Reading", 10, flex=3)
SEEN = Column("seen", "Seen", 6, align="right")
DEVICE = Column("device", "Device", 8, from_width=100)

WIDE = "日本語の名前"
FAMILY = "👩\u200d👩\u200d👧"
ACCENT = "e\u0301"


def spots(columns: tuple[Column, ...], width: int) -> list[tuple[str, int, int]]:
    return [(spot.column.key, spot.x, spot.width) for spot in place_columns(columns, width)]


def test_columns_leave_room_for_the_sign_of_the_line_and_for_the_scrollbar() -> None:
    assert spots((Column("name", "Reader", flex=1),), 80) == [("name", 2, 76)]


def test_what_is_left_is_shared_by_weight_to_the_last_cell() -> None:
    assert spots((NAME, SEEN, TITLE), 45) == [("name", 2, 12), ("seen", 16, 6), ("title", 24, 19)]


def test_a_column_is_shown_from_its_width_on_and_keeps_its_cell_of_the_row() -> None:
    columns = (NAME, DEVICE, SEEN)
    assert [spot.index for spot in place_columns(columns, 99)] == [0, 2]
    assert [spot.index for spot in place_columns(columns, 100)] == [0, 1, 2]


def test_where_the_least_widths_do_not_fit_the_last_columns_give_way() -> None:
    assert spots((NAME, TITLE, SEEN), 24) == [("name", 2, 10), ("title", 14, 8)]
    assert spots((NAME, TITLE, SEEN), 3) == []


@pytest.mark.parametrize(
    "text",
    [
        "Anna",
        "",
        WIDE,
        FAMILY,
        ACCENT * 9,
        "🇩🇪 👍🏽 ❤\ufe0f 1\ufe0f\u20e3",
        "a\tb\nc\x1b[31m",
        "\u202eevil",
    ],
)
@pytest.mark.parametrize("width", range(12))
@pytest.mark.parametrize("align", ["left", "right", "center"])
def test_a_text_takes_exactly_the_cells_of_its_column(text: str, width: int, align: Align) -> None:
    assert cell_len(fit(text, width, align)) == width


@given(
    text=st.text(st.characters(codec=None, exclude_categories=()))
    | st.text(st.sampled_from(f"ab{WIDE}{FAMILY}{ACCENT}🇩🇪🏽\ufe0f\u20e3\t\n\x1b\x9b\u202e…")),
    width=st.integers(0, 30),
    align=st.sampled_from(["left", "right", "center"]),
)
def test_so_does_any_text_and_what_is_left_of_it_is_its_beginning(
    text: str, width: int, align: Align
) -> None:
    fitted, shown = fit(text, width, align), cut(text, width)
    assert cell_len(fitted) == width
    assert fitted.isprintable()
    assert shown.strip() == fitted.strip()
    assert with_stable_width(text).startswith(shown.removesuffix("…"))
    assert cut(shown, width) == shown


def test_a_text_is_cut_with_an_ellipsis_only_where_it_does_not_fit() -> None:
    assert cut("Der Zauberberg", 14) == "Der Zauberberg"
    assert cut("Der Zauberberg", 13) == "Der Zauberbe…"
    assert cut("Der Zauberberg", 5) == "Der…"


def test_a_wide_character_is_never_cut_in_half() -> None:
    assert cut(WIDE, 5) == "日本…"
    assert cut(WIDE, 4) == "日…"


def test_an_accent_stays_with_its_letter() -> None:
    assert cut(ACCENT * 5, 3) == ACCENT * 2 + "…"


def test_an_emoji_is_shown_in_parts_that_are_as_wide_in_every_terminal() -> None:
    assert cut(FAMILY, 10) == "👩👩👧"
    assert cut("👍🏽 🇩🇪", 10) == "👍 DE"


def test_what_would_move_the_terminals_cursor_is_a_space() -> None:
    assert cut("a\tb\nc\x9bd", 10) == "a b c d"
