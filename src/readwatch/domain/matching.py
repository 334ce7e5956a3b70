"""Search by word: case and accents are ignored, letters may be left out, and a letter that a plain
keyboard lacks may be typed as people spell it without that letter: `Søren` as soren or soeren.

A word becomes a regular expression that means the same in Python and PostgreSQL: its character
classes are written out, because the meaning of `\\w` and of case flags depends on the database's
locale. The spellings are part of the expression, so that the cost of a text does not depend on
them. The patterns do not backtrack, so matching is fast for every text.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import pairwise
from unicodedata import normalize

FUZZY_LENGTHS = range(3, 33)
"""The lengths of search words that may leave out letters."""

SPELLINGS: Mapping[str, str] = {
    **{"æ": "ae", "œ": "oe", "ß": "ss", "þ": "th", "ø": "oe"},
    **{"a\u0308": "ae", "o\u0308": "oe", "u\u0308": "ue", "a\u030a": "aa"},
    **{"ł": "l", "đ": "d", "ð": "d", "ħ": "h", "\u0131": "i", "ĸ": "k", "ŋ": "n", "ŧ": "t"},
    **{"ɓ": "b", "ɖ": "d", "ɗ": "d", "ə": "e", "ɛ": "e", "ƒ": "f", "\u0263": "g", "ƙ": "k"},
    **{"ɔ": "o", "\u028b": "v", "ƴ": "y", "\u2019": "'", "\u02bc": "'", "\u02bb": "'"},
}
"""How people type a letter without its key, in plain small letters; the second of two letters may
be left out. An umlaut is a letter and its mark, as in the texts that are searched."""

_TYPED_AS_ONE = frozenset("ø")  # soren for Søren, while most people type aesa for Æsa

# The blocks of combining marks, the points of Hebrew and Arabic, the variation selectors of emoji;
# the diaeresis and the ring stay in a text, because they may be typed as letters.
MARKS = (
    r"[\u0300-\u0307\u0309\u030b-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    r"\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f]"
)
_KEPT_MARKS = r"[\u0308\u030a]"
# Spaces and punctuation, but no apostrophe: O'Brien is one word.
_GAPS = (
    r"\u0001-\u0026\u0028-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00bf"
    r"\u2000-\u2018\u201a-\u206f\u3000-\u303f"
)
_FINAL_SIGMA = "\u03c2"  # sigma is the only letter with two small forms

_marks = re.compile(MARKS)
_kept_marks = re.compile(_KEPT_MARKS)
_gaps = re.compile(f"[{_GAPS}]")
_compiled = lru_cache(maxsize=256)(re.compile)


def matches(pattern: str, text: object) -> bool:
    """Tell whether a text matches a pattern; a value of another type does not match."""
    return isinstance(text, str) and _compiled(pattern).search(plain(text)) is not None


def plain(text: str) -> str:
    """Return a text without accents and ligatures, for matching: `é` becomes `e`, `ﬁ` becomes
    two letters, `ü` a letter and its mark; ASCII does not change."""
    return text if text.isascii() else _plain(text)


@lru_cache(maxsize=16384)
def _plain(text: str) -> str:
    return _marks.sub("", normalize("NFKD", text))


def anywhere(word: str) -> str:
    """Return the pattern for texts that contain a word, or that have a word with the same first
    letter and the other letters in the same order: `mlr` matches `Müller`."""
    letters = letters_of(word)
    if len(letters) not in FUZZY_LENGTHS or _gaps.search(letters):
        return _contained(letters)
    first = f"(?:^|[{_GAPS}]){_KEPT_MARKS}*[{_forms(letters[0])}]"
    return f"{_contained(letters)}|{first}{''.join(_with_letters_left_out(letters))}"


def from_the_start(word: str) -> str:
    """Return the pattern for texts that begin with a word; a number must match as a whole: `1`
    does not match `12`."""
    letters = letters_of(word)
    end = f"(?!{_KEPT_MARKS}*[0-9])" if letters[-1:].isdigit() else ""
    return f"^{_KEPT_MARKS}*{_contained(letters)}{end}"


def whole(word: str) -> str:
    """Return the pattern for texts that are a word and nothing else."""
    return f"^{_KEPT_MARKS}*{_contained(letters_of(word))}\\Z"


def letters_of(word: str) -> str:
    """Return the letters that all patterns require, in this order, in upper or lower case."""
    letters = _kept_marks.sub("", plain(word)).casefold()
    return letters if letters.isascii() else letters.translate(_TYPED)


def _contained(letters: str) -> str:
    """Return the pattern for the letters one after the other."""
    return "".join(_with_spellings(letters))


def _with_spellings(letters: str) -> Iterator[str]:
    """Yield the pattern of each letter; the second letter of a spelling may be left out."""
    for before, letter in pairwise(f" {letters}"):
        form = f"[{_forms(letter)}]{_KEPT_MARKS}*"
        spelt = [f"(?<=[{class_}])" for class_ in _spelt_as(before + letter)]
        spelt += [f"(?<=[{class_}]{mark})" for class_, mark in _spelt_with_mark(before + letter)]
        yield f"(?:{'|'.join((form, *spelt))})" if spelt else form


def _with_letters_left_out(letters: str) -> Iterator[str]:
    """Yield the pattern of each letter after the first, and of what may be before it.

    A text can be matched in one way only: without that, matching could take forever.
    """
    for before, letter in pairwise(letters):
        form = _forms(letter)
        later = f"[^{form}{_GAPS}]*[{form}]"
        spelt = [f"(?<=[{class_}])|(?<![{class_}])" for class_ in _spelt_as(before + letter)]
        yield f"(?:{spelt[0]}{later})" if spelt else later


@lru_cache(maxsize=1024)
def _spelt_as(pair: str) -> tuple[str, ...]:
    """Return the class of the letters that may be typed as these two, if there are any."""
    class_ = "".join(
        _cases(letter) for letter, typed in SPELLINGS.items() if typed == pair and len(letter) == 1
    )
    return (class_,) if class_ else ()


@lru_cache(maxsize=1024)
def _spelt_with_mark(pair: str) -> tuple[tuple[str, str], ...]:
    """Return each letter with a mark that may be typed as these two, as a class and the mark."""
    return tuple(
        (_cases(letter[0]), letter[1])
        for letter, typed in SPELLINGS.items()
        if typed == pair and len(letter) == 2
    )


@lru_cache(maxsize=1024)
def _forms(letter: str) -> str:
    """Return the character class of a letter: both cases, and the letters that are typed as it;
    `_` also matches a space, because the console shows it as a space."""
    if letter in " _":
        return " _"
    others = "".join(
        _cases(other)
        for other, typed in SPELLINGS.items()
        if typed[0] == letter and len(other) == 1
    )
    if letter.isascii() and not letter.isalnum():
        return f"\\{letter}{others}"
    return _cases(letter) + others


def _cases(letter: str) -> str:
    """Return a small letter with its capitals."""
    cases = {letter, letter.upper(), letter.title(), _FINAL_SIGMA, "ẞ"}
    return "".join(
        sorted(case for case in cases if len(case) == 1 and case.casefold() == letter.casefold())
    )


_TYPED = {
    ord(letter): typed[0] if letter in _TYPED_AS_ONE else typed
    for letter, typed in SPELLINGS.items()
    if len(letter) == 1
}
