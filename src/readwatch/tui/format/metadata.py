"""An app's metadata in words: `score 30 · not passed · 2nd try · chapter 36`."""

import json
import re
from collections.abc import Callable, Iterator, Mapping

from readwatch.domain.activities import MAX_METADATA_BYTES
from readwatch.domain.plural import counted, ordinal
from readwatch.domain.text import SafeText, clean

SEPARATOR = " · "

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def metadata_in_words(metadata: SafeText) -> SafeText:
    """Return the values of a JSON object in words, what consultants look for first; another text
    unchanged."""
    try:
        values = json.loads(metadata)
    except (ValueError, RecursionError):
        return metadata
    if not isinstance(values, dict):
        return metadata
    # Cleaned again, because JSON escapes can contain characters that `clean` removes.
    return clean(SEPARATOR.join(_words(values)), limit=MAX_METADATA_BYTES)


def number_from_1(value: object) -> int | None:
    """Return a value if it is a number that an app counts from 1, such as a chapter."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    return None


def _words(values: Mapping[str, object]) -> Iterator[str]:
    first = [key for key in _SPECIAL if key in values]
    for key in (*first, *(key for key in values if key not in _SPECIAL)):
        value = values[key]
        special = _SPECIAL.get(key, _any_value)
        if value is not None and (words := special(_name_of(key), value)):
            yield words


def _any_value(name: str, value: object) -> str:
    """Return a name and its value; of a list or an object only how long it is."""
    match value:
        case bool():
            return name if value else f"{name}: no"
        case dict():
            return f"{name}: {counted(len(value), 'value')}"
        case list():
            return f"{name}: {counted(len(value), 'item')}"
    return f"{name} {value}"


def _passed(name: str, value: object) -> str:
    return "not passed" if value is False else _any_value(name, value)


def _attempt(name: str, value: object) -> str:
    number = number_from_1(value)
    return _any_value(name, value) if number is None else f"{ordinal(number)} try"


def _quoted(name: str, value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else _any_value(name, value)


_SPECIAL: Mapping[str, Callable[[str, object], str]] = {
    "score": _any_value,
    "passed": _passed,
    "attempt": _attempt,
    "chapter": _any_value,
    "page": _any_value,
    "note": _quoted,
    "quote": _quoted,
}


def _name_of(key: str) -> str:
    """Return the name of a value in words: `readingSpeed` and `reading_speed` are alike."""
    return _CAMEL.sub(" ", key).replace("_", " ").replace("-", " ").strip().lower()
