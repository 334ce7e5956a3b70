"""Readers whose apps the monitor watches."""

import pytest
from conftest import Cast, StillClock
from reading_app import ReadingApp

from readwatch.store.engine.connections import Database


@pytest.fixture
def ann(db: Database, cast: Cast, clock: StillClock) -> ReadingApp:
    return ReadingApp(db, cast.ann, clock)
