"""Signals that end the demo."""

import signal
import sys
import weakref
from collections.abc import Iterator
from threading import Event

import pytest
from tui.real_terminal import PATIENCE_SECONDS

from readwatch.demo.signals import stopped_by_signals


class Anything:
    pass


def handlers() -> list[object]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)
    return [*map(signal.getsignal, numbers), sys.unraisablehook]


@pytest.fixture(autouse=True)
def kept_handlers() -> Iterator[None]:
    """The process keeps its handlers."""
    before = handlers()
    yield
    assert handlers() == before


ENDS = pytest.mark.parametrize(
    ("number", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)]
)


@ENDS
def test_a_second_signal_does_not_interrupt_the_cleanup(
    number: int, error: type[BaseException]
) -> None:
    cleaned = []

    def run() -> None:
        try:
            signal.raise_signal(number)
        finally:
            signal.raise_signal(signal.SIGINT)
            cleaned.append(True)

    with pytest.raises(error), stopped_by_signals():
        run()
    assert cleaned


@ENDS
def test_a_signal_during_a_callback_of_python_is_not_lost(
    number: int, error: type[BaseException]
) -> None:
    def run() -> None:
        thing = Anything()
        reference = weakref.ref(thing, lambda _: signal.raise_signal(number))
        del thing
        assert reference() is None, "and the exception of the signal is dropped"
        Event().wait(PATIENCE_SECONDS)
        pytest.fail("the signal is lost")

    with pytest.raises(error), stopped_by_signals():
        run()
