"""Signals that end a command: it leaves nothing half-done, as after ctrl+c."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


class EndedBySignal(SystemExit):
    """A signal ends the process, after the context managers have cleaned up.

    The exit status is 128 and the number of the signal, as a shell says it.
    """

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)


@contextmanager
def signals_as_exceptions() -> Iterator[None]:
    """Raise EndedBySignal at SIGTERM and SIGHUP, which otherwise end the process at once.

    A signal that is ignored, as SIGHUP under nohup, stays ignored. `serve`, the console and the
    demo replace these handlers by their own.
    """
    defaults = [each for each in _SIGNALS if signal.getsignal(each) is signal.SIG_DFL]
    for number in defaults:
        signal.signal(number, _end)
    try:
        yield
    finally:
        for number in defaults:
            signal.signal(number, signal.SIG_DFL)


def _end(number: int, _frame: object) -> None:
    for ignored in _SIGNALS:  # a closed window sends both; the second must not stop the cleanup
        signal.signal(ignored, signal.SIG_IGN)
    raise EndedBySignal(number)
