"""The time zone of the machine, for tests of days and hours."""

import os
import time
from collections.abc import Callable, Iterator

import pytest


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """`zone(name)` sets the time zone of the machine."""
    before = os.environ.get("TZ")

    def zone(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield zone
    monkeypatch.setenv("TZ", before) if before else monkeypatch.delenv("TZ", raising=False)
    time.tzset()
