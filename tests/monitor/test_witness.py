"""A console keeps the end of the log that it saw, and misses it when it is gone."""

from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Cast, Connections, StillClock

from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.audit_chain import parsed_anchors
from readwatch.monitor.witness import Witness
from readwatch.store.audit.heads import current_head
from readwatch.store.audit.log import log_event
from readwatch.store.engine.connections import Database, is_sqlite
from readwatch.store.engine.privileges import Role

LOG = "consultant_access_log"
DROP = "DROP TRIGGER consultant_access_log_keeps_rows"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state" / "readwatch"


@pytest.fixture
def witness(url: str, cast: Cast, folder: Path) -> Witness:
    return Witness(folder, url, cast.cara.id)


@pytest.fixture
def log_in(connected: Connections, cast: Cast, clock: StillClock) -> Callable[[], None]:
    def log_in() -> None:
        log = connected(Role.ACCESS_LOG)
        log_event(log, AuditEvent(cast.cara.id, AuditAction.LOGGED_IN), clock())

    return log_in


def test_what_was_seen_is_found_again_after_further_entries(
    witness: Witness, connected: Connections, log_in: Callable[[], None], clock: StillClock
) -> None:
    db = connected(Role.CONSOLE)
    assert witness.missing(db) is None
    witness.see(db, clock())
    assert witness.missing(db) is None
    log_in()
    witness.see(db, clock())
    log_in()
    assert witness.missing(db) is None


def test_what_was_seen_is_missed_when_it_was_cut_off(
    witness: Witness,
    connected: Connections,
    log_in: Callable[[], None],
    clock: StillClock,
    db: Database,
) -> None:
    log_in()
    witness.see(connected(Role.CONSOLE), clock())
    db.execute_sql(DROP if is_sqlite(db) else f"{DROP} ON {LOG}")
    db.execute_sql(f"DELETE FROM {LOG}")
    assert witness.missing(connected(Role.CONSOLE)) == (
        "the access log was cut off or rewritten: entry 1, its last one at "
        "2026-11-22 12:00:00 UTC, is missing"
    )


def test_its_file_is_for_the_consultant_alone_and_an_anchor(
    witness: Witness,
    connected: Connections,
    log_in: Callable[[], None],
    clock: StillClock,
    folder: Path,
) -> None:
    log_in()
    witness.see(connected(Role.CONSOLE), clock())
    (file,) = folder.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    for private in (folder, folder.parent):
        assert private.stat().st_mode & 0o777 == 0o700
    (anchor,) = parsed_anchors(file.read_text())
    assert anchor.head == current_head(connected(Role.CONSOLE))


@pytest.mark.parametrize("content", [b"", b"\xff\xff", b"something else\n"])
def test_a_file_that_cannot_be_read_attests_nothing(
    witness: Witness, connected: Connections, clock: StillClock, content: bytes, folder: Path
) -> None:
    db = connected(Role.CONSOLE)
    witness.see(db, clock())
    (file,) = folder.iterdir()
    file.write_bytes(content)
    assert witness.missing(db) is None


def test_without_a_folder_nothing_is_kept(
    url: str, cast: Cast, connected: Connections, clock: StillClock, tmp_path: Path
) -> None:
    witness = Witness(None, url, cast.cara.id)
    witness.see(connected(Role.CONSOLE), clock())
    assert witness.missing(connected(Role.CONSOLE)) is None
    assert list(tmp_path.glob("**/witness-*")) == []
