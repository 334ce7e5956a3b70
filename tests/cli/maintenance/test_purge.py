"""`readwatch maintenance purge`: which sessions it deletes, what stays, and what it asks."""

import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event

import pexpect
import pytest
from cli.purging import CUT, DAY, append, happens, ids, numbers, sessions
from cli.shell import Shell, log
from conftest import Cast
from ingest.process import App, serving
from reading_app import ReadingApp

from readwatch.domain.clock import system_clock
from readwatch.store.engine.connections import Database
from readwatch.store.engine.exclusive import exclusive_maintenance
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.sqlite import sqlite_path

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@pytest.fixture
def today() -> datetime:
    return system_clock()


@pytest.fixture
def three_old_logins(db: Database, cast: Cast, today: datetime) -> Callable[[], datetime]:
    """Ann read in three sessions that ended more than a year ago, and in one of yesterday."""
    at = [today - 500 * DAY]

    def clock() -> datetime:
        return at[0]

    app = ReadingApp(db, cast.ann, clock)
    for day in (500, 450, 400, 1):
        at[0] = today - day * DAY
        app.reads("Dracula", progress=10)
        at[0] += timedelta(minutes=5)
        app.logs_out()
    return clock


# Sessions ---------------------------------------------------------------------------------------


@pytest.mark.usefixtures("three_old_logins")
def test_old_sessions_go_and_totals_and_activities_stay(
    shell: Shell, cast: Cast, db: Database
) -> None:
    profile = "SELECT total_sessions, last_login, total_reading_seconds FROM reader_profiles"
    before = db.execute_sql(f"{profile} WHERE user_id = {cast.ann.id}").fetchall()
    purged = shell("maintenance", "purge", "--sessions", "1y", "--yes")

    assert (purged.code, purged.err) == (0, "")
    assert purged.out.startswith("deleted 2 reader sessions that ended before ")
    assert sessions(db) == [3, 4], "the last one from before stays, for the next login"
    assert db.execute_sql(f"{profile} WHERE user_id = {cast.ann.id}").fetchall() == before
    activities = "SELECT session_id FROM reader_activities ORDER BY id"
    assert db.execute_sql(activities).fetchall() == [(None,), (None,), (3,), (4,)]
    who, action, whom, details = log(db)[0]
    assert (who, action, whom) == (cast.dora.id, "purged_sessions", None)
    assert details.startswith("cli, 2 reader sessions that ended before ")
    assert shell("db", "health").code == 0
    assert "nothing was changed" in shell("db", "rebuild").out
    assert shell("maintenance", "purge", "--sessions", "1y").out == "nothing is old enough\n"


@pytest.mark.usefixtures("three_old_logins")
def test_a_second_purge_adds_to_the_totals_of_the_first(
    shell: Shell, cast: Cast, db: Database
) -> None:
    for age in ("470d", "1y"):
        shell("maintenance", "purge", "--sessions", age, "--yes")
    totals = "SELECT total_sessions FROM archived_totals"
    assert numbers(db, totals) == [2]
    assert "nothing was changed" in shell("db", "rebuild").out


@pytest.mark.usefixtures("three_old_logins")
def test_a_session_that_a_device_can_resume_stays(
    shell: Shell, cast: Cast, db: Database, connected: Callable[[Role], Database], today: datetime
) -> None:
    with db.atomic():
        for token, session in (("valid", 1), ("expired", 2)):
            db.execute_sql(
                "INSERT INTO resume_tokens (family_hash, token_hash, user_id, session_id,"
                f" expires_at) VALUES ('{token}', '{token}', {cast.ann.id}, {session},"
                f" '{(today + (DAY if token == 'valid' else -DAY)):%Y-%m-%d %H:%M:%S}.000')"
            )
    assert shell("maintenance", "purge", "--sessions", "1y", "--yes").code == 0
    assert sessions(db) == [1, 3, 4]
    assert db.execute_sql("SELECT family_hash FROM resume_tokens").fetchall() == [("valid",)]
    db.execute_sql("UPDATE resume_tokens SET session_id = 4, predecessor_session_id = 1")
    assert shell("maintenance", "purge", "--sessions", "1y").out == "nothing is old enough\n"


