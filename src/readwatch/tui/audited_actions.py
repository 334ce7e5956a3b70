"""What is done only once it is on record, and what is said where that cannot be."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

from readwatch.domain.audit import AuditAction
from readwatch.domain.errors import ReadwatchError
from readwatch.monitor.requests import ReadItems
from readwatch.monitor.worker import Worker


@dataclass(frozen=True, slots=True)
class Intent:
    """What somebody is about to do: done once it is on record, or told why it is not."""

    done: Callable[[], object]
    refused: Callable[[ReadwatchError], object]


class AuditedActions:
    """Asks the watcher for entries of the access log, and knows what each of them is for."""

    def __init__(self, watcher: Worker) -> None:
        self._watcher = watcher
        self._numbers = count(1)
        self._intents: dict[int, Intent] = {}
        self._log_asked = 0

    def ask(
        self,
        action: AuditAction,
        reader_id: int | None,
        details: str,
        intent: Intent,
        then: Callable[[ReadItems], object] = lambda _: None,
    ) -> None:
        """Ask for an entry; before the intent is done, the watcher's thread does `then`."""
        self._watcher.record(self._note(intent), action, reader_id, details, then)

    def ask_for_log(self, intent: Intent) -> None:
        """Ask to see the access log."""
        self._log_asked = self._note(intent)
        self._watcher.open_log(self._log_asked)

    def forget_log(self) -> None:
        """Let nothing come of the last wish to see the access log."""
        self._intents.pop(self._log_asked, None)

    def done(self, number: int) -> None:
        """Do what was intended, now that it is on record."""
        if (intent := self._intents.pop(number, None)) is not None:
            intent.done()

    def refused(self, number: int, refusal: ReadwatchError) -> None:
        """Say why what was intended is not done."""
        if (intent := self._intents.pop(number, None)) is not None:
            intent.refused(refusal)

    def forget_all(self) -> None:
        """Let nothing come of any intent."""
        self._intents.clear()

    def _note(self, intent: Intent) -> int:
        number = next(self._numbers)
        self._intents[number] = intent
        return number
