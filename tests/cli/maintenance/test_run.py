"""`readwatch maintenance sweep` and `run`: what a timer does, also if a job fails."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cli.old_history import OldHistory, archived_users
from cli.shell import Shell, log
from conftest import Cast
from ingest.process import serving
from postgres import new_login
from reading_app import ReadingApp

from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.clock import system_clock
from readwatch.store.audit.cuts import newest_cut
from readwatch.store.audit.last_jobs import MAINTENANCE, last_done
from readwatch.store.audit.log import log_event
from readwatch.store.engine.connections import Database

on_postgresql = pytest.mark.parametrize(
    "engine", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)

DAY = timedelta(days=1)
SWEPT = "sweep: ended sessions that timed out, deleted expired rows\n"
STATISTICS = "statistics: collected for the planner of queries\n"


@pytest.fixture
def today() -> datetime:
    return system_clock()


@pytest.fixture
def logged_in(db: Database, cast: Cast, today: datetime) -> Callable[[timedelta], ReadingApp]:
    """`logged_in(age)` is Ann's app, which was last heard so long ago."""

    def logged_in(age: timedelta) -> ReadingApp:
        app = ReadingApp(db, cast.ann, lambda: today - age)
        app.logs_in()
        return app

    return logged_in


def actions(db: Database) -> list[str]:
    return [action for _, action, _, _ in log(db)]


def active(db: Database) -> list[int]:
    rows = db.execute_sql("SELECT id FROM reader_sessions WHERE is_active = TRUE ORDER BY id")
    return [id_ for (id_,) in rows.fetchall()]


def in_db(at: datetime) -> str:
    return f"'{at:%Y-%m-%d %H:%M:%S}.000'"


# A sweep ----------------------------------------------------------------------------------------


def test_a_sweep_ends_and_deletes_what_a_service_would(
    shell: Shell,
    cast: Cast,
    db: Database,
    today: datetime,
    logged_in: Callable[[timedelta], ReadingApp],
) -> None:
    logged_in(timedelta(minutes=62))
    logged_in(timedelta(minutes=59))
    old, new = in_db(today - 40 * DAY), in_db(today)
    for at in (old, new):
        db.execute_sql(
            "INSERT INTO staff_sessions (user_id, session_token, started_at)"
            f" VALUES ({cast.cara.id}, {at}, {at})"
        )
        db.execute_sql(f"INSERT INTO failed_logins VALUES ({at}, 1, {at})")
        db.execute_sql(f"INSERT INTO online_counts VALUES ({at}, 1)")
        db.execute_sql(
            "INSERT INTO activity_receipts (user_id, event_id, activity_id, fingerprint,"
            f" created_at) VALUES ({cast.ann.id}, {at}, 1, '', {at})"
        )
    db.execute_sql(
        "INSERT INTO resume_tokens (family_hash, token_hash, user_id, session_id, expires_at)"
        f" VALUES ('f', 't', {cast.ann.id}, 1, {old})"
    )
    swept = shell("maintenance", "sweep")
    assert (swept.code, swept.out, swept.err) == (0, SWEPT, "")
    assert active(db) == [2]
    left = {
        table: db.execute_sql(f"SELECT count(*) FROM {table}").fetchone()[0]
        for table in ("failed_logins", "online_counts", "activity_receipts", "resume_tokens")
    }
    assert left == {
        "failed_logins": 1,
        "online_counts": 1,
        "activity_receipts": 1,
        "resume_tokens": 0,
    }
    ended = "SELECT count(*) FROM staff_sessions WHERE is_active = FALSE"
    assert db.execute_sql(ended).fetchone() == (1,)
    assert log(db) == [
        (cast.dora.id, "began_maintenance", None, "cli, sweep: sweep"),
    ]


def test_the_timeout_is_that_of_the_service(
    shell: Shell, db: Database, logged_in: Callable[[timedelta], ReadingApp]
) -> None:
    logged_in(timedelta(minutes=62))
    shell("maintenance", "sweep", "--session-timeout", "90")
    assert active(db) == [1]


def test_a_sweep_beside_a_running_service_ends_nobody_who_reads(
    shell: Shell, cast: Cast, db: Database
) -> None:
    with serving(shell.url) as server:
        app = server.app(cast.ann.email)
        assert shell("maintenance", "run").code == 0
        assert app.post("/api/heartbeat")[0] == 200
        assert app.post("/api/activities", {"activity_type": "page_read"})[0] == 201
        code, _, warnings = server.stop()
    assert (code, warnings) == (0, "")


# A run ------------------------------------------------------------------------------------------


