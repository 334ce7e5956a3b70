"""`readwatch doctor`: what is wrong, how to fix it, and what it fixes itself."""

import json
import os
import re
import socket
import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import apsw
import pexpect
import pytest
from cli.shell import Shell, log
from conftest import ENGINES, Cast
from ingest.process import TIMEOUT, serving
from postgres import Server, standby
from proxy import proxy_to

from readwatch import __version__
from readwatch.cli import running_server
from readwatch.cli.settings import default_anchor_log
from readwatch.domain.audit_chain import Anchor, append_anchor
from readwatch.domain.clock import system_clock
from readwatch.store.audit.heads import current_head
from readwatch.store.engine import migrations
from readwatch.store.engine.catalogue import schema_differences
from readwatch.store.engine.connections import Database, is_sqlite
from readwatch.store.engine.sqlite import sqlite_path

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("engine", [ENGINES[1]], indirect=True)

Found = tuple[str, str, str | None]
"""Severity, text and fix of a finding."""


@pytest.fixture(autouse=True)
def free_port(monkeypatch: pytest.MonkeyPatch) -> int:
    """No service listens on the port of the settings."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    monkeypatch.setenv("READWATCH_PORT", str(port))
    monkeypatch.setattr(running_server, "ANSWER_SECONDS", TIMEOUT)  # the machine may be busy
    return port


def report(shell: Shell, *options: str) -> dict[str, Any]:
    ended = shell("doctor", "--json", *options)
    assert ended.err == ""
    result: dict[str, Any] = json.loads(ended.out)
    every = [*result["findings"], *result["repaired"]]
    assert ended.code == (1 if any(each["severity"] != "ok" for each in every) else 0)
    for each in every:
        assert (each["fix"] is None) == (each["severity"] == "ok"), each
    return result


def checks(shell: Shell, *options: str) -> dict[str, list[Found]]:
    """The findings by check."""
    by_check: dict[str, list[Found]] = {}
    for each in report(shell, *options)["findings"]:
        found = (each["severity"], each["text"], each["fix"])
        by_check.setdefault(each["check"], []).append(found)
    return by_check


def severities(shell: Shell, check: str) -> set[str]:
    return {severity for severity, *_ in checks(shell)[check]}


def test_a_database_that_is_looked_after_has_no_finding(
    shell: Shell, cast: Cast, db: Database, tmp_path: Path
) -> None:
    if is_sqlite(db):
        assert shell("db", "backup", str(tmp_path / "monday.db")).code == 0
    file = default_anchor_log(shell.url)
    file.parent.mkdir(parents=True, mode=0o700)
    file.touch(0o600)
    append_anchor(file, Anchor(system_clock(), current_head(db)))
    entries = len(log(db))
    with serving(shell.url) as server:
        server.until_ready()
        shell.monkeypatch.setenv("READWATCH_PORT", str(server.port))
        result = report(shell)
    # What the machine is like is none of the test's business, and its PostgreSQL is made for speed.
    findings = [each for each in result["findings"] if each["section"] != "machine"]
    ignored = {"file system", "disk", "proxies", "user", "server"}
    wrong = [it for it in findings if it["severity"] != "ok" and it["check"] not in ignored]
    assert wrong == []
    texts = {each["check"]: each["text"] for each in findings}
    assert f"is ready: version {__version__}" in texts["service"]
    assert result["version"] == __version__
    assert len(log(db)) == entries, "it is no access to personal data"


def test_pending_migrations_and_a_newer_schema_are_errors(shell: Shell, db: Database) -> None:
    newest = migrations.available_migrations(db)[-1].number
    db.execute_sql(f"DELETE FROM schema_history WHERE number = {newest}")
    [(severity, text, fix)] = checks(shell)["schema"]
    assert (severity, fix) == ("error", "readwatch db upgrade")
    assert text.endswith(": 1 migration is pending")
    for number in (newest, newest + 1):
        db.execute_sql(
            f"INSERT INTO schema_history (number, name, checksum) VALUES ({number}, 'x', 'x')"
        )
    [(severity, text, _)] = checks(shell)["schema"]
    assert severity == "error"
    assert text.startswith("upgrade readwatch: the database has schema")


def test_a_database_without_a_schema_and_one_without_an_admin_need_init(
    new_shell: Shell, request: pytest.FixtureRequest
) -> None:
    if new_shell.url.startswith("sqlite"):
        sqlite_path(new_shell.url).touch(0o600)
    assert checks(new_shell)["schema"] == [
        ("error", "the database has no readwatch schema", "readwatch init")
    ]
    migrations.create_or_upgrade(new_shell.url)
    assert checks(new_shell)["admins"] == [("error", "there is no admin yet", "readwatch init")]


@pytest.mark.usefixtures("cast")
def test_a_service_that_does_not_run_is_missed_where_it_has_to_run_here(
    shell: Shell, db: Database
) -> None:
    [(severity, text, fix)] = checks(shell)["service"]
    assert text.startswith("no service runs at http://127.0.0.1:")
    expected = ("warning", "readwatch serve") if is_sqlite(db) else ("ok", None)
    assert (severity, fix) == expected


@pytest.mark.usefixtures("cast")
def test_another_program_at_the_port_is_an_error(shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        shell.monkeypatch.setenv("READWATCH_PORT", str(other.getsockname()[1]))
        shell.monkeypatch.setattr(running_server, "ANSWER_SECONDS", 0.05)
        [(severity, text, _)] = checks(shell)["service"]
    assert severity == "error"
    assert text.endswith(" does not answer")


def test_a_row_of_the_future_says_that_a_clock_is_wrong(
    shell: Shell, cast: Cast, db: Database
) -> None:
    assert severities(shell, "clock") == {"ok"}
    later = f"{system_clock() + timedelta(hours=3):%Y-%m-%d %H:%M:%S.000}"
    db.execute_sql(
        "INSERT INTO reader_activities (user_id, activity_type, created_at, occurred_at)"
        f" VALUES ({cast.ann.id}, 'page_read', '{later}', '{later}')"
    )
    [(severity, text, fix)] = checks(shell)["clock"]
    assert (severity, fix) == ("error", "timedatectl set-ntp true")
    assert text.startswith("the newest row is 2 h in the future")


def test_who_has_dropped_a_trigger_of_the_access_log_is_not_covered_up(
    shell: Shell, cast: Cast, db: Database
) -> None:
    trigger = "consultant_access_log_keeps_rows"
    db.execute_sql(f"DROP TRIGGER {trigger}{'' if is_sqlite(db) else ' ON consultant_access_log'}")
    for options in ((), ("--fix",)):
        [(severity, text, fix)] = checks(shell, *options)["objects"]
        assert (severity, text) == ("error", f"trigger {trigger} is missing")
        assert str(fix).startswith("find out who did this")
    assert len(schema_differences(db)) == 1
    assert log(db) == []


@on_sqlite
def test_indexes_and_harmless_triggers_are_created_again_and_that_is_logged(
    shell: Shell, cast: Cast, db: Database
) -> None:
    db.execute_sql("DROP TRIGGER update_users_timestamp")
    db.execute_sql("DROP INDEX idx_users_role")
    assert severities(shell, "objects") == {"warning"}
    assert len(schema_differences(db)) == 2, "without --fix nothing is changed"
    result = report(shell, "--fix")
    assert {each["text"] for each in result["repaired"]} >= {
        "created trigger update_users_timestamp",
        "created index idx_users_role",
    }
    assert schema_differences(db) == ()
    assert [entry[1:] for entry in log(db)] == [
        ("fixed_database", None, "cli doctor, index idx_users_role"),
        ("fixed_database", None, "cli doctor, trigger update_users_timestamp"),
    ]
    assert severities(shell, "objects") == {"ok"}


@on_sqlite
def test_the_planner_of_a_large_database_gets_its_statistics(
    shell: Shell, cast: Cast, db: Database
) -> None:
    assert "statistics" not in checks(shell), "a small one needs none"
    shell.monkeypatch.setattr("readwatch.cli.diagnosis.schema.MIN_BYTES_WITH_STATISTICS", 1)
    assert severities(shell, "statistics") == {"warning"}
    repaired = [each["text"] for each in report(shell, "--fix")["repaired"]]
    assert "collected statistics for the planner of queries" in repaired
    assert log(db)[-1][1:] == ("fixed_database", None, "cli doctor, statistics")
    assert "statistics" not in checks(shell)


@on_sqlite
def test_without_an_acting_admin_nothing_is_fixed_in_the_database(
    shell: Shell, cast: Cast, db: Database
) -> None:
    shell.add("eve@example.org", "admin")
    entries = len(log(db))
    db.execute_sql("DROP INDEX idx_users_role")
    result = report(shell, "--fix")
    refusals = [each["text"] for each in result["repaired"] if each["severity"] == "error"]
    assert refusals == ["there are several admins: say which one acts with --as EMAIL"]
    assert len(schema_differences(db)) == 1
    assert len(log(db)) == entries
    assert report(shell, "--fix", "--as", "eve@example.org")["repaired"][0]["severity"] == "ok"


# A database that cannot be used -----------------------------------------------------------------


def assert_complete(shell: Shell) -> None:
    """All other checks are made too."""
    sections = {each["section"] for each in report(shell)["findings"]}
    assert sections >= {"settings", "database", "service", "machine"}
    assert "Traceback" not in shell("doctor").out


@on_sqlite
def test_a_missing_database_is_a_finding(new_shell: Shell) -> None:
    [(severity, text, fix)] = checks(new_shell)["database"]
    assert severity == "error"
    assert text.startswith("there is no database at ")
    assert str(fix).startswith("readwatch init")
    assert_complete(new_shell)
    assert not sqlite_path(new_shell.url).exists()
    new_shell.url = "sqlite:////nowhere/at/all.db"
    assert checks(new_shell)["database"][0][1] == "there is no database at /nowhere/at/all.db"


@on_sqlite
def test_a_damaged_file_and_one_that_is_something_else_are_findings(
    shell: Shell, db: Database
) -> None:
    db.close()
    path = sqlite_path(shell.url)
    path.write_bytes(path.read_bytes()[:-4096])
    [(severity, text, fix)] = checks(shell)["database"]
    assert (severity, "damaged" in text) == ("error", True)
    assert str(fix).startswith("put a backup in its place: readwatch db restore")
    path.write_text("Dear Ben, " * 1000)
    [(_, text, fix)] = checks(shell)["database"]
    assert text == "that file is not a SQLite database"
    assert str(fix).startswith("correct READWATCH_DATABASE, or ")
    assert "readwatch db restore" in str(fix)
    assert_complete(shell)


@on_sqlite
@pytest.mark.parametrize("content", ["Dear Ben, ", None])
def test_a_wrong_url_lets_nothing_be_fixed_of_what_it_names(
    new_shell: Shell, tmp_path: Path, content: str | None
) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o777)
    letter = folder / "letter.txt"
    if content is not None:
        letter.write_text(content)
        letter.chmod(0o666)
    new_shell.url = f"sqlite:///{letter}"
    assert f"chmod o-w {folder}" in {fix for _, _, fix in checks(new_shell)["permissions"]}
    assert report(new_shell, "--fix")["repaired"] == []
    assert folder.stat().st_mode & 0o777 == 0o777
    assert not letter.exists() or letter.stat().st_mode & 0o777 == 0o666


@on_sqlite
def test_a_database_that_another_program_keeps_locked_is_a_finding(
    shell: Shell, cast: Cast
) -> None:
    with closing(apsw.Connection(str(sqlite_path(shell.url)))) as other:
        other.pragma("locking_mode", "exclusive")
        other.execute("BEGIN EXCLUSIVE")
        [(severity, text, fix)] = checks(shell)["database"]
        assert (severity, text) == ("error", "the database is busy; try again")
        assert "fuser" in str(fix)
        assert_complete(shell)


@pytest.mark.parametrize(
    ("address", "fix"),
    [
        ("postgresql://127.0.0.1:1/readwatch", "start PostgreSQL, or correct READWATCH_DATABASE"),
        ("readwatch.db", "correct READWATCH_DATABASE"),
        ("sqlite:///", "correct READWATCH_DATABASE"),
        ("sqlite:////tmp", "correct READWATCH_DATABASE"),
    ],
)
@on_sqlite
def test_a_url_that_leads_nowhere_is_a_finding(shell: Shell, address: str, fix: str) -> None:
    shell.url = address
    [(severity, _, proposed)] = checks(shell)["database"]
    assert (severity, proposed) == ("error", fix)
    assert_complete(shell)


# Settings ---------------------------------------------------------------------------------------


@on_sqlite
def test_a_wrong_settings_file_is_a_finding_and_stops_only_other_commands(
    shell: Shell, cast: Cast, tmp_path: Path
) -> None:
    file = tmp_path / "settings.toml"
    for text, complaint in (
        ("prot = 1", "there is no setting 'prot'; did you mean 'port'?"),
        ("port = 'x'", "port: 'x' is not a whole number from 0 to 65535"),
        ("port = ", "is not TOML"),
    ):
        file.write_text(text)
        shell.monkeypatch.setenv("READWATCH_CONFIG", str(file))
        assert complaint in shell("user", "list").complaint
        [(severity, refusal, _)] = checks(shell)["settings file"]
        assert severity == "error"
        assert complaint in refusal
    assert_complete(shell)


@on_sqlite
def test_wrong_values_and_misspelt_variables_of_any_command_are_findings(
    shell: Shell, cast: Cast
) -> None:
    shell.monkeypatch.setenv("READWATCH_PORT", "the usual one")
    shell.monkeypatch.setenv("READWATCH_SESION_TIMEOUT", "90")
    shell.monkeypatch.setenv("READWATCH_SERVICE_HOST", "10.0.0.1")  # of Kubernetes
    first, second = checks(shell)["settings"]
    assert first == (
        "error",
        "READWATCH_PORT: 'the usual one' is not a whole number from 0 to 65535",
        "correct the variable",
    )
    assert second[:2] == (
        "warning",
        "READWATCH_SESION_TIMEOUT is not a setting; did you mean READWATCH_SESSION_TIMEOUT?",
    )


# Files ------------------------------------------------------------------------------------------


@on_sqlite
def test_files_that_everybody_can_open_are_closed(shell: Shell, cast: Cast, tmp_path: Path) -> None:
    path = sqlite_path(shell.url)
    path.chmod(0o644)
    anchors = default_anchor_log(shell.url)
    anchors.parent.mkdir(parents=True)
    anchors.touch()
    anchors.chmod(0o664)
    backups = tmp_path / "backups"
    assert shell("db", "backup", "--to", str(backups)).code == 0
    [backup] = backups.glob("*.db")
    backup.chmod(0o604)
    (backups / ".readwatch-copy-0123").write_bytes(b"half of it")

    use = ("--backups", str(backups))
    texts = {text for _, text, _ in checks(shell, *use)["permissions"]}
    assert f"everybody on this machine can open {path} (mode 644)" in texts
    assert f"others than its owner can change the anchors in {anchors} (mode 664)" in texts
    assert f"others than its owner can open {backup} (mode 604)" in texts
    assert checks(shell, *use)["left files"][0][1].endswith(f"(10 B) in {backups}")

    result = report(shell, *use, "--fix")
    assert [each["severity"] for each in result["repaired"]] == ["ok"] * 4
    modes = [file.stat().st_mode & 0o777 for file in (path, anchors, backup)]
    assert modes == [0o640, 0o644, 0o600], "admins may verify the anchors as other users"
    assert {severity for severity, *_ in checks(shell, *use)["permissions"]} == {"ok"}
    assert "left files" not in checks(shell, *use)
    assert len(list(backups.iterdir())) == 2, "the backup and its anchor stay"


def test_a_folder_of_backups_that_does_not_exist_is_named(shell: Shell, cast: Cast) -> None:
    [(severity, text, _)] = checks(shell, "--backups", "/nowhere/backups")["backups"]
    assert (severity, text) == ("warning", "there is no folder /nowhere/backups")
    assert checks(shell)["private files"][0][0] == "ok"


# PostgreSQL -------------------------------------------------------------------------------------


@on_postgresql
def test_settings_that_can_lose_data_are_errors(shell: Shell, cast: Cast, db: Database) -> None:
    before = checks(shell)["server"]
    db.execute_sql(f'ALTER DATABASE "{db.database}" SET synchronous_commit = off')
    new = [each for each in checks(shell)["server"] if each not in before]
    assert new == [
        (
            "error",
            "synchronous_commit is off: after a crash acknowledged activities can be gone",
            "ALTER SYSTEM SET synchronous_commit = on",
        )
    ]


@on_postgresql
def test_a_grant_too_many_is_a_warning_and_a_password_is_not_shown(
    shell: Shell, cast: Cast, db: Database
) -> None:
    shell.url += "&password=hush"
    assert severities(shell, "privileges") == {"ok"}
    db.execute_sql(f'GRANT DELETE ON users TO "{db.database}_console"')
    [(severity, text, fix)] = checks(shell)["privileges"]
    assert (severity, fix) == ("warning", "as a superuser: readwatch db rights --sql | psql")
    assert text == f"{db.database}_console has other privileges than it should on users"
    assert "hush" not in shell("doctor").out
    assert "hush" not in shell("doctor", "--json").out


@on_postgresql
def test_a_pooler_is_named(
    shell: Shell, cast: Cast, db: Database, postgresql_server: Server
) -> None:
    with proxy_to(postgresql_server, drops_options=True) as pooler:
        shell.url = pooler.url(str(db.database))
        [(severity, text, fix)] = checks(shell)["database"]
    assert severity == "error"
    assert "PgBouncer" in text
    assert fix == "put the address of PostgreSQL itself into the URL"


@on_postgresql
def test_a_standby_is_an_error(shell: Shell) -> None:
    with standby() as server:
        shell.url = server.url("postgres")
        texts = {text: severity for severity, text, _ in checks(shell)["server"]}
    [text] = [text for text in texts if text.startswith("this is a standby")]
    assert texts[text] == "error"


# The page ---------------------------------------------------------------------------------------


@on_sqlite
def test_on_a_terminal_of_80_columns_each_line_is_complete(shell: Shell, cast: Cast) -> None:
    sqlite_path(shell.url).chmod(0o644)
    environment = {"TERM": "xterm-256color", "PATH": "/usr/bin:/bin", "HOME": os.environ["HOME"]}
    for more, symbol in (
        ({"NO_COLOR": "1", "LANG": "C.UTF-8"}, "✗"),
        ({"PYTHONIOENCODING": "ascii"}, "X"),
    ):
        printed, code = pexpect.run(
            f"{sys.executable} -m readwatch --database '{shell.url}' doctor",
            withexitstatus=True,
            encoding="utf-8",
            timeout=30,
            dimensions=(50, 80),
            env={**environment, **more, "NO_COLOR": "1"},
        )
        assert code == 1, printed
        lines = re.sub("\r|\x1b\\[[0-9;]*m", "", printed).splitlines()
        assert lines[0].startswith(f"readwatch {__version__}, sqlite:///")
        assert {"Settings", "Database", "Files", "Service", "Machine"} <= set(lines)
        assert any(
            line.startswith(f"  {symbol} everybody on this machine can open") for line in lines
        )
        long = [line for line in lines if len(line) > 80 and str(shell.url)[10:] not in line]
        assert long == []
        assert lines[-1].endswith("; readwatch doctor --fix fixes 1 of them")


def test_the_page_says_what_was_fixed(shell: Shell, cast: Cast, db: Database) -> None:
    if is_sqlite(db):
        sqlite_path(shell.url).chmod(0o606)
        assert "  ✓ " in shell("doctor").out
        page = shell("doctor", "--fix").out
        assert "\nWith --fix\n" in page
        assert f"{sqlite_path(shell.url)} has the mode 600\n" in page
    assert "\nWith --fix\n" not in shell("doctor", "--fix").out
