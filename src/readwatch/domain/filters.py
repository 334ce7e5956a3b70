"""The filter language of the console: words, `field:word`, `field="all of it"`, `field>10m`, and
`!` before any of them.

An incomplete term, such as `title:` or `idle>`, has no effect, so that the list does not change
until the term is complete. A quotation that is not closed ends with the text.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from readwatch.domain.errors import invalid
from readwatch.domain.plural import counted
from readwatch.domain.text import clean

MAX_TERMS = 20
MAX_VALUE_LENGTH = 100

LONGEST = timedelta(days=36525)
"""The maximum of a duration; it is longer than the age of any stored time."""

_TERM = re.compile(
    r"""
    \s*
    (?P<negated>!?)
    (?:(?P<field>[A-Za-z_]+)(?P<comparison><=|>=|[:=<>]))?
    (?:"(?P<quoted>(?:[^"]|"")*)(?:"|$)|(?P<bare>\S*))
    """,
    re.VERBOSE,
)
_NUMBER = re.compile(r"([0-9]{1,7}(?:\.[0-9]{1,3})?)%?")
_DURATION = re.compile(r"([0-9]{1,7}(?:\.[0-9]{1,3})?) ?(s|min|m|h|d|w)", re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 604800}


class Comparison(StrEnum):
    """The operator between a field and its value."""

    IS = ":"
    EQUAL = "="
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="


@dataclass(frozen=True, slots=True)
class Term:
    """One condition; without a field it searches the words of a row.

    `str` returns the term as a user types it.
    """

    value: str
    field: str | None = None
    comparison: Comparison = Comparison.IS
    negated: bool = False

    def __str__(self) -> str:
        typed = f"{_beginning(self)}{self.value}"
        if list(_typed(typed)) == [(self, False)] and not _lacks_field(self):
            return typed
        doubled = self.value.replace('"', '""')
        return f'{_beginning(self)}"{doubled}"'


def parse(text: str, *, finished: bool = False) -> tuple[Term, ...]:
    """Return the terms of a filter, without those that have no value.

    In a `finished` filter a term without a value is an error. Errors are `invalid`; the message
    names the term and the fix.
    """
    terms = []
    for term, quoted in _typed(clean(text, limit=len(text) + 1)):
        if not term.value.strip():
            if finished:
                raise invalid(
                    f"{_beginning(term)} has nothing right after it: a term needs a value"
                )
            continue
        if len(term.value) > MAX_VALUE_LENGTH:
            raise invalid(f"{term.value[:20]}… is too long: up to {MAX_VALUE_LENGTH} characters")
        if _lacks_field(term) and not quoted:
            raise invalid(
                f"{term.value} has no field right before it; write idle>10m without spaces, "
                f'or "{term.value}" in quotes to look for it'
            )
        terms.append(term)
    if len(terms) > MAX_TERMS:
        raise invalid(f"a filter has up to {MAX_TERMS} terms, and this has {len(terms)}")
    return tuple(terms)


def canonical(terms: Iterable[Term]) -> str:
    """Return terms as a text that parses to the same terms."""
    return " ".join(map(str, terms))


def filter_size(terms: Sequence[Term]) -> str:
    """Return the size of a filter for the access log, which must not contain its words."""
    if not terms:
        return ""
    return f", filter of {counted(len(terms), 'term')}"


def full_names(name: str, names: Iterable[str]) -> list[str]:
    """Return the field names that `name` can mean: the name itself, or else all names that
    contain it as whole words. `title` means `content_title`.
    """
    names = list(names)
    if name in names:
        return [name]
    return [full_name for full_name in names if f"_{name}_" in f"_{full_name}_"]


def number_of(term: Term) -> float:
    """Return the value of a term as a number; the value may end with a percent sign."""
    number = _NUMBER.fullmatch(term.value)
    if number is None:
        raise invalid(f"{term} needs a number, for example {term.field}{term.comparison}20")
    return float(number[1])


def duration_of(term: Term) -> timedelta:
    """Return the value of a term as a duration."""
    duration = _DURATION.fullmatch(term.value)
    if duration is None:
        raise invalid(
            f"{term} needs a duration in s, m, h, d or w, "
            f"for example {term.field}{term.comparison}10m"
        )
    return min(timedelta(seconds=float(duration[1]) * _SECONDS[duration[2].lower()]), LONGEST)


def _beginning(term: Term) -> str:
    """Return the part of a term before its value."""
    name = f"{term.field}{term.comparison}" if term.field else ""
    return f"{'!' * term.negated}{name}"


def _lacks_field(term: Term) -> bool:
    return term.field is None and term.value.startswith(("<", ">"))


def _typed(text: str) -> Iterator[tuple[Term, bool]]:
    """Yield each term, also without a value, and whether the value is quoted."""
    for typed in _TERM.finditer(text):
        quoted = typed["quoted"]
        value = typed["bare"] if quoted is None else quoted.replace('""', '"')
        if value.strip() or typed["field"] or typed["negated"]:
            yield (
                Term(
                    value,
                    typed["field"] and typed["field"].lower(),
                    Comparison(typed["comparison"] or Comparison.IS),
                    bool(typed["negated"]),
                ),
                quoted is not None,
            )
