"""Signals that end the demo become an exception, so that the demo cleans up."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SECONDS_UNTIL_REPEAT = 0.05


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Raise KeyboardInterrupt at SIGINT, and SystemExit with 128 and the number at the others.

    The signals after the first are ignored: a closed window sends two, and the second must not
    interrupt the cleanup. Python drops an exception if the signal arrives while a destructor or
    the callback of a weak reference runs: then it is raised again after a moment.
    """
    before = {number: signal.signal(number, _stop) for number in _SIGNALS}
    hook, sys.unraisablehook = sys.unraisablehook, _stop_again
    alarm = signal.getsignal(signal.SIGALRM)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.unraisablehook = hook
        signal.signal(signal.SIGALRM, alarm)
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(number: int, _frame: object) -> None:
    for ignored in _SIGNALS:
        signal.signal(ignored, signal.SIG_IGN)
    raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)


def _stop_again(dropped: "sys.UnraisableHookArgs") -> None:
    error = dropped.exc_value
    if not isinstance(error, KeyboardInterrupt | SystemExit):
        sys.__unraisablehook__(dropped)
        return

    def stop(_number: int, _frame: object) -> None:
        raise error

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, _SECONDS_UNTIL_REPEAT)
