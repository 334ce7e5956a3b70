"""Suggestions while a filter is typed: the names of a view's fields, and presences."""

import re
from collections.abc import Iterable

from textual.suggester import Suggester

from readwatch.domain.presence import Presence
from readwatch.store.lists.filter_sql import (
    AgeField,
    DurationField,
    Field,
    FilterableFields,
    NumberField,
    PresenceField,
)

# From two letters on: one letter is seldom the beginning of a field name.
_NAME_BEGUN = re.compile(r"(?:^|[\s!])([a-z][a-z_]+)$")
_PRESENCE_BEGUN = re.compile(r"(?:^|[\s!])([a-z]+):([a-z]+)$")


class FilterSuggester(Suggester):
    """Shows a suggestion behind the cursor; the right arrow accepts it."""

    def __init__(self, fields: FilterableFields) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._fields = fields

    async def get_suggestion(self, value: str) -> str | None:
        """Return the whole filter with the suggestion."""
        return completed(value, self._fields)


def completed(typed: str, fields: FilterableFields) -> str | None:
    """Return a filter with its last word completed; None if nothing matches."""
    if typed.count('"') % 2:
        return None
    if (name := _NAME_BEGUN.search(typed)) is not None:
        by_name = fields.by_short_name() | dict(fields.by_name)
        names = (f"{name}{_sign(field)}" for name, field in by_name.items())
        return _completed(typed, name[1], names)
    if (word := _PRESENCE_BEGUN.search(typed)) is not None:
        words = Presence if isinstance(fields.by_name.get(word[1]), PresenceField) else ()
        return _completed(typed, word[2], words)
    return None


def _completed(typed: str, begun: str, whole: Iterable[str]) -> str | None:
    return next((typed + word[len(begun) :] for word in whole if word.startswith(begun)), None)


def _sign(field: Field) -> str:
    match field:
        case NumberField():
            return "<"
        case DurationField() | AgeField():
            return ">"
    return ":"
