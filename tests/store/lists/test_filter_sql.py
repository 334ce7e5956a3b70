"""Filters as SQL: both engines keep the same rows, and nothing that is typed becomes SQL."""

import string
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, product
from unicodedata import combining, normalize

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.domain.filters import MAX_VALUE_LENGTH, Term, parse
from readwatch.domain.matching import SPELLINGS, letters_of
from readwatch.domain.presence import Presence, idle_since, presence_of
from readwatch.store.audit.scope import ALL_READERS
from readwatch.store.engine.bulk import BulkStatement
from readwatch.store.engine.times import to_db_time
from readwatch.store.lists.filter_sql import (
    AgeField,
    DurationField,
    FilterableFields,
    NumberField,
    PresenceField,
    TextField,
    WordField,
    condition,
)

FIELDS = FilterableFields(
    {
        "full_name": TextField("name"),
        "content_title": TextField("title"),
        "reading_level": WordField("level"),
        "progress_percentage": NumberField("progress"),
        "duration_seconds": DurationField("seconds"),
        "last_login": AgeField("last_login"),
        "presence": PresenceField("last_heartbeat"),
    },
    words=("name", "title"),
)


@dataclass(frozen=True)
class Line:
    name: str | None = None
    title: str | None = None
    level: str | None = None
    progress: int | None = None
    seconds: int | None = None
    last_login: datetime | None = None
    last_heartbeat: datetime | None = None
    last_activity_at: datetime | None = None


COLUMNS = dict.fromkeys(("name", "title", "level"), "text")
COLUMNS |= dict.fromkeys(("progress", "seconds"), "bigint")
COLUMNS |= dict.fromkeys(("last_login", "last_heartbeat", "last_activity_at"), "timestamptz")


@pytest.fixture
def kept(db, clock):
    """`kept(filter, line, …)` is the places of the lines that a filter keeps."""

    def kept(typed: str | tuple[Term, ...], *lines: Line) -> list[int]:
        terms = parse(typed) if isinstance(typed, str) else typed
        where = condition(db, ALL_READERS, terms, FIELDS, clock())
        statement = BulkStatement(
            {"place": "bigint", **COLUMNS},
            f"SELECT place FROM given AS p WHERE {where.sql} ORDER BY place",
        )
        rows = [
            (
                place,
                *(
                    to_db_time(v) if isinstance(v, datetime) else v
                    for v in map(line.__getattribute__, COLUMNS)
                ),
            )
            for place, line in enumerate(lines)
        ]
        return [place for (place,) in statement(db, rows, **where.values)]

    return kept


# Words ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("", ["Ann Archer", "Ben Baker", "Zoë Müller"]),
        ("ann", ["Ann Archer"]),
        ("ANN archer", ["Ann Archer"]),
        ("ann ben", []),
        ("mlr", ["Zoë Müller"]),
        ("zoe", ["Zoë Müller"]),
        ("!mlr", ["Ann Archer", "Ben Baker"]),
        ("!!", ["Ann Archer", "Ben Baker", "Zoë Müller"]),
        ('"n a"', ["Ann Archer"]),
        ("name:bkr", ["Ben Baker"]),
        ("title:bkr", []),
        ("drcl", ["Ben Baker"]),
        ("!title:dracula", ["Ann Archer", "Zoë Müller"]),
        ("name=ann", []),
        ('name="ANN ARCHER"', ["Ann Archer"]),
        ('!name="zoe mueller"', ["Ann Archer", "Ben Baker"]),
        ("title=dracula", ["Ben Baker"]),
        ("title=racula", []),
        ("name: title:", ["Ann Archer", "Ben Baker", "Zoë Müller"]),
    ],
)
def test_a_consultant_finds_readers_by_words(typed, names, kept):
    lines = [Line("Ann Archer"), Line("Ben Baker", "Dracula"), Line("Zoë Müller", "Emma")]
    assert [lines[place].name for place in kept(typed, *lines)] == names


letters = "aAbnNäÄàéßẞøØłŁþÆñçİıσΣςЖжﬁ東京한글🙂👍%_\\'\"*?[]^$.()|{}+-#,:;/<>!& ehost\u0301"  # noqa: RUF001
texts = st.text(st.sampled_from(letters), max_size=12)
words = texts.filter(str.strip)
GAPS = set(string.punctuation) - {"'"} | {" "}


@dataclass(frozen=True)
class Letter:
    """A letter of a text, as people may type it; `spelling` if it is one letter for two."""

    typed: tuple[str, ...]
    spelling: str = ""


def letters_in(text: str) -> list[Letter]:
    bare = [c for c in normalize("NFKD", text) if c in "\u0308\u030a" or not combining(c)]
    letters = []
    for letter, following in zip(bare, [*bare[1:], ""], strict=False):
        small = "ß" if letter in "ßẞ" else letter.casefold().replace("_", " ")
        two = SPELLINGS.get(small + following) if following else None
        one = SPELLINGS.get(small, small)
        if not combining(letter):
            letters.append(Letter((one[0], two or one), one))
    return letters


def begins_with(text: list[Letter], word: str) -> bool:
    return not word or any(
        word.startswith(typed) and begins_with(text[1:], word[len(typed) :])
        for letter in text[:1]
        for typed in letter.typed
    )


def scattered(text: list[Letter], word: str) -> bool:
    """Whether the word begins as the text, and its other letters follow in the same order."""
    rest = word
    for place, letter in enumerate(text):
        if rest and letter.typed[0] == rest[0]:
            rest = rest.removeprefix(
                letter.spelling if rest.startswith(letter.spelling) else rest[0]
            )
        elif place == 0:
            return False
    return not rest


