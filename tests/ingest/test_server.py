"""The server as a process: it starts, answers, and ends without losing anything."""

import errno
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPException
from pathlib import Path
from threading import Barrier, Event, Lock
from time import monotonic
from typing import Any

import apsw
import pytest
from conftest import PASSWORD
from ingest.api import fetch_all
from ingest.process import (
    TIMEOUT,
    App,
    ServerProcess,
    announced_port,
    serve_command,
    serving,
)

from readwatch.domain.errors import ReadwatchError
from readwatch.ingest.body_reads import MAX_OF_ACCOUNT
from readwatch.ingest.listen_address import listening_port
from readwatch.ingest.server import RESTART_PAUSES, _next_pause, serve
from readwatch.ingest.services import Settings
from readwatch.store.engine.connections import Database
from readwatch.store.engine.sqlite import sqlite_path

POSTS = 2 * MAX_OF_ACCOUNT
PAGE = {"activity_type": "page_read", "content_id": "emma", "duration_seconds": 1}

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
"""For what does not depend on the engine, because starting a process takes a second."""

on_linux = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="only Linux has /proc")


def test_it_prints_where_it_listens_answers_at_once_and_stops_at_sigterm(
    url: str, cast: Any
) -> None:
    with serving(url) as server:
        assert server.app().request("GET", "/livez") == (200, {"status": "ok"})
        ann = server.app("ann@example.org")
        assert ann.post("/api/heartbeat")[0] == 200
        assert ann.post("/api/activities", PAGE) == (201, {"id": 1, "status": "accepted"})
        status, account = ann.request("GET", "/api/me")
        assert (status, account["profile"]["unique_content_read"]) == (200, 1)
        assert ann.request("GET", "/nothing")[0] == 404
        assert ann.post("/api/logout") == (204, None)
        assert ann.post("/api/heartbeat")[0] == 401

        assert server.stop(signal.SIGTERM) == (0, "", "")


def test_an_account_suspended_by_the_cli_is_soon_refused_by_a_running_server(
    url: str, cast: Any
) -> None:
    suspend = [sys.executable, "-m", "readwatch", "--database", url, "user", "suspend"]
    with serving(url) as server:
        ann, cara, ben = (server.app(f"{name}@example.org") for name in ("ann", "cara", "ben"))
        for app in (ann, cara, ben):
            assert app.request("GET", "/api/me")[0] == 200
        for email in ("ann@example.org", "cara@example.org"):
            subprocess.run([*suspend, email], check=True, capture_output=True)

        deadline = monotonic() + TIMEOUT
        while (ann.post("/api/heartbeat")[0], cara.request("GET", "/api/me")[0]) != (401, 401):
            assert monotonic() < deadline
        assert ben.post("/api/heartbeat")[0] == 200


def test_as_many_posts_at_once_as_two_accounts_may_have_are_answered(
    url: str, cast: Any, db: Database
) -> None:
    all_are_ready = Barrier(POSTS)

    def post_five(app: App) -> list[tuple[int, Any]]:
        all_are_ready.wait(TIMEOUT)
        return [app.post("/api/activities", PAGE) for _ in range(5)]

    with serving(url) as server:
        apps = [server.app(f"{name}@example.org") for name in ("ann", "ben") * MAX_OF_ACCOUNT]
        with ThreadPoolExecutor(POSTS) as threads:
            answers = [answer for five in threads.map(post_five, apps) for answer in five]
        assert server.stop() == (0, "", ""), "also with many threads in use"

    assert {status for status, _ in answers} == {201}
    assert len({answer["id"] for _, answer in answers}) == POSTS * 5
    assert fetch_all(db, "SELECT count(*) FROM reader_activities") == [(POSTS * 5,)]
    assert fetch_all(db, "SELECT sum(total_reading_seconds) FROM reader_profiles") == [(POSTS * 5,)]
    assert fetch_all(db, "SELECT sum(activities) FROM activity_counts") == [(POSTS * 5,)]


def posting_until_it_stops(acknowledged: set[int], enough: Event) -> Callable[[App], int]:
    """Return a function that posts until it fails and returns the last status, 0 without one."""
    lock = Lock()

    def post(app: App) -> int:
        for _ in range(10_000):
            try:
                status, answer = app.post("/api/activities", PAGE)
            except (OSError, HTTPException):
                return 0
            if status != 201:
                return status
            with lock:
                acknowledged.add(answer["id"])
                if len(acknowledged) >= 200:
                    enough.set()
        return status

    return post


