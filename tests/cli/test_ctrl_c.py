"""Ctrl+c and SIGTERM end every command, and leave the database and the disk as they were."""

import os
import shlex
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from zipfile import ZipFile

import click
import pytest
from cli.shell import ADMIN_PASSWORD, COMMANDS, Shell, log, shell_status
from cli.test_examples import BEFORE, SAMPLE, STOPPED, examples_of
from conftest import Cast
from ingest.process import TIMEOUT

from readwatch.domain.clock import system_clock
from readwatch.store.engine.connections import Database, close_all, connection, open_database
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.sqlite import sqlite_path
from readwatch.store.identity.sessions import open_session
from readwatch.store.identity.tokens import hash_token

pytestmark = [
    pytest.mark.parametrize("engine", ["sqlite"], indirect=True),
    pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs Linux"),
]

WRITE_NOTHING = {
    *("audit anchor", "audit verify", "db grant", "db health", "db rights", "init", "settings"),
    *("db status", "db upgrade", "doctor", "group list"),
    *("maintenance archive", "maintenance purge"),  # while nothing is old enough
    *("db log-backup", "db finish-restore"),  # which are for PostgreSQL
    "db restore",  # which refuses a database that is in use
}
"""The commands that do not wait for a program that writes."""

LIKE_ANOTHER = {
    *(f"group {name}" for name in ("assign", "delete", "remove-reader", "rename", "unassign")),
    *(f"user {name}" for name in ("activate", "delete", "role")),
    *("export readers", "export sessions"),
}
"""The commands whose transaction is that of `group add`, `user suspend` or `export activities`."""

WITHOUT_QUESTIONS = {
    **dict.fromkeys(("user delete", "user erase", "db vacuum"), "--yes"),
    **dict.fromkeys(("user passwd", "user role"), "--password-stdin"),
}
"""What to add to an example, so that it asks nothing."""

LONG: Mapping[str, str] = {
    "db backup tuesday.db": ".readwatch-copy-*",
    "db restore monday.db --yes": ".readwatch-copy-*",
    "export activities --output activities.csv": ".*.draft",
    "user export ann@example.org --output ann.zip": ".*.draft",
    "audit export log.csv": ".*.draft",
    "db rebuild": "",
    "user erase ann@example.org --yes": "",
}
"""Commands that take long, and the draft that shows that each is at work; without one its entry of
the access log shows it."""

ENDLESS = """
import sys
from readwatch.cli import main
from readwatch.cli.database import database
with main.exit_on_failure(), main.signals_as_exceptions(), database(sys.argv[1]) as db:
    print("ready", flush=True)
    # Under the name of a table that the role may read.
    db.execute_sql("WITH RECURSIVE users (id) AS (VALUES (1) UNION ALL SELECT 1 FROM users) "
                   "SELECT count(*) FROM users").fetchall()
"""

WAITING = """
import signal
import sys
from itertools import count
from readwatch.cli import main
from readwatch.cli.database import database
from readwatch.store.engine.database import EngineSettings
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.sqlite import truncate_wal
signals = count(1)
def stop(*_):
    if next(signals) == 10:
        signal.setitimer(signal.ITIMER_REAL, 0)
        raise KeyboardInterrupt
signal.signal(signal.SIGALRM, stop)
patience = EngineSettings(busy_seconds=20)
with main.exit_on_failure(), database(sys.argv[1], Role.OWNER, patience) as db:
    with db.atomic():
        db.execute_sql("UPDATE users SET updated_at = updated_at")
    truncate_wal(db)
    print("ready", flush=True)
    sys.stdin.readline()
    signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
    with db.atomic():
        pass
"""
"""Waits for another program after a commit and a checkpoint, which has a patience of its own. Only
a wait that notices signals counts ten of them: they do not queue up."""


def calls() -> Iterator[list[str]]:
    """Yield one example of each command that writes."""
    for words, command in COMMANDS.items():
        name = " ".join(words)
        example = next((each for each in examples_of(command) if "--dry-run" not in each), "")
        if isinstance(command, click.Group) or name in WRITE_NOTHING | LIKE_ANOTHER:
            continue
        if not any(example.startswith(program) for program in STOPPED):
            yield shlex.split(f"{example.partition(' < ')[0]} {WITHOUT_QUESTIONS.get(name, '')}")


def has_open(process: subprocess.Popen[str], file: Path) -> bool:
    assert process.poll() is None, process.communicate()
    for link in Path(f"/proc/{process.pid}/fd").iterdir():
        try:
            if link.samefile(file):
                return True
        except OSError:  # closed meanwhile
            continue
    return False


