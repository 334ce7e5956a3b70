"""Suggestions while a filter is typed: the names of a view's fields, and states."""

import re
from collections.abc import Iterable

from textual.suggester import Suggester

from readwatch.domain.presence import Presence
from readwatch.store.lists.filter_sql import Field, Fields, Number, Seconds, Since, State

# From two letters on: most words with the first letter of a field are not its name.
_NAME_BEGUN = re.compile(r"(?:^|[\s!])([a-z]{2,})$")
_STATE_BEGUN = re.compile(r"(?:^|[\s!])([a-z]+):([a-z]+)$")


class FilterSuggester(Suggester):
    """Shows a suggestion behind the cursor; the right arrow accepts it."""

    def __init__(self, fields: Fields) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._fields = fields

    async def get_suggestion(self, value: str) -> str | None:
        """Return the whole filter with the suggestion."""
        return completed(value, self._fields)


def completed(typed: str, fields: Fields) -> str | None:
    """Return a filter with its last word completed; None if nothing matches."""
    if typed.count('"') % 2:
        return None
    if (name := _NAME_BEGUN.search(typed)) is not None:
        names = (f"{name}{_sign(field)}" for name, field in fields.by_name.items())
        return _completed(typed, name[1], names)
    if (state := _STATE_BEGUN.search(typed)) is not None:
        states = Presence if isinstance(fields.by_name.get(state[1]), State) else ()
        return _completed(typed, state[2], states)
    return None


def _completed(typed: str, begun: str, whole: Iterable[str]) -> str | None:
    return next((typed + word[len(begun) :] for word in whole if word.startswith(begun)), None)


def _sign(field: Field) -> str:
    match field:
        case Number():
            return "<"
        case Seconds() | Since():
            return ">"
    return ":"
