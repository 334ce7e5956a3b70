"""Which row of a live table a key means, when the cursor moves by itself just before the key."""

from math import inf

REACTION_SECONDS = 0.25
"""A key pressed within this time after an automatic move means the row before the move."""


class IntendedRow:
    """The last automatic move of a cursor, and the time of the key that is handled now.

    Times are those of `textual._time.get_time`, as in events. The user sees a move only once it is
    painted: until then keys mean the row before it.
    """

    def __init__(self) -> None:
        self.before_move: int | None = None
        """The key of the cursor before the last automatic move."""
        self._moved_at = -inf  # when the move was painted; inf: not painted yet
        self._pressed_at: float | None = None

    def press(self, pressed_at: float) -> None:
        """Store the time of a key, because the cursor may move before the key is handled."""
        self._pressed_at = pressed_at

    def move(self, before: int | None, after: int | None, now: float) -> None:
        """Store an automatic move; several of them before a reaction count as one."""
        if now >= self._moved_at + REACTION_SECONDS:
            self.before_move = before
        self._moved_at = -inf if before is None or after is None else inf

    def paint(self, now: float) -> None:
        """Store that the cursor is painted at its place."""
        if self._moved_at == inf:
            self._moved_at = now

    def move_by_user(self) -> None:
        """Forget the automatic move: the user has moved the cursor since."""
        self._moved_at = -inf

    def discard_press(self) -> None:
        """Let the next action mean the row under the cursor, whenever a key was pressed."""
        self._pressed_at, self._moved_at = None, -inf

    def take(self, cursor: int | None, now: float) -> int | None:
        """Return the key of the row that the current key means."""
        pressed_at = now if self._pressed_at is None else self._pressed_at
        self._pressed_at = None
        return self.before_move if pressed_at < self._moved_at + REACTION_SECONDS else cursor