@pytest.mark.usefixtures("three_old_logins")
def test_posts_are_answered_while_a_purge_deletes(shell: Shell, cast: Cast, db: Database) -> None:
    at = "'2020-01-01 00:00:00.000'"
    with db.atomic():
        for number in range(1000):
            db.execute_sql(
                "INSERT INTO reader_sessions (user_id, session_token, started_at, last_heartbeat,"
                f" ended_at, is_active) VALUES ({cast.ben.id}, 'old {number}', {at}, {at}, {at},"
                " FALSE)"
            )
    shell("db", "rebuild")
    ended = Event()

    def post(app: App) -> list[int]:
        answers = [app.post("/api/activities", {"activity_type": "page_read"})[0]]
        while not ended.is_set():
            answers.append(app.post("/api/activities", {"activity_type": "page_read"})[0])
        return answers

    with serving(shell.url) as server, ThreadPoolExecutor(1) as thread:
        posting = thread.submit(post, server.app(cast.ann.email))
        try:
            purged = shell("maintenance", "purge", "--sessions", "1y", "--yes", "--json")
        finally:
            ended.set()
        answers = posting.result()
        assert server.stop()[0] == 0
    assert json.loads(purged.out)["sessions"] == 1001
    assert set(answers) == {201}
    posted = numbers(db, "SELECT count(*) FROM reader_activities")
    assert posted == [4 + len(answers)]
    assert "nothing was changed" in shell("db", "rebuild").out


def test_old_staff_sessions_go(shell: Shell, cast: Cast, db: Database, today: datetime) -> None:
    for number, (day, is_active) in enumerate([(400, False), (1, False), (400, True)]):
        at = f"{today - day * DAY:%Y-%m-%d %H:%M:%S}.000"
        db.execute_sql(
            "INSERT INTO staff_sessions (user_id, session_token, started_at, ended_at, is_active)"
            f" VALUES ({cast.cara.id}, '{number}', '{at}', {'NULL' if is_active else repr(at)},"
            f" {is_active})"
        )
    report = json.loads(
        shell("maintenance", "purge", "--staff-sessions", "1y", "--yes", "--json").out
    )
    assert (report["staff_sessions"], report["sessions"]) == (1, None)
    assert numbers(db, "SELECT id FROM staff_sessions ORDER BY id") == [2, 3]
    assert log(db)[0][3].startswith("cli, 1 staff session that ended before ")


# What is asked ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("three_old_logins")
def test_a_dry_run_says_what_would_go_and_deletes_and_logs_nothing(
    shell: Shell, cast: Cast, db: Database, today: datetime
) -> None:
    append(db, cast, today - 400 * DAY, "page 1", "page 2")
    append(db, cast, today - DAY, "page 3")
    what = ("--sessions", "1y", "--staff-sessions", "1y", "--access-log", "1y", "--dry-run")
    ended = shell("maintenance", "purge", *what)
    assert (ended.code, ended.err) == (0, "")
    assert [line.partition(" that ended")[0] for line in ended.out.splitlines()] == [
        "would delete 2 reader sessions",
        "would delete 0 staff sessions",
        "would delete 2 entries of the access log, up to entry 2",
    ]
    report = json.loads(shell("maintenance", "purge", *what, "--json").out)
    assert (report["dry_run"], report["sessions"], report["staff_sessions"]) == (True, 2, 0)
    assert report["access_log"]["entries"] == report["access_log"]["head"]["id"] == 2
    assert ids(db) == [1, 2, 3]
    assert sessions(db) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "say what to delete: --sessions AGE"),
        (["--access-log", "1y"], "either name a file for the removed entries"),
        (["--access-log", "1y", "--to", "f", "--without-copy"], "either name a file"),
        (["--sessions", "1y", "--to", "f"], "with --access-log, and only then"),
        (["--sessions", "1y", "--without-copy"], "with --access-log, and only then"),
        (["--sessions", "1 year"], "'1 year' is not an age such as 1y, 18mo, 12w or 90d"),
    ],
)
def test_what_is_typed_wrong_is_explained(
    shell: Shell, arguments: list[str], complaint: str
) -> None:
    ended = shell("maintenance", "purge", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert complaint in ended.err


@pytest.mark.usefixtures("cast")
@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (
            ["--access-log", "89d", "--without-copy"],
            "89d is too short: at least 90 days; the access log keeps what is newer",
        ),
        (
            ["--staff-sessions", "2mo"],
            "2mo is too short: at least 90 days; pages and reports of readers show twelve weeks",
        ),
        (["--sessions", "99999y"], "99999y is longer ago than there are dates"),
    ],
)
def test_what_is_too_young_or_too_old_is_refused(
    shell: Shell, arguments: list[str], complaint: str
) -> None:
    assert shell("maintenance", "purge", *arguments).complaint == complaint


