"""Cleaning of text that a reader or an app wrote."""

from functools import lru_cache
from typing import NewType
from unicodedata import category

SafeText = NewType("SafeText", str)
"""Text from `clean`: it contains no characters that control a terminal."""

MAX_LENGTH = 500
MAX_MARKS_IN_A_ROW = 4
MAX_INITIALS = 4

_FORMULA = frozenset("=+-@\uff1d\uff0b\uff0d\uff20")
_SPACES = "\t\n\v\f\r\u0085\u2028\u2029"
# Joined emoji, Persian and the Indic scripts need the joiners.
_JOINERS = "\u200c\u200d"


class _Replacements(dict[int, str]):
    """Maps each character to its replacement, computed at the first use."""

    def __missing__(self, code: int) -> str:
        self[code] = replacement = _replacement(code)
        return replacement


def _replacement(code: int) -> str:
    """Return the symbol of a control character, empty text for an invisible character, and U+FFFD
    for an unassigned one.

    The symbols are those of the Unicode block Control Pictures (U+2400).
    """
    character = chr(code)
    if character in _SPACES:
        return " "
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    match category(character):
        case "Cc":
            return ""
        case "Cf":
            return character if character in _JOINERS else ""
        case "Cs" | "Co":
            return "\ufffd"
    return character


_replacements = _Replacements()


def clean(value: object, *, limit: int = MAX_LENGTH) -> SafeText:
    """Return text that is safe to show: without control and bidi characters, with few combining
    marks in a row, and cut with an ellipsis at `limit` characters.

    Any value is accepted: bytes are decoded as UTF-8 with replacements, None becomes empty text.
    """
    if value is None:
        return SafeText("")
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    text = str(value)
    return (_clean_cached if len(text) <= MAX_LENGTH else _clean)(text, limit)


def initials(name: str) -> SafeText:
    """Return the first letters of a name's words, at most four: `A. A.` for Ann Archer."""
    letters = (next(filter(str.isalnum, word), "") for word in name.split())
    letters_with_dots = [f"{letter}." for letter in letters if letter][:MAX_INITIALS]
    return clean(" ".join(letters_with_dots) or "?")


def spreadsheet_cell(text: str) -> str:
    """Return text that no spreadsheet evaluates as a formula, with an apostrophe if needed."""
    return f"'{text}" if text.lstrip()[:1] in _FORMULA else text


def _clean(text: str, limit: int) -> SafeText:
    # The input may be far longer than the limit; only its beginning is cleaned.
    cleaned = text[: limit * 2]
    if not (cleaned.isascii() and cleaned.isprintable()):
        cleaned = _without_excess_marks(cleaned.translate(_replacements))
    if len(cleaned) > limit or len(text) > limit * 2:
        cleaned = cleaned[: limit - 1] + "…"
    return SafeText(cleaned)


_clean_cached = lru_cache(maxsize=16384)(_clean)


def _without_excess_marks(text: str) -> str:
    """Drop combining marks beyond a few in a row: more would cover the lines above and below."""
    characters: list[str] = []
    marks = 0
    for character in text:
        if character not in _JOINERS:  # joiners are in the same cell as the marks around them
            marks = marks + 1 if category(character) in {"Mn", "Me"} else 0
        if marks <= MAX_MARKS_IN_A_ROW:
            characters.append(character)
    return "".join(characters)
