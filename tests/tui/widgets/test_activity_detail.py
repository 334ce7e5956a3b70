"""An activity's metadata, as lines that can be read."""

import json
from unicodedata import category

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from readwatch.domain.activities import canonical_json
from readwatch.domain.text import SafeText, clean
from readwatch.tui.widgets.activity_detail import metadata_lines

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


def test_metadata_is_indented_and_broken_where_a_line_is_full() -> None:
    told = {"note": "a long word about the quiz of today", "quiz": {"answers": [1, 2]}}
    assert list(metadata_lines(SafeText(json.dumps(told)), 24)) == [
        "{",
        '  "note": "a long word',
        "      about the quiz of",
        '      today",',
        '  "quiz": {',
        '    "answers": [',
        "      1,",
        "      2",
        "    ]",
        "  }",
        "}",
    ]


@pytest.mark.parametrize(
    ("kept", "shown"),
    [
        ("no JSON [/] {", ["no JSON [/] {"]),
        ('{"a":"cut off…', ['{"a":"cut off…']),
        ("[" * 100_000, None),
        ("[1,[2,[]]]", ["[", "  1,", "  [", "    2,", "    []", "  ]", "]"]),
        (r'{"a":"\u001b[2J\u009b\u202e\ud800"}', ["{", '  "a": "\\u001b[2J\ufffd"', "}"]),
        (r'"[@click=app.quit]x[/]\n\u0000"', [r'"[@click=app.quit]x[/]\n\u0000"']),
    ],
)
def test_what_is_no_json_stays_as_it_is_and_escapes_bring_nothing_to_life(
    kept: str, shown: list[str] | None
) -> None:
    lines = list(metadata_lines(SafeText(kept), 60))
    assert shown is None or lines == shown


@settings(max_examples=40)
@given(st.dictionaries(st.text(), JSON), st.integers(4, 100))
def test_whatever_an_app_tells_is_text_and_fits(told: dict[str, object], width: int) -> None:
    for line in metadata_lines(clean(canonical_json(told), limit=16_384), width):
        assert cell_len(line) <= width
        assert not {category(character) for character in line} & {"Cc", "Cs", "Zl", "Zp"}
