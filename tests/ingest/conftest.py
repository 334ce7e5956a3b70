"""The service on a real database, with the cast as its clients."""

from collections.abc import Iterator
from time import monotonic, sleep
from typing import Any

import pytest
from ingest.api import Api, ApiClient
from ingest.process import TIMEOUT

from readwatch.domain.clock import Clock
from readwatch.ingest.app import create_app
from readwatch.ingest.services import Settings


@pytest.fixture
def api(url: str, cast: Any, clock: Clock) -> Iterator[Api]:
    app = create_app(Settings(url, bcrypt_cost=4), clock)
    # The first round of retention must not see a clock that a test has advanced.
    deadline = monotonic() + TIMEOUT
    while not app.extensions["readwatch"].retention.completed_rounds:
        assert monotonic() < deadline, "the first round of retention does not end"
        sleep(0.001)
    yield Api(app.test_client(), app=app)
    app.extensions["readwatch"].close()


@pytest.fixture
def ann(api: Api) -> ApiClient:
    """Ann's app, logged in."""
    return api.login("ann@example.org")


@pytest.fixture
def ben(api: Api) -> ApiClient:
    """Ben's app, logged in."""
    return api.login("ben@example.org")


@pytest.fixture
def cara(api: Api) -> ApiClient:
    """Cara, a consultant, logged in."""
    return api.login("cara@example.org")


@pytest.fixture
def dora(api: Api) -> ApiClient:
    """Dora, an admin, logged in."""
    return api.login("dora@example.org")