@pytest.fixture
def other_program(url: str) -> Iterator[Database]:
    """Another program, which can write while nobody else can."""
    db = open_database(url, Role.OWNER)
    with connection(db), db.atomic():
        yield db


@pytest.mark.parametrize("call", [*calls()], ids=" ".join)
def test_ctrl_c_ends_a_command_that_waits_and_nothing_has_happened(
    shell: Shell,
    cast: Cast,
    db: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    call: list[str],
) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / SAMPLE.name).write_bytes(SAMPLE.read_bytes())
    for beginning, words in BEFORE.items():
        if " ".join(call).startswith(beginning):
            assert shell(*words).code == 0
    before, files = log(db), {*folder.iterdir()}
    request.getfixturevalue("other_program")
    with subprocess.Popen(
        [sys.executable, "-m", *call],
        env={**os.environ, "READWATCH_DATABASE": shell.url, "READWATCH_BCRYPT_COST": "4"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        process.stdin.write(f"{ADMIN_PASSWORD}\n")
        process.stdin.flush()
        while not has_open(process, sqlite_path(shell.url)):
            pass
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=TIMEOUT)
    assert (shell_status(process.returncode), out, err.splitlines()[-1]) == (130, "", "stopped")
    assert {*folder.iterdir()} == files
    assert log(db) == before


@pytest.fixture
def history(db: Database, cast: Cast) -> None:
    """Ann has read much, and the rollups do not know it."""
    session = open_session(db, cast.ann, hash_token("x"), system_clock())
    with db.atomic():
        db.execute_sql(
            f"""
            WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
            INSERT INTO reader_activities (
                user_id, session_id, activity_type, content_id, duration_seconds, metadata_json,
                occurred_at, created_at
            ) SELECT
                {cast.ann.id}, {session.session_id}, 'page_read', 'title ' || i % 50, 60,
                hex(zeroblob(400)), '2026-11-30 08:00:00.000', '2026-11-30 08:00:00.000'
            FROM n
            """
        )
    db.close()  # a restore wants the database for itself


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize("words", LONG)
def test_ctrl_c_in_the_middle_of_long_work_leaves_everything_whole(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    """The work may be over before the signal arrives; then all of it is there."""
    monkeypatch.chdir(tmp_path)
    assert shell("db", "backup", "monday.db").code == 0
    draft, before = LONG[words], entries(shell.url)
    with subprocess.Popen(
        [sys.executable, "-m", "readwatch", "--database", shell.url, *words.split()],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while process.poll() is None and not (
            list(tmp_path.glob(draft)) if draft else entries(shell.url) > before
        ):
            pass
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=TIMEOUT)

    stopped = shell_status(process.returncode) == 130
    assert stopped or process.returncode == 0, err
    assert not stopped or err.splitlines()[-1] == "stopped"
    assert not [*tmp_path.glob(".readwatch-copy-*"), *tmp_path.glob(".*.draft")]
    assert shell("audit", "verify").code == 0
    again = words.split()
    named = [Path(word) for word in again if "." in word and "@" not in word]
    for file in named:
        if file.name != "monday.db" and file.exists():
            assert is_complete(file), "a file is complete or absent"
            file.rename(f"old-{file.name}")
            Path(f"{file}.anchor").unlink(missing_ok=True)
    ended = shell(*again)
    assert ended.code == 0, ended
    assert shell("db", "rebuild").code == 0
    assert shell("db", "health").code == 0


def is_complete(file: Path) -> bool:
    """Whether the end of a file is there; the signal may come when nothing else is left to do."""
    match file.suffix:
        case ".zip":
            return ZipFile(file).testzip() is None
        case ".csv":
            return file.read_text("utf-8").endswith("\n")
    with closing(sqlite3.connect(file)) as db:
        return db.execute("PRAGMA quick_check").fetchall() == [("ok",)]


def entries(url: str) -> int:
    db = open_database(url, Role.OWNER)
    try:
        with connection(db):
            return len(log(db))
    finally:
        close_all(db)


@pytest.mark.parametrize(
    ("how", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_statement_of_sqlite_that_takes_long_is_interrupted(
    url: str, how: signal.Signals, status: int
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ENDLESS, url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        process.send_signal(how)
        _, err = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, err) == (status, "stopped\n")


def test_a_wait_after_a_checkpoint_is_interrupted(url: str, cast: Cast) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WAITING, url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        db = open_database(url, Role.OWNER)
        with connection(db), db.atomic():
            process.stdin.write("go on\n")
            process.stdin.flush()
            _, err = process.communicate(timeout=TIMEOUT)
        close_all(db)
    assert (process.returncode, err) == (130, "stopped\n")
