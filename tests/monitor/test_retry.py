"""The pauses between the tries to reach a database that is lost."""

from datetime import timedelta

import pytest
from conftest import NOON

from readwatch.monitor import retry
from readwatch.monitor.retry import Retry


def test_pauses_grow_to_four_seconds_until_the_database_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seconds = 1000.0
    monkeypatch.setattr(retry, "uptime", lambda: seconds)
    failures = Retry()

    def is_pausing() -> bool:  # type checkers take a property for constant between two asserts
        return failures.is_pausing

    for minute, longest in enumerate((1, 2, 4, 4)):
        assert not is_pausing()
        assert failures.record_failure(NOON + timedelta(minutes=minute)) == NOON
        seconds += longest / 2 - 0.01
        assert is_pausing()
        seconds += longest / 2 + 0.02
    failures.record_failure(NOON)
    failures.reset()
    assert not is_pausing()
    assert failures.record_failure(NOON + timedelta(hours=1)) == NOON + timedelta(hours=1)
