"""The page for consultants: its examples are understood, and it names what there is."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from readwatch.domain.filters import canonical, full_names, parse
from readwatch.store.audit.scope import ALL_READERS
from readwatch.store.engine.connections import Database
from readwatch.store.lists import access_log, attention, feed, online, readers
from readwatch.store.lists.filter_sql import condition

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "console.md").read_text(encoding="utf-8")
FILTER = PAGE.partition("## Finding readers: the filter")[2].partition("\n## ")[0]
NAMES = PAGE.partition("| list | columns by name |")[2].partition("\n\n")[0]
EXAMPLE = re.compile(r"^\| `([^…]*?)` \| .* \|$", re.MULTILINE)
FIELDS = {
    "Online": online.FILTERABLE_FIELDS,
    "Activity": feed.FILTERABLE_FIELDS,
    "Readers": readers.FILTERABLE_FIELDS,
    "Attention": attention.FILTERABLE_FIELDS,
    "Access log": access_log.FILTERABLE_FIELDS,
}
EXAMPLES = EXAMPLE.findall(FILTER)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_as_short_as_it_can_be_and_some_list_understands_it(
    example: str, db: Database
) -> None:
    terms = parse(example)
    named = {term.field for term in terms if term.field is not None}
    (fields, *_) = [
        fields
        for fields in FIELDS.values()
        if all(len(full_names(name, fields.by_name)) == 1 for name in named)
    ]
    assert canonical(terms) == example
    assert condition(db, ALL_READERS, terms, fields, NOW).values


@pytest.mark.parametrize("view", FIELDS)
def test_the_names_of_each_list_are_all_there(view: str) -> None:
    row = re.search(rf"^\| {view} \| (.*) \|$", NAMES, re.MULTILINE)
    assert row is not None
    assert re.findall(r"`(\w+)`", row[1]) == list(FIELDS[view].by_name)


def test_each_picture_is_on_the_page() -> None:
    pictures = re.findall(r"^!\[.+\]\(pictures/([\w-]+)\.svg\)$", PAGE, flags=re.MULTILINE)
    assert sorted(pictures) == sorted(file.stem for file in (DOCS / "pictures").iterdir())
