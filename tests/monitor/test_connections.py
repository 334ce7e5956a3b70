"""The connections of a console: they never write to a database that the console cannot use."""

import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from conftest import Cast, StillClock, on_both_engines

from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.errors import ReadwatchError
from readwatch.monitor.connections import Connections
from readwatch.store.audit.log import log_event
from readwatch.store.engine.connections import Database
from readwatch.store.engine.sqlite import sqlite_path

ENTRIES = "SELECT count(*) FROM consultant_access_log"


@pytest.fixture
def connections(url: str) -> Iterator[Connections]:
    connections = Connections(url, on_close=lambda: None)
    yield connections
    connections.close()


@on_both_engines
def test_after_an_upgrade_nothing_is_appended_to_the_access_log(
    connections: Connections, cast: Cast, db: Database, clock: StillClock
) -> None:
    event = AuditEvent(cast.cara.id, AuditAction.VIEWED_READER_PROFILE, cast.ann.id)
    with connections.access_log() as access_log:
        log_event(access_log, event, clock())
    db.execute_sql(
        "INSERT INTO schema_history (number, name, checksum)"
        " VALUES ((SELECT max(number) + 1 FROM schema_history), 'future', 'x')"
    )
    with pytest.raises(ReadwatchError, match="upgrade readwatch"), connections.access_log():
        pass
    assert db.execute_sql(ENTRIES).fetchone() == (1,)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_an_entry_is_not_written_into_a_file_that_is_replaced_meanwhile(
    connections: Connections, url: str, cast: Cast, clock: StillClock
) -> None:
    file = sqlite_path(url)
    other = shutil.copy(file, file.with_name("other"))
    event = AuditEvent(cast.cara.id, AuditAction.VIEWED_READER_PROFILE, cast.ann.id)

    def append_after_the_file_was_replaced() -> None:
        with connections.access_log() as access_log:
            os.replace(other, file)
            log_event(access_log, event, clock())

    with pytest.raises(ReadwatchError, match="was removed or replaced"):
        append_after_the_file_was_replaced()
    with connections.data():
        pass
    with connections.access_log() as access_log:
        assert access_log.execute_sql("SELECT count(id) FROM consultant_access_log").fetchone() == (
            0,
        )


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_what_is_read_from_one_file_is_not_logged_in_another(
    connections: Connections, url: str, cast: Cast, clock: StillClock
) -> None:
    file = sqlite_path(url)
    other = shutil.copy(file, file.with_name("other"))
    event = AuditEvent(cast.cara.id, AuditAction.VIEWED_LIST, cast.ann.id)

    def read_and_log(while_reading: Callable[[], object] = lambda: None) -> None:
        with connections.data():
            while_reading()
            with connections.access_log() as access_log:
                log_event(access_log, event, clock())

    with pytest.raises(ReadwatchError, match="the database file was replaced at this moment"):
        read_and_log(lambda: os.replace(other, file))
    with connections.data() as db:
        assert db.execute_sql(ENTRIES).fetchone() == (0,)
    read_and_log()
    with connections.data() as db:
        assert db.execute_sql(ENTRIES).fetchone() == (1,)