@pytest.mark.usefixtures("three_old_logins")
def test_without_a_terminal_and_without_yes_nothing_is_deleted(shell: Shell, db: Database) -> None:
    ended = shell("maintenance", "purge", "--sessions", "1y")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.endswith("readwatch: there is no terminal to ask on; use --yes\n")
    assert sessions(db) == [1, 2, 3, 4]
    assert log(db) == []


# Python 3.12 and later say so whenever a process with threads is forked, as pexpect does it.
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.usefixtures("three_old_logins")
@on_sqlite
def test_on_a_terminal_it_asks_and_no_is_no(shell: Shell, db: Database) -> None:
    for answer, code, left in (("n", 1, 4), ("y", 0, 2)):
        asking = pexpect.spawn(
            sys.executable,
            ["-m", "readwatch", "--database", shell.url, *CUT[:2], "--sessions", "1y"],
            encoding="utf-8",
            timeout=30,
        )
        asking.expect("to delete: 2 reader sessions")
        asking.expect("This cannot be undone")
        asking.sendline(answer)
        asking.expect(pexpect.EOF)
        asking.close()
        assert (asking.exitstatus, len(sessions(db))) == (code, left)


def test_one_run_at_a_time(shell: Shell, cast: Cast, connected: Callable[[Role], Database]) -> None:
    for command in (("purge", "--sessions", "1y"), ("sweep",), ("run",)):
        with exclusive_maintenance(connected(Role.PURGE)):
            complaint = shell("maintenance", *command).complaint
        assert complaint.startswith("another command archives, purges, exports or erases data")
        assert shell("maintenance", *command).code == 0


@on_sqlite
def test_a_folder_that_cannot_be_written_is_refused(shell: Shell, cast: Cast) -> None:
    sqlite_path(f"{shell.url}.maintenance").mkdir()
    complaint = shell("maintenance", "purge", "--sessions", "1y").complaint
    assert complaint.endswith("readwatch.db.maintenance cannot be opened: Is a directory")


def test_a_clock_that_has_jumped_deletes_nothing(
    shell: Shell, cast: Cast, db: Database, today: datetime
) -> None:
    append(db, cast, today - 400 * DAY, "page 1")
    append(db, cast, today - 40 * DAY, "page 2")
    for command in (("purge", "--access-log", "1y", "--without-copy"), ("sweep",), ("run",)):
        complaint = shell("maintenance", *command).complaint
        assert complaint.startswith(f"the clock of this machine says {today:%Y-%m-%d}, but the ")
    assert ids(db) == [1, 2]


@pytest.mark.usefixtures("three_old_logins")
@pytest.mark.parametrize("fault", ["killed", "full"])
@on_sqlite
def test_a_purge_of_sessions_to_which_something_happens_keeps_the_totals_right(
    fault: str, shell: Shell, db: Database, tmp_path: Path
) -> None:
    step = f"readwatch.store.lifecycle.purge:purge_sessions:during:{fault}"
    happens(step, shell, tmp_path, "--sessions", "1y")
    assert "nothing was changed" in shell("db", "rebuild").out
    shell("maintenance", "purge", "--sessions", "1y", "--yes")
    assert sessions(db) == [3, 4]
