"""An access log with nine entries."""

import pytest

from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.store.audit.log import log_event
from readwatch.store.engine.connections import Database
from readwatch.store.engine.privileges import Role


@pytest.fixture
def log(connected, cast, clock) -> Database:
    """Nine entries, one a second, and the connection of the program that verifies them."""
    for number in range(1, 10):
        reader = (cast.ann, cast.ben)[number % 2]
        event = AuditEvent(
            cast.cara.id, AuditAction.VIEWED_READER_PROFILE, reader.id, f"Büro {number}"
        )
        log_event(connected(Role.ACCESS_LOG), event, clock.advance(seconds=1))
    return connected(Role.MAINTENANCE)
