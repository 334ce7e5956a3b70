"""What readers and apps write, made safe for a consultant's terminal."""

from unicodedata import category

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from readwatch.domain.text import (
    MAX_LENGTH,
    MAX_MARKS_IN_A_ROW,
    clean,
    initials,
    spreadsheet_cell,
)

ACUTE = "\u0301"
ZWJ, ZWNJ = "\u200d", "\u200c"

any_text = st.text(st.characters(codec=None, exclude_categories=()))
hostile_text = st.text(
    st.sampled_from(
        "\x1b[]0;J\x07\x9b\0\r\u202e\u2066\ud83d\ufeff\U000e0041"
        f"{ACUTE}\u0334\u20dd\ufe0f{ZWJ}{ZWNJ}a\u0633👩…"
    )
)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "␛[31mred␛[0m"),
        ("\x1b]0;a new title\x07", "␛]0;a new title␇"),
        ("\x1b]52;c;c3VkbyBybQ==\x1b\\", "␛]52;c;c3VkbyBybQ==␛\\"),
        ("\x9b31mC1", "31mC1"),
        ("\x90device control\x9c", "device control"),
        ("end\0of text", "end␀of text"),
        ("rub\x7fout\b\b", "rub␡out␈␈"),
        ("two\r\nlines\tand\vmore\u2028and\u2029more\x85", "two  lines and more and more "),
        ("exe.\u202egpj.harmless", "exe.gpj.harmless"),
        ("\u202a\u202b\u202c\u202d\u2066\u2067\u2068\u2069\u200e\u200f\u061c", ""),
        ("in\ufeffvisi\u00adble\u200b\u2060", "invisible"),
        ("\U000e0001\U000e0041", ""),
        ("half an emoji \ud83d", "half an emoji \ufffd"),
        ("\ue000 private, \U0010fffd too", "\ufffd private, \ufffd too"),
    ],
)
def test_characters_that_act_on_a_terminal_are_shown_as_symbols_or_dropped(written, shown):
    assert clean(written) == shown


@pytest.mark.parametrize(
    "written",
    [
        "",
        "The Hobbit, or There and Back Again",
        "[bold]not markup[/]",
        "naïve café",
        "cafe\u0301",
        "می\u200cخواهم",  # noqa: RUF001 - Persian
        "क्\u200dष",
        "👩\u200d👩\u200d👧\u200d👦 ❤\ufe0f 🇦🇹",
        "שָׁלוֹם",
        "Thanh Hóa, 東京, 서울",
        "ก็ที่นี่",
    ],
)
def test_what_people_really_write_stays_as_it_is(written):
    assert clean(written) == written


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        (42, "42"),
        ("café".encode(), "café"),
        (b"\x1b[2J\xff", "␛[2J\ufffd"),
        (b"", ""),
    ],
)
def test_any_value_becomes_text(value, shown):
    assert clean(value) == shown


@pytest.mark.parametrize(
    "pile",
    [ACUTE * 200, "\u20dd" * 200, (ACUTE * 4 + ZWJ) * 40, (ZWNJ + "\u0334") * 80],
    ids=["marks", "enclosing marks", "marks and joiners", "joiners and marks"],
)
def test_a_pile_of_marks_is_cut_down_so_that_it_covers_no_other_line(pile):
    shown = clean(f"Z{pile}algo{ACUTE}")
    assert sum(category(character) in {"Mn", "Me"} for character in shown) == MAX_MARKS_IN_A_ROW + 1
    assert shown.endswith(f"algo{ACUTE}")


def test_text_over_the_limit_ends_with_an_ellipsis():
    assert clean("x" * MAX_LENGTH) == "x" * MAX_LENGTH
    assert clean("x" * (MAX_LENGTH + 1)) == "x" * (MAX_LENGTH - 1) + "…"
    assert clean("Anna Karenina", limit=5) == "Anna…"


def test_text_that_shrinks_when_it_is_cleaned_still_shows_that_it_was_cut():
    assert clean("\u202e" * 1_000_000 + "x", limit=10) == "…"


@given(text=any_text | hostile_text, limit=st.integers(1, 40) | st.just(MAX_LENGTH))
@example(text="a" + ACUTE * 9, limit=6)
@example(text="\u202e" * 9, limit=2)
def test_nothing_unsafe_or_overlong_is_left_of_any_text(text, limit):
    shown = clean(text, limit=limit)
    assert len(shown) <= limit
    assert not {category(character) for character in shown} & {"Cc", "Cs", "Co", "Zl", "Zp"}
    assert {character for character in shown if category(character) == "Cf"} <= {ZWJ, ZWNJ}
    assert clean(shown, limit=limit) == shown


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=MAX_LENGTH))
def test_plain_ascii_is_not_touched(text):
    assert clean(text) == text


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", " =1+1", "\uff1d1"])
def test_no_spreadsheet_takes_a_text_for_a_formula(text):
    assert spreadsheet_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", " ", "Ann Archer", "10.0.0.7", "a=1", "'quoted"])
def test_any_other_text_stays_as_it_is_in_a_spreadsheet(text):
    assert spreadsheet_cell(text) == text


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Ann Archer", "A. A."),
        ("  ann   (the) archer ", "a. t. a."),
        ("王小明", "王."),
        ("a b c d e f", "a. b. c. d."),
        ("- ☂", "?"),
        ("", "?"),
    ],
)
def test_initials_tell_no_more_than_the_first_letters(name: str, shown: str) -> None:
    assert initials(name) == shown