def test_old_activities_are_archived_once_those_of_a_month_have_come_together(
    shell: Shell, cast: Cast, old_history: OldHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("READWATCH_ARCHIVE_OLDER_THAN", "1y")
    missing = shell("maintenance", "run")
    assert (missing.code, missing.err) == (
        1,
        "readwatch: archive: nothing was archived: set archive_folder\n",
    )
    monkeypatch.setenv("READWATCH_ARCHIVE_FOLDER", str(old_history.folder))
    run = shell("maintenance", "run")
    moved = f"archive: moved {old_history.archived} activities to 1 file in {old_history.folder}"
    assert (run.code, run.out.splitlines()[1], run.err) == (0, moved, "")
    assert archived_users(old_history.folder).keys() == {cast.ann.id, cast.ben.id}
    assert shell("db", "health").code == 0
    again = shell("maintenance", "run")
    not_due = "archive: not due, less than a month of activities is old enough"
    assert (again.code, again.out.splitlines()[1]) == (0, not_due)


def test_without_settings_a_run_sweeps_and_collects_statistics(
    shell: Shell, cast: Cast, db: Database
) -> None:
    ended = shell("maintenance", "run")
    assert (ended.code, ended.out, ended.err) == (0, SWEPT + STATISTICS, "")
    assert actions(db) == ["began_maintenance", "finished_maintenance"]


def test_a_run_does_what_the_settings_say(
    shell: Shell,
    cast: Cast,
    db: Database,
    today: datetime,
    logged_in: Callable[[timedelta], ReadingApp],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for age in (500, 400, 1):
        logged_in(age * DAY).logs_out()
    for age in (400, 1):
        event = AuditEvent(cast.cara.id, AuditAction.VIEWED_READER_PROFILE, cast.ann.id, "page")
        log_event(db, event, today - age * DAY)
    folder, file = tmp_path / "copies", tmp_path / "settings.toml"
    monkeypatch.setenv("HOME", str(tmp_path))
    file.write_text(
        'purge_sessions_older_than = "1y"\npurge_staff_sessions_older_than = "1y"\n'
        'purge_access_log_older_than = "1y"\naccess_log_copies = "~/copies"\n'
    )
    ended = shell("--config", str(file), "maintenance", "run")
    assert (ended.code, ended.err) == (0, "")
    swept, sessions, staff_sessions, access_log, statistics = ended.out.splitlines()
    assert (f"{swept}\n", f"{statistics}\n") == (SWEPT, STATISTICS)
    assert sessions.startswith("sessions: deleted 1 reader session that ended before ")
    assert staff_sessions.startswith("staff sessions: deleted 0 staff sessions ")
    (copy,) = folder.iterdir()
    assert access_log == (
        f"access log: removed 1 entry of the access log, up to entry 1; they are in {copy}"
    )
    assert actions(db)[1:] == [
        *("began_maintenance", "purged_sessions", "exported_access_log", "cut_access_log"),
        "finished_maintenance",
    ]
    report = json.loads(shell("--config", str(file), "maintenance", "run", "--json").out)
    assert [each["job"] for each in report] == [
        *("sweep", "sessions", "staff sessions", "access log", "statistics")
    ]
    assert report[3]["done"] == f"not due, it was cut on {today:%Y-%m-%d}"
    assert shell("audit", "verify").code == 0


def test_a_job_that_fails_is_told_and_the_others_run(
    shell: Shell, cast: Cast, db: Database, today: datetime
) -> None:
    log_event(db, AuditEvent(cast.cara.id, AuditAction.LOGGED_IN), today - 400 * DAY)
    log_event(db, AuditEvent(cast.cara.id, AuditAction.LOGGED_IN), today - DAY)
    purge = ("maintenance", "run", "--purge-access-log-older-than", "1y")
    ended = shell(*purge)
    assert ended.code == 1
    assert ended.err == (
        "readwatch: access log: nothing was removed: set access_log_copies to a folder for the "
        "removed entries, or to the word discard\n"
    )
    assert ended.out == SWEPT + STATISTICS
    assert actions(db)[-1] == "began_maintenance", "nobody takes it for a finished run"
    assert newest_cut(db) is None
    assert last_done(db, MAINTENANCE) is None

    report = json.loads(shell(*purge, "--access-log-copies", "discard", "--json").out)
    assert report[1] == {
        "job": "access log",
        "done": "removed 1 entry of the access log, up to entry 1",
        "error": None,
    }


@pytest.mark.usefixtures("cast")
def test_a_setting_that_is_missing_is_told_before_anything_is_old_enough(shell: Shell) -> None:
    ended = shell("maintenance", "run", "--purge-access-log-older-than", "3y")
    assert ended.code == 1
    assert "access log: nothing was removed: set access_log_copies" in ended.err


@pytest.mark.usefixtures("cast")
def test_a_setting_that_is_too_short_fails_its_job_alone(shell: Shell) -> None:
    ended = shell("maintenance", "run", "--purge-sessions-older-than", "30d")
    assert (ended.code, ended.out) == (1, SWEPT + STATISTICS)
    assert ended.err.startswith("readwatch: sessions: 30d is too short: at least 90 days; ")


@on_postgresql
def test_a_login_of_the_command_line_leaves_statistics_to_autovacuum(
    shell: Shell, cast: Cast, db: Database
) -> None:
    own = new_login(shell.url, "cara")
    shell("db", "grant", "admin", f"{db.database}_cara")
    shell.url = own
    ended = shell("maintenance", "run")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.endswith(
        "statistics: left to autovacuum, because only the owner of the tables can collect them\n"
    )


def test_a_run_needs_no_terminal_and_no_input(shell: Shell, cast: Cast) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "readwatch", "--database", shell.url, "maintenance", "run"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, SWEPT + STATISTICS, "")
