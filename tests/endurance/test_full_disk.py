"""While the disk is full nothing is acknowledged that is not kept; with room again all goes on."""

import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from conftest import Cast
from endurance.apps import StubbornApp, Told, activity
from endurance.length import proof
from endurance.truth import assert_healthy, assert_no_fault, events_kept
from ingest.api import invalid_fields
from ingest.process import serving

from readwatch.domain.errors import ReadwatchError
from readwatch.store.engine.connections import Database, close_all, connection, open_database
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.sqlite import sqlite_path, truncate_wal, wal_bytes
from readwatch.store.lifecycle.vacuum import vacuum_steps

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Disk:
    """A disk that can be filled, and what the server's environment has to say about it."""

    folder: Path
    fill: Callable[[], None]
    make_room: Callable[[], None]
    environment: dict[str, str] = field(default_factory=dict)


@contextmanager
def pretended(folder: Path) -> Iterator[Disk]:
    """SQLite itself is told by its file layer that there is no room."""
    full = folder / "full"
    environment = {
        "PYTHONPATH": str(HERE / "full_disk"),
        "READWATCH_TEST_DISK_IS_FULL": str(full),
    }
    yield Disk(folder, full.touch, full.unlink, environment)


@contextmanager
def small(folder: Path) -> Iterator[Disk]:
    """A real file system of 8 MiB, for which one has to be root on Linux."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "readwatch", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("a file system can be mounted here by nobody, or not by us")
    ballast = folder / "ballast"

    def fill() -> None:
        with ballast.open("wb", buffering=0) as file:
            for size in (64 * 1024, 1):
                try:
                    while file.write(bytes(size)):
                        pass
                except OSError:
                    continue

    try:
        yield Disk(folder, fill, ballast.unlink)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("kind", "times"),
    [
        pytest.param(pretended, 1, id="short"),
        proof(pretended, 10, id="pretended"),
        proof(small, 10, id="small"),
    ],
)
def test_a_full_disk_is_reported_reads_go_on_and_with_room_again_everything_is_stored_once(
    url: str,
    cast: Cast,
    db: Database,
    tmp_path: Path,
    kind: Callable[[Path], AbstractContextManager[Disk]],
    times: int,
    proved: Callable[[str], None],
) -> None:
    db.close()
    folder = tmp_path / "disk"
    folder.mkdir()
    word = Told()
    with kind(folder) as disk:
        shutil.copy(sqlite_path(url), folder)
        url = f"sqlite:///{folder / sqlite_path(url).name}"
        with serving(url, environment=disk.environment) as server, ExitStack() as stack:
            ann, ben, cara = (
                stack.enter_context(signed_in(server.port, user.email))
                for user in (cast.ann, cast.ben, cast.cara)
            )
            batches = ((ann, 1), (ben, 50))
            for turn in range(times):
                disk.fill()
                refused = [
                    (app, post_until_refused(app, word, turn, size)) for app, size in batches
                ]
                assert ann.once("POST", "/api/heartbeat")[0] == 503
                status, answer = cara.once("GET", "/readyz")
                assert (status, "is full" in str(answer)) == (503, True)
                assert ann.once("GET", "/api/me")[0] == 200
                if kind is pretended:  # in a real one there may be room for an entry
                    for look in "online", str(cast.ann.id):
                        status, answer = cara.once("GET", f"/api/readers/{look}")
                        assert (status, "Ann" in str(answer)) == (503, False)
                disk.make_room()
                for app, events in refused:
                    status, answer = app.post("/api/activities", body(events))
                    assert status == 200
                    note(app, word, events, answer)
                assert ann.once("POST", "/api/heartbeat")[0] == 200
                assert cara.once("GET", "/readyz")[0] == 200
            code, _, log = server.stop()
            assert code == 0
            assert_no_fault(log)
            assert "the disk of the database is full" in log
        db = open_database(url, Role.OWNER)
        with connection(db):
            assert events_kept(db) == word.activities
            assert_healthy(db)
        close_all(db)
    proved(
        f"{times} times a full disk ({kind.__name__}): 503 for what writes, 200 for what reads;"
        f" with room again {len(word.activities)} acknowledged activities are there once"
    )


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize("kind", [proof(small, id="small")])
def test_a_vacuum_that_fills_the_disk_changes_nothing(
    url: str, db: Database, tmp_path: Path, kind: Callable[[Path], AbstractContextManager[Disk]]
) -> None:
    db.execute_sql("CREATE TABLE filler (bytes BLOB)")
    db.execute_sql("INSERT INTO filler VALUES (randomblob(5000000))")
    truncate_wal(db)  # type: ignore[arg-type]
    db.close()
    folder = tmp_path / "disk"
    folder.mkdir()
    with kind(folder):
        shutil.copy(sqlite_path(url), folder)
        full = open_database(f"sqlite:///{folder / sqlite_path(url).name}", Role.OWNER)
        with pytest.raises(ReadwatchError, match="is full"), connection(full):
            list(vacuum_steps(full))
        with connection(full):
            assert full.execute_sql("PRAGMA integrity_check").fetchone() == ("ok",)
            assert full.execute_sql("SELECT count(*) FROM filler").fetchone() == (1,)
            assert wal_bytes(full) == 0
            full.execute_sql("DELETE FROM filler")
        close_all(full)


@contextmanager
def signed_in(port: int, email: str) -> Iterator[StubbornApp]:
    app = StubbornApp(port, email)
    app.login()
    yield app
    app.connection.close()


def body(events: Sequence[str]) -> dict[str, Any]:
    return {"activities": [activity(event) for event in events]}


def note(app: StubbornApp, word: Told, events: Sequence[str], answer: Any) -> None:
    """Note what is kept; nothing was kept of it when it was refused."""
    for event, item in zip(events, answer["results"], strict=True):
        assert item["status"] == "accepted"
        word.note(app, event, item)


def post_until_refused(app: StubbornApp, word: Told, turn: int, size: int) -> list[str]:
    """Post on, as there may be room in the files that are there; return what was refused."""
    for number in range(1000):
        events = [f"turn {turn} batch {number} of {size} item {item}" for item in range(size)]
        status, answer = app.once("POST", "/api/activities", body(events))
        if status != 200:
            invalid_fields(answer, 503)
            assert app.retry_after > 0
            return events
        note(app, word, events, answer)
    raise AssertionError("it is never full")
