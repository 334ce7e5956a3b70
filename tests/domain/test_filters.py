"""The filter language: what a consultant types, and how it is said back."""

from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.domain.filters import (
    MAX_TERMS,
    MAX_VALUE_LENGTH,
    Comparison,
    Term,
    canonical,
    duration_of,
    full_names,
    number_of,
    parse,
)
from readwatch.domain.text import clean

typed_text = st.text(
    st.one_of(st.sampled_from('!":<>= ab_1\t\u3000é\x00\u202e'), st.characters(codec=None))
)
values = st.text(st.sampled_from('!":<>=% abZ_1é東🙂\\'), min_size=1).filter(
    lambda value: value.strip() and clean(value) == value
)
terms = st.builds(
    Term,
    value=values,
    field=st.sampled_from(["title", "idle"]),
    comparison=st.sampled_from(Comparison),
    negated=st.booleans(),
) | st.builds(Term, value=values, negated=st.booleans())


@pytest.mark.parametrize(
    ("typed", "term"),
    [
        ("dracula", Term("dracula")),
        ('"van helsing"', Term("van helsing")),
        ('"van hel', Term("van hel")),
        ("title:dracula", Term("dracula", "title")),
        ("Title:Dracula", Term("Dracula", "title")),
        ('title:"the hobbit"', Term("the hobbit", "title")),
        ('group="4 b"', Term("4 b", "group", Comparison.EQUAL)),
        ("idle>10m", Term("10m", "idle", Comparison.MORE)),
        ("progress<=20", Term("20", "progress", Comparison.AT_MOST)),
        ("!device:web", Term("web", "device", negated=True)),
        ("!ann", Term("ann", negated=True)),
        ('"!ann"', Term("!ann")),
        ('"so-called ""friend"""', Term('so-called "friend"')),
        ("20:15", Term("20:15")),
        ("2001", Term("2001")),
        ('"note: this"', Term("note: this")),
    ],
)
def test_a_term_says_what_it_is(typed, term):
    assert parse(typed) == (term,)


def test_terms_stand_one_after_the_other():
    assert parse("  ann\ttitle:dracula !state:idle ") == (
        Term("ann"),
        Term("dracula", "title"),
        Term("idle", "state", negated=True),
    )


@pytest.mark.parametrize(
    "typed", ["", " ", "!", "title:", "!title:", 'title:"', '!" "', "idle>", "idle>="]
)
def test_what_is_still_being_typed_has_no_effect(typed):
    assert parse(typed) == ()
    assert parse(f"ann {typed}") == (Term("ann"),)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("title:dracula", "title:dracula"),
        ("  !Level:B1   idle>", "!level:B1"),
        ('"dracula"', "dracula"),
        ('"van helsing', '"van helsing"'),
        ('"title:x"', '"title:x"'),
        ('progress<"=5"', 'progress<"=5"'),
    ],
)
def test_a_filter_is_said_back_as_short_as_it_can_be_typed(typed, said):
    assert canonical(parse(typed)) == said


@given(st.lists(terms, max_size=MAX_TERMS))
def test_what_is_said_back_means_the_same(given_terms):
    assert parse(canonical(given_terms)) == tuple(given_terms)


@given(typed_text)
@example("!!x")
@example('""""')
def test_nothing_that_can_be_typed_breaks_the_language(typed):
    with suppress(ReadwatchError):
        understood = parse(typed)
        said = canonical(understood)
        assert parse(said) == understood
        assert clean(said, limit=10_000) == said


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        (
            "idle > 10m",
            "> has no field right before it; write idle>10m without spaces, "
            'or ">" in quotes to look for it',
        ),
        ("x" * 101, f"{'x' * 20}… is too long: up to {MAX_VALUE_LENGTH} characters"),
        ("a " * 21, f"a filter has up to {MAX_TERMS} terms, and this has 21"),
    ],
)
def test_an_invalid_filter_is_refused_with_the_fix(typed, sentence):
    with pytest.raises(ReadwatchError) as refused:
        parse(typed)
    assert (refused.value.kind, refused.value.message) == (ErrorKind.INVALID, sentence)


@pytest.mark.parametrize(
    ("typed", "duration"),
    [
        ("idle>90s", timedelta(seconds=90)),
        ("idle>10m", timedelta(minutes=10)),
        ("idle>10min", timedelta(minutes=10)),
        ("idle>1.5h", timedelta(minutes=90)),
        ("idle>7D", timedelta(days=7)),
        ('idle>"4 w"', timedelta(weeks=4)),
        ("idle>9999999w", timedelta(days=36525)),
    ],
)
def test_durations_are_said_with_their_unit(typed, duration):
    (term,) = parse(typed)
    assert duration_of(term) == duration


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("content_title", ["content_title"]),
        ("title", ["content_title"]),
        ("reading_time", ["total_reading_time_minutes"]),
        ("name", ["full_name", "consultant_name"]),
        ("reading", ["reading"]),
        ("tit", []),
        ("", []),
    ],
)
def test_a_name_may_be_shortened_to_whole_words_of_it(name, names):
    columns = [
        "content_title",
        "full_name",
        "consultant_name",
        "total_reading_time_minutes",
        "reading",
    ]
    assert full_names(name, columns) == names


@pytest.mark.parametrize("typed", ["idle>10", "idle>soon", "idle>-1m", "idle>10mm", "idle>\u0661m"])
def test_an_invalid_duration_is_refused_with_an_example(typed):
    (term,) = parse(typed)
    with pytest.raises(ReadwatchError) as refused:
        duration_of(term)
    assert refused.value.message == (
        f"{typed} needs a duration in s, m, h, d or w, for example idle>10m"
    )


@pytest.mark.parametrize(("typed", "number"), [("p<20", 20), ("p<20%", 20), ("p<0.5", 0.5)])
def test_numbers_are_numbers(typed, number):
    (term,) = parse(typed)
    assert number_of(term) == number


@pytest.mark.parametrize("typed", ["p<many", "p<-1", "p<1e9", "p<99999999", "p<nan", "p<1,5"])
def test_an_invalid_number_is_refused_with_an_example(typed):
    (term,) = parse(typed)
    with pytest.raises(ReadwatchError) as refused:
        number_of(term)
    assert refused.value.message == f"{typed} needs a number, for example p<20"
