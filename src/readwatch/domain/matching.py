"""Search by word: case and accents are ignored, and letters may be left out.

A word becomes a regular expression that means the same in Python and PostgreSQL: its character
classes are written out, because the meaning of `\\w` and of case flags depends on the database's
locale. The patterns do not backtrack, so matching is fast for every text.
"""

import re
from functools import lru_cache
from unicodedata import normalize

FUZZY_LENGTHS = range(3, 33)
"""The lengths of search words that may leave out letters."""

# The blocks of combining marks, the points of Hebrew and Arabic, the variation selectors of emoji.
MARKS = (
    r"[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    r"\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f]"
)
# Spaces and punctuation, but no apostrophe: O'Brien is one word.
_GAPS = (
    r"\u0001-\u0026\u0028-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00bf"
    r"\u2000-\u2018\u201a-\u206f\u3000-\u303f"
)
_FINAL_SIGMA = "\u03c2"  # sigma is the only letter with two small forms

_marks = re.compile(MARKS)
_gaps = re.compile(f"[{_GAPS}]")
_compiled = lru_cache(maxsize=256)(re.compile)


def matches(pattern: str, text: object) -> bool:
    """Tell whether a text matches a pattern; a value of another type does not match."""
    return isinstance(text, str) and _compiled(pattern).search(plain(text)) is not None


def plain(text: str) -> str:
    """Return a text without accents and ligatures, for matching: `é` becomes `e`, `ﬁ` becomes
    two letters, `ß` becomes `ss`; ASCII does not change."""
    return text if text.isascii() else _plain(text)


@lru_cache(maxsize=16384)
def _plain(text: str) -> str:
    return _marks.sub("", normalize("NFKD", text.replace("ß", "ss").replace("ẞ", "SS")))


def anywhere(word: str) -> str:
    """Return the pattern for texts that contain a word, or that have a word with the same first
    letter and the other letters in the same order: `mlr` matches `Müller`."""
    letters = letters_of(word)
    contained = "".join(f"[{_forms(letter)}]" for letter in letters)
    if len(letters) not in FUZZY_LENGTHS or _gaps.search(letters):
        return contained
    first, *others = map(_forms, letters)
    rest = "".join(f"[^{letter}{_GAPS}]*[{letter}]" for letter in others)
    return f"{contained}|(?:^|[{_GAPS}])[{first}]{rest}"


def from_the_start(word: str) -> str:
    """Return the pattern for texts that begin with a word; a number must match as a whole: `1`
    does not match `12`."""
    letters = letters_of(word)
    end = "(?![0-9])" if letters[-1:].isdigit() else ""
    return "^" + "".join(f"[{_forms(letter)}]" for letter in letters) + end


def letters_of(word: str) -> str:
    """Return the letters that both patterns require, in this order, in upper or lower case."""
    return plain(word).casefold()


def _forms(letter: str) -> str:
    """Return the character class of a letter: both cases; `_` also matches a space, because the
    console shows it as a space."""
    if letter in " _":
        return " _"
    if letter.isascii() and not letter.isalnum():
        return f"\\{letter}"
    cases = {letter, letter.upper(), letter.title(), _FINAL_SIGMA}
    return "".join(sorted(case for case in cases if case.casefold() == letter))
