"""Anchors are lines that a person can read, and nothing odd is taken for one."""

from datetime import UTC, datetime

import pytest

from readwatch.domain.audit import GENESIS
from readwatch.domain.audit_chain import Anchor, Head, parsed_anchors
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