def has(word: str, text: str) -> bool:
    """What the condition means, said as simply as it can be."""
    word, letters = letters_of(word).replace("_", " "), letters_in(text)
    if any(begins_with(letters[start:], word) for start in range(len(letters) + 1)):
        return True
    if len(word) < 3 or GAPS & set(word):
        return False
    by_gap = groupby(letters, lambda letter: letter.typed[0] in GAPS)
    return any(scattered(list(group), word) for is_gap, group in by_gap if not is_gap)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(word=words, others=st.lists(texts, max_size=30), is_negated=st.booleans())
@example(word="a b", others=["a_b"], is_negated=False)
@example(word="a_%", others=["a b%", "a_%", "axx"], is_negated=False)
@example(word="\u0301", others=["", "a"], is_negated=False)
@example(word="aesthoe", others=["æßþø", "Ästhö", "æxsxþxø"], is_negated=False)
def test_both_engines_find_what_the_language_means(word, others, is_negated, kept):
    # Texts by chance have little in common: these have.
    texts = [*others, word, word.swapcase(), "".join(f"{letter}a" for letter in word)]
    found = kept((Term(word, "full_name", negated=is_negated),), *map(Line, texts))
    assert [texts[place] for place in found] == [t for t in texts if has(word, t) != is_negated]


@pytest.mark.parametrize(
    "typed",
    [
        "' OR 1=1 --",
        '"; DROP TABLE users; --',
        "title:' OR ''='",
        "name:%",
        "level:_",
        ":filter_0",
        "%(filter_0)s",
        "title:\\",
        "$1",
        "*",
    ],
)
def test_sql_that_is_typed_is_just_words(typed, kept):
    assert kept(typed, Line("Ann Archer", "Emma", "B1")) == []


def test_the_longest_word_that_was_made_to_be_slow_is_not(kept):
    assert kept("a" * 31 + "b", Line("a" * 500), Line("ä" * 500)) == []
    assert kept("ab" * (MAX_VALUE_LENGTH // 2), Line("äb" * 250), Line("a b" * 150)) == [0]


# Everything else --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "levels"),
    [
        ("level:B", ["B1", "B2"]),
        ("level:b1", ["B1"]),
        ("level:1", ["1"]),
        ("!level:B", [None, "1", "12"]),
        ("level:2", []),
    ],
)
def test_words_of_a_few_are_found_by_their_beginning(typed, levels, kept):
    lines = [Line(level=level) for level in (None, "B1", "B2", "1", "12")]
    assert [lines[place].level for place in kept(typed, *lines)] == levels


@pytest.mark.parametrize(
    ("typed", "numbers"),
    [
        ("progress<20", [0]),
        ("progress<=20", [0, 20]),
        ("progress:20%", [20]),
        ("progress>19.5", [20, 100]),
        ("progress>=20 progress<100", [20]),
        ("!progress<20", [None, 20, 100]),
    ],
)
def test_numbers_are_compared(typed, numbers, kept):
    lines = [Line(progress=progress) for progress in (None, 0, 20, 100)]
    assert [lines[place].progress for place in kept(typed, *lines)] == numbers


def test_durations_are_compared(kept):
    lines = [Line(seconds=seconds) for seconds in (None, 60, 300, 301)]
    assert kept("duration>5m", *lines) == [3]
    assert kept("duration<=5m", *lines) == [1, 2]


@pytest.mark.parametrize(
    ("typed", "places"),
    [
        ("login<7d", [1]),
        ("login<=7d", [1, 2]),
        ("login>7d", [0, 3]),
        ("login>=1w", [0, 2, 3]),
        ("!login<7d", [0, 2, 3]),
        ("login>9999999w", [0]),
    ],
)
def test_never_is_longer_ago_than_any_moment(typed, places, kept, clock):
    week, blink = timedelta(days=7), timedelta(milliseconds=1)
    moments = (None, clock() - week + blink, clock() - week, clock() - week - blink)
    assert kept(typed, *(Line(last_login=moment) for moment in moments)) == places


@pytest.mark.parametrize("presence", Presence)
def test_presence_in_sql_is_that_of_the_domain(presence, kept, clock):
    heard = [
        None,
        *(clock() - timedelta(seconds=s) for s in (0, 149.999, 150, 239.999, 240, 299.999, 300)),
    ]
    did = [None, *(clock() - timedelta(seconds=s) for s in (0, 179.999, 180))]
    lines = [
        Line(last_heartbeat=heartbeat, last_login=login, last_activity_at=activity)
        for heartbeat, login, activity in product(heard, did, did)
    ]
    expected = [
        place
        for place, line in enumerate(lines)
        if presence_of(
            line.last_heartbeat, idle_since(line.last_login, line.last_activity_at), clock()
        )
        is presence
    ]
    assert expected
    assert kept(f"presence:{presence}", *lines) == expected
    assert kept(f"presence:{presence[:2].upper()}", *lines) == expected


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        (
            "book:dracula",
            "book:dracula: unknown field; use one of full_name, content_title, reading_level, "
            "progress_percentage, duration_seconds, last_login, presence, "
            "or put a word with a colon or = in quotes",
        ),
        ("!title<5", "!title<5 compares words; write title:5"),
        ("login:7d", "login:7d needs < or >, for example login>10m"),
        ("login>7", "login>7 needs a duration in s, m, h, d or w, for example login>10m"),
        ("progress<many", "progress<many needs a number, for example progress<20"),
        (
            "presence:asleep",
            "presence:asleep: unknown presence; use one of reading, idle, silent, leaving, offline",
        ),
    ],
)
def test_a_query_that_a_view_cannot_answer_is_refused_with_the_fix(typed, sentence, kept):
    with pytest.raises(ReadwatchError) as refused:
        kept(typed)
    assert (refused.value.kind, refused.value.message) == (ErrorKind.INVALID, sentence)
