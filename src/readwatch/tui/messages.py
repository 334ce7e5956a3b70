"""Events of the worker's thread as Textual messages, and results of futures as calls."""

from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import TypeVar

from textual.app import App
from textual.message import Message

from readwatch.domain.errors import ReadwatchError
from readwatch.monitor.events import Event, ViewSnapshotReady

Result = TypeVar("Result")


class MonitorEvent(Message):
    """An event of the worker."""

    def __init__(self, event: Event) -> None:
        super().__init__()
        self.event = event

    def can_replace(self, message: Message) -> bool:
        """Tell whether both messages are snapshots of the same view; Textual keeps the newer."""
        return (
            isinstance(message, MonitorEvent)
            and isinstance(message.event, ViewSnapshotReady)
            and isinstance(self.event, ViewSnapshotReady)
            and message.event.snapshot.view is self.event.snapshot.view
        )


def when_done(
    app: App[None],
    future: Future[Result],
    done: Callable[[Result], object],
    failed: Callable[[ReadwatchError], object],
) -> None:
    """Call one of the two functions in the app's thread, in the order of its messages; call
    neither if the future is cancelled.
    """
    future.add_done_callback(partial(app.call_later, _call, done, failed))


def _call(
    done: Callable[[Result], object],
    failed: Callable[[ReadwatchError], object],
    future: Future[Result],
) -> None:
    if future.cancelled():
        return
    try:
        result = future.result()
    except ReadwatchError as error:
        failed(error)
    else:
        done(result)
