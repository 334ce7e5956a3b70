"""The page of decisions: each entry has a number, a date and a status, is short and is indexed."""

import re
from pathlib import Path

PAGE = (Path(__file__).parents[1] / "docs" / "decisions.md").read_text(encoding="utf-8")
INDEX, *ENTRIES = re.split(r"^## (?=D-)", PAGE, flags=re.MULTILINE)
MOST_WORDS = 90


def anchor(title: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def test_each_entry_has_a_date_a_status_and_at_most_ninety_words() -> None:
    assert ENTRIES
    for entry in ENTRIES:
        title, about, text = entry.split("\n\n", 2)
        assert re.fullmatch(r"2\d{3}-\d\d-\d\d · (accepted|superseded by D-\d{3})", about), title
        assert len(text.split()) <= MOST_WORDS, title


def test_the_index_has_each_entry_once() -> None:
    titles = [entry.partition("\n")[0] for entry in ENTRIES]
    numbers = [title[:5] for title in titles]
    assert numbers == sorted(set(numbers))
    listed = re.findall(r"^- \[(D-\d{3})\]\(#(\S+)\)\s+(.+?)(?=\n- |\n\n)", INDEX, re.M | re.S)
    assert sorted(f"{number} {' '.join(title.split())}" for number, _, title in listed) == titles
    assert {link for _, link, _ in listed} == set(map(anchor, titles))
