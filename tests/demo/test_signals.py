"""Signals that end the demo."""

import signal
import weakref
from collections.abc import Iterator
from time import sleep

import pytest
from tui.real_terminal import PATIENCE_SECONDS

from readwatch.demo.signals import stopped_by_signals


class Anything:
    pass


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """The process keeps its handlers."""
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    yield
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


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
        sleep(PATIENCE_SECONDS)

    with pytest.raises(error), stopped_by_signals():
        run()
