"""Anchors are lines that a person can read, and nothing odd is taken for one."""

from datetime import UTC, datetime

import pytest

from readwatch.domain.audit import GENESIS
from readwatch.domain.audit_chain import Anchor, Gap, Head, parsed_anchors, without_lost
from readwatch.domain.errors import ReadwatchError

ANCHOR = Anchor(datetime(2026, 11, 22, 12, 0, tzinfo=UTC), Head(12, 14, "a" * 64))
LINE = f"2026-11-22T12:00:00+00:00 12 14 {'a' * 64}\n"


def test_an_anchor_is_a_line_and_comes_back_from_it():
    assert ANCHOR.line == LINE
    empty = Anchor(ANCHOR.anchored_at, Head(0, 0, GENESIS))
    assert parsed_anchors(LINE + empty.line) == (ANCHOR, empty)
    assert parsed_anchors("") == ()


@pytest.mark.parametrize(
    "odd",
    [
        "\n",
        LINE.rstrip("\n"),
        LINE.replace("\n", "\r\n"),
        LINE[:40] + LINE,
        LINE.replace("+00:00", ""),
        LINE.replace("11-22", "13-22"),
        LINE.replace(" 12 ", " -12 "),
        LINE.replace("a\n", "\n"),
        LINE.replace("a\n", "A\n"),
        f" {LINE}",
    ],
)
def test_an_odd_line_is_named(odd):
    with pytest.raises(ReadwatchError) as refusal:
        parsed_anchors(LINE + odd)
    assert refusal.value.message.startswith("line 2 is not an anchor")


# Restores ---------------------------------------------------------------------------------------

AT = datetime(2026, 11, 29, 3, 0, tzinfo=UTC)


def head(entries: int, digit: str) -> Head:
    return Head(entries, entries, digit * 64)


def test_a_restore_ends_the_anchors_of_lost_entries_and_no_others() -> None:
    kept, lost, restored, later = head(2, "a"), head(5, "b"), head(3, "c"), head(4, "d")
    anchors = [
        Anchor(AT, kept),
        Anchor(AT, lost),
        Anchor(AT, restored, is_of_restore=True),
        Anchor(AT, later),
    ]
    left = without_lost(anchors, [Gap(AT, restored, 5)], {kept, restored, later}.__contains__)
    assert [anchor.head for anchor in left] == [kept, restored, later]


@pytest.mark.parametrize(
    ("is_of_restore", "gaps"), [(False, [Gap(AT, head(3, "c"), 5)]), (True, [])]
)
def test_without_its_mark_or_its_entry_a_restore_ends_no_anchor(
    is_of_restore: bool, gaps: list[Gap]
) -> None:
    anchors = [Anchor(AT, head(5, "b")), Anchor(AT, head(3, "c"), is_of_restore)]
    assert without_lost(anchors, gaps, {head(3, "c")}.__contains__) == tuple(anchors)


@pytest.mark.parametrize("has_anchor_of_cut", [True, False])
def test_a_restore_whose_entry_was_cut_ends_anchors_if_the_cut_has_its_anchor(
    has_anchor_of_cut: bool,
) -> None:
    cut, later = head(8, "e"), head(12, "f")
    anchors = (
        Anchor(AT, lost := head(9, "b")),
        Anchor(AT, head(6, "c"), is_of_restore=True),
        Anchor(AT, cut, is_of_cut=has_anchor_of_cut),
        Anchor(AT, later),
    )
    left = [anchor.head for anchor in without_lost(anchors, (), {cut, later}.__contains__, cut)]
    assert (lost not in left) == has_anchor_of_cut
    assert {cut, later} <= {*left}


def test_the_mark_of_a_cut_is_written_and_read() -> None:
    anchor = Anchor(AT, head(3, "c"), is_of_cut=True)
    assert anchor.line.endswith(f"{'c' * 64} cut\n")
    assert parsed_anchors(anchor.line) == (anchor,)


@pytest.mark.parametrize(
    ("replaced", "words"),
    [(7, "4 entries are"), (4, "1 entry is"), (3, "0 entries are"), (2, "an unknown number")],
)
def test_a_gap_says_how_many_entries_are_missing(replaced: int, words: str) -> None:
    assert Gap(AT, head(4, "c"), replaced).sentence.startswith(words)


def test_the_mark_of_a_restore_is_written_and_read() -> None:
    anchor = Anchor(AT, head(3, "c"), is_of_restore=True)
    assert anchor.line.endswith(f"{'c' * 64} restored\n")
    assert parsed_anchors(anchor.line) == (anchor,)
