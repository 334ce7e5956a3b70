"""Search by word: case and accents are ignored, and letters may be left out.

A word becomes a regular expression that Python and PostgreSQL read alike: its character classes are
written out, as the meaning of `\\w` and of flags for case depends on a database's locale. No
pattern backtracks, so that no text takes long.
"""

import re
from functools import lru_cache
from unicodedata import normalize

FUZZY_LENGTHS = range(3, 33)
"""The lengths of words that may leave out letters."""

# The blocks of combining marks, the points of Hebrew and Arabic, the variants of emoji.
MARKS = (
    r"[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    r"\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f]"
)
# Spaces and punctuation, but no apostrophe: O'Brien is one word.
_GAPS = (
    r"\u0001-\u0026\u0028-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00bf"
    r"\u2000-\u2018\u201a-\u206f\u3000-\u303f"
)
_FINAL_SIGMA = "\u03c2"  # the only letter with two small forms

_marks = re.compile(MARKS)
_gaps = re.compile(f"[{_GAPS}]")
_compiled = lru_cache(maxsize=256)(re.compile)


def matches(pattern: str, text: object) -> bool:
    """Tell whether a text matches a pattern; a value that is no text does not."""
    return isinstance(text, str) and _compiled(pattern).search(plain(text)) is not None


def plain(text: str) -> str:
    """Return the text that patterns are matched with, without accents and ligatures: `é` becomes
    `e`, `ﬁ` two letters, `ß` two `s`; ASCII stays as it is."""
    return text if text.isascii() else _plain(text)


@lru_cache(maxsize=16384)
def _plain(text: str) -> str:
    return _marks.sub("", normalize("NFKD", text.replace("ß", "ss").replace("ẞ", "SS")))


def anywhere(word: str) -> str:
    """Return the pattern for texts that contain a word, or its letters in order in one word that
    begins with the first of them: `mlr` matches `Müller`."""
    letters = letters_of(word)
    contained = "".join(f"[{_forms(letter)}]" for letter in letters)
    if len(letters) not in FUZZY_LENGTHS or _gaps.search(letters):
        return contained
    first, *others = map(_forms, letters)
    rest = "".join(f"[^{letter}{_GAPS}]*[{letter}]" for letter in others)
    return f"{contained}|(?:^|[{_GAPS}])[{first}]{rest}"


def from_the_start(word: str) -> str:
    """Return the pattern for texts that begin with a word, where a number must be whole: `1` does
    not match `12`."""
    letters = letters_of(word)
    end = "(?![0-9])" if letters[-1:].isdigit() else ""
    return "^" + "".join(f"[{_forms(letter)}]" for letter in letters) + end


def letters_of(word: str) -> str:
    """Return the letters that both patterns require, in this order and in any case."""
    return plain(word).casefold()


def _forms(letter: str) -> str:
    """Return the character class of a letter: both cases; for `_` also a space, as which the
    console shows it in an app's words."""
    if letter in " _":
        return " _"
    if letter.isascii() and not letter.isalnum():
        return f"\\{letter}"
    cases = {letter, letter.upper(), letter.title(), _FINAL_SIGMA}
    return "".join(sorted(case for case in cases if case.casefold() == letter))
