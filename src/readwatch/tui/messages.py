"""The border between the monitor's thread and Textual's: events become messages, futures calls."""

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
    """An event that the monitor has posted."""

    def __init__(self, event: Event) -> None:
        super().__init__()
        self.event = event

    def can_replace(self, message: Message) -> bool:
        """Let a newer snapshot replace one of the same view that still waits."""
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
    """Call one of both in the app's thread, in the order of its messages; neither if the future is
    cancelled.
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