def test_stopped_under_load_it_has_stored_all_that_it_acknowledged(
    url: str, cast: Any, db: Database
) -> None:
    acknowledged: set[int] = set()
    enough = Event()
    with serving(url) as server, ThreadPoolExecutor(8) as threads:
        apps = [server.app(f"{name}@example.org") for name in ("ann", "ben") * 4]
        ends = threads.map(posting_until_it_stops(acknowledged, enough), apps)
        assert enough.wait(TIMEOUT)

        assert server.stop() == (0, "", "")
        assert set(ends) <= {0, 503}, "refused, without internal errors"

    stored = {activity_id for (activity_id,) in fetch_all(db, "SELECT id FROM reader_activities")}
    assert acknowledged <= stored
    assert len(acknowledged) >= 200
    assert fetch_all(db, "SELECT sum(total_reading_seconds) FROM reader_profiles") == [
        (len(stored),)
    ]


def remove(file: Path) -> None:
    file.unlink()


def replace(file: Path) -> None:
    os.replace(file.with_name("other"), file)


@on_sqlite
@pytest.mark.parametrize("act", [remove, replace])
def test_no_acknowledged_post_is_lost_with_a_file_that_is_removed_or_replaced(
    url: str, cast: Any, act: Callable[[Path], None]
) -> None:
    file, removed = sqlite_path(url), sqlite_path(url).with_name("removed")
    shutil.copy(file, file.with_name("other"))
    os.link(file, removed)
    acknowledged: set[int] = set()
    enough = Event()
    with serving(url) as server, ThreadPoolExecutor(8) as threads:
        apps = [server.app(f"{name}@example.org") for name in ("ann", "ben") * 4]
        ends = threads.map(posting_until_it_stops(acknowledged, enough), apps)
        assert enough.wait(TIMEOUT)
        act(file)
        assert set(ends) == {503}
        status, answer = apps[0].request("GET", "/readyz")
        assert (status, apps[0].post("/api/heartbeat")[0]) == (503, 503)
        assert f"{file} was removed or replaced" in answer["reasons"][0]
        code, _, log = server.stop()
    assert (code, log.count(" ERROR ")) == (0, 1)

    # Without its WAL, which was not moved with it.
    with closing(apsw.Connection(str(removed))) as connection:
        stored = {row[0] for row in connection.execute("SELECT id FROM reader_activities")}
        assert acknowledged <= stored
        assert connection.pragma("integrity_check") == "ok"
    if file.exists():
        with closing(apsw.Connection(str(file))) as connection:
            assert not connection.execute("SELECT 1 FROM reader_activities").fetchall()
            assert connection.pragma("integrity_check") == "ok"


# The worker -------------------------------------------------------------------------------------


def kill_worker(server: ServerProcess) -> None:
    """Kill the process that answers the requests, the last child of the server.

    From Python 3.14 on a process that tracks resources comes before it.
    """
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    os.kill(int(children.read_text().split()[-1]), signal.SIGKILL)


@on_sqlite
@on_linux
def test_a_worker_that_is_killed_three_times_is_started_again_each_time(
    url: str, cast: Any, db: Database
) -> None:
    with serving(url) as server:
        for _ in range(3):
            kill_worker(server)
            assert announced_port(server.process) == server.port
            assert server.app("ann@example.org").post("/api/activities", PAGE)[0] == 201
        code, _, log = server.stop()
    assert code == 0
    line = "ERROR the worker ended unexpectedly; another one starts after"
    assert [ended.partition(" ")[2] for ended in log.splitlines()] == [
        f"{line} {pause:g} s" for pause in RESTART_PAUSES[:3]
    ]
    assert fetch_all(db, "SELECT count(*) FROM reader_activities") == [(3,)]


@on_sqlite
@on_linux
def test_a_worker_is_not_started_on_a_file_that_has_replaced_the_database(
    url: str, cast: Any
) -> None:
    file = sqlite_path(url)
    shutil.copy(file, file.with_name("other"))
    with serving(url) as server:
        os.replace(file.with_name("other"), file)
        kill_worker(server)
        code, _, log = server.ended()
    assert code == 1
    assert log.splitlines()[-1].startswith(f"readwatch: {file} was removed or replaced")


def test_a_server_whose_workers_end_again_and_again_gives_up_with_a_reason() -> None:
    pauses = iter(RESTART_PAUSES)
    assert [_next_pause(pauses) for _ in RESTART_PAUSES] == sorted(RESTART_PAUSES)
    with pytest.raises(ReadwatchError, match="ended 11 times"):
        _next_pause(pauses)


