"""One maintenance command at a time, in all processes, on both engines."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from time import monotonic

import pytest
from ingest.process import TIMEOUT

from readwatch.domain.errors import ReadwatchError
from readwatch.store.engine.connections import Database, connection
from readwatch.store.engine.exclusive import exclusive_maintenance
from readwatch.store.engine.privileges import Role

HOLD = """
import sys
from readwatch.cli.database import database
from readwatch.store.engine.exclusive import exclusive_maintenance
from readwatch.store.engine.privileges import Role
with database(sys.argv[1], Role.ERASURE) as db, exclusive_maintenance(db):
    print("locked", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_the_second_program_is_refused_until_the_first_one_has_ended(
    url: str, cast: object, connected, end: int
) -> None:
    db: Database = connected(Role.ARCHIVE)
    command = [sys.executable, "-c", HOLD, url]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "locked\n"
        refused = pytest.raises(ReadwatchError, match="another command archives, purges, exports")
        with refused, connection(db), exclusive_maintenance(db):
            pass
        process.send_signal(end)
        process.wait()
    with connection(db):
        wait_until_free(db)


def wait_until_free(db: Database) -> None:
    """PostgreSQL notices after a moment that a process is gone."""
    deadline = monotonic() + TIMEOUT
    while monotonic() < deadline:
        with suppress(ReadwatchError), exclusive_maintenance(db):
            return
    raise AssertionError("it is never free")


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_the_locks_of_sqlite_stay_and_the_file_is_private(connected, tmp_path) -> None:
    db: Database = connected(Role.ARCHIVE)
    with db.atomic(), exclusive_maintenance(db):
        pass
    with connection(db), exclusive_maintenance(db):
        file = tmp_path / "readwatch.db.maintenance"
        assert file.stat().st_mode & 0o777 == 0o600
        with pytest.raises(ReadwatchError, match="another command"), exclusive_maintenance(db):
            pass


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_root_gives_away_no_file_of_others_that_has_the_name_of_the_lock(
    connected, tmp_path, link
) -> None:
    """Who runs the service owns the folder, and could put a link there."""
    db: Database = connected(Role.ARCHIVE)
    secret = tmp_path / "secret"
    secret.touch(mode=0o600)
    owner = secret.stat().st_uid
    link(secret, tmp_path / "readwatch.db.maintenance")
    if os.geteuid() == 0:
        os.chown(tmp_path / "readwatch.db", 12345, 12345)
    refused = pytest.raises(ReadwatchError, match=r"readwatch\.db\.maintenance .*a link")
    with refused, connection(db), exclusive_maintenance(db):
        pass
    assert secret.stat().st_uid == owner
