"""The selections of a table's rows: a later key may take them back before they are handled."""

from typing import Generic, TypeVar

S = TypeVar("S")


class Selections(Generic[S]):
    """Selections that were posted, and are neither taken nor dropped yet."""

    def __init__(self) -> None:
        self._waiting: list[S] = []

    def add(self, selection: S) -> S:
        """Add a selection and return it."""
        self._waiting.append(selection)
        return selection

    def take(self, selection: S) -> bool:
        """Tell whether a selection holds: it has not been taken or dropped."""
        others = [other for other in self._waiting if other is not selection]
        holds, self._waiting = len(others) < len(self._waiting), others
        return holds

    def drop(self) -> bool:
        """Drop the selections that have not been taken; tell whether there were any."""
        dropped, self._waiting = bool(self._waiting), []
        return dropped