@on_sqlite
def test_after_ctrl_c_the_content_of_the_wal_is_in_the_file(
    url: str, cast: Any, db: Database
) -> None:
    wal = Path(f"{db.database}-wal")
    db.close()
    with serving(url) as server:
        assert server.app("ann@example.org").post("/api/activities", PAGE)[0] == 201
        assert wal.stat().st_size > 0
        assert server.stop(signal.SIGINT) == (0, "", "")

    assert not wal.exists() or wal.stat().st_size == 0
    db.connect()
    assert fetch_all(db, "SELECT count(*) FROM reader_activities") == [(1,)]


@on_sqlite
def test_when_its_main_process_is_killed_the_worker_ends_too_and_nothing_is_lost(
    url: str, cast: Any, db: Database
) -> None:
    with serving(url) as server:
        assert server.app("ann@example.org").post("/api/activities", PAGE)[0] == 201
        assert server.stop(signal.SIGKILL) == (-signal.SIGKILL, "", ""), (
            "all descriptors are closed"
        )
        assert listening_port("127.0.0.1", server.port) == server.port

    assert fetch_all(db, "SELECT count(*) FROM reader_activities") == [(1,)]


@on_sqlite
def test_a_resume_whose_answer_is_lost_in_a_crash_can_be_sent_again(
    url: str, cast: Any, db: Database
) -> None:
    sessions = "SELECT count(*) FROM reader_sessions"
    with serving(url) as server:
        app = server.app()
        login = {"email": "ann@example.org", "password": PASSWORD}
        body = {"resume_token": app.post("/api/login", login)[1]["resume_token"]}
        app.connection.request("POST", "/api/resume", json.dumps(body))
        deadline = monotonic() + TIMEOUT
        while fetch_all(db, sessions) != [(2,)]:  # committed
            assert monotonic() < deadline
        os.killpg(server.process.pid, signal.SIGKILL)

    with serving(url) as server:
        app = server.app()
        status, resumed = app.post("/api/resume", body)
        assert status == 200
        app.token = resumed["token"]
        assert app.post("/api/heartbeat")[0] == 200
        assert fetch_all(db, sessions) == [(2,)]


@on_sqlite
def test_when_its_terminal_is_closed_it_stops_regularly(url: str) -> None:
    with serving(url) as server:
        os.killpg(server.process.pid, signal.SIGHUP)  # the worker gets it too
        assert server.ended() == (0, "", "")


@on_sqlite
def test_started_with_nohup_it_goes_on_when_the_terminal_is_closed(url: str) -> None:
    with serving(url, before=("nohup",)) as server:
        os.killpg(server.process.pid, signal.SIGHUP)
        assert server.app().request("GET", "/livez")[0] == 200


@on_sqlite
def test_a_port_in_use_is_an_error_of_one_line_with_the_fix(url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = subprocess.run(
            serve_command(url, "--port", str(port)),
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )

    assert (ended.returncode, ended.stdout) == (1, "")
    line = f"readwatch: cannot listen on 127.0.0.1 port {port}: {os.strerror(errno.EADDRINUSE)}"
    assert ended.stderr == f"{line}; choose another port with --port\n"


def refusal(url: str, host: str = "127.0.0.1", port: int = 0) -> ReadwatchError:
    """Return why the server does not start."""
    with pytest.raises(ReadwatchError) as refused:
        serve(Settings(url, bcrypt_cost=4), host, port)
    return refused.value


@on_sqlite
def test_two_servers_cannot_share_a_port(url: str) -> None:
    """The system would allow it: granian asks to share the port."""
    with serving(url) as server:
        assert "cannot listen" in refusal(url, port=server.port).message
        assert server.app().request("GET", "/livez")[0] == 200


def test_an_address_of_another_machine_is_refused(url: str) -> None:
    assert refusal(url, "192.0.2.1").message.startswith("cannot listen on 192.0.2.1 port 0: ")


def test_a_database_without_a_schema_is_refused_with_the_fix(empty_url: str) -> None:
    assert "readwatch init" in refusal(empty_url).message


def test_a_newer_schema_is_refused(url: str, db: Database) -> None:
    number = "(SELECT max(number) + 1 FROM schema_history)"
    db.execute_sql(
        f"INSERT INTO schema_history (number, name, checksum) VALUES ({number}, 'future', 'x')"
    )
    assert "upgrade readwatch" in refusal(url).message
