"""Metadata in words."""

import json
from typing import Any

import pytest

from readwatch.domain.activities import canonical_json
from readwatch.domain.text import clean
from readwatch.tui.format.metadata import metadata_in_words


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, ""),
        (
            {"page": 144, "chapter": 36, "attempt": 2, "passed": False, "score": 30},
            "score 30 · not passed · 2nd try · chapter 36 · page 144",
        ),
        ({"score": 72.5, "passed": True, "attempt": 1}, "score 72.5 · passed · 1st try"),
        ({"words": 210, "chapter": 5}, "chapter 5 · words 210"),
        ({"readingSpeed": "slow", "is_final": True}, "is final · reading speed slow"),
        ({"is_final": False, "nothing": None}, "is final: no"),
        ({"note": "Look this word up."}, '"Look this word up."'),
        ({"answers": [1, 2], "device": {"os": "a"}}, "answers: 2 items · device: 1 value"),
        ({"attempt": "second", "passed": "no", "note": 7}, "passed no · attempt second · note 7"),
        ({"attempt": True}, "attempt"),
        ({"attempt": 0}, "attempt 0"),
    ],
)
def test_values_are_words_and_what_consultants_look_for_comes_first(
    values: dict[str, Any], words: str
) -> None:
    assert metadata_in_words(clean(canonical_json(values))) == words


@pytest.mark.parametrize("text", ["", "no JSON", "[1, 2]", "7", "[" * 100_000])
def test_another_text_stays_as_it_is(text: str) -> None:
    assert metadata_in_words(clean(text, limit=200_000)) == text


def test_no_escape_of_json_gets_to_the_terminal() -> None:
    words = metadata_in_words(clean(json.dumps({"note": "a\x1b[2Jb\u202e", "\x07": 1})))
    assert words == '"a\u241b[2Jb" · \u2407 1'
