"""`readwatch db status`: facts about the database, also an older and a newer one."""

import json
import socket
from datetime import timedelta
from pathlib import Path

import apsw
import pytest
from cli.shell import Shell, log
from conftest import Cast
from ingest.process import TIMEOUT, serving

from readwatch import __version__
from readwatch.cli import running_server
from readwatch.cli.settings import default_anchor_log
from readwatch.domain.activities import Activity
from readwatch.domain.audit_chain import Anchor, Head, append_anchor
from readwatch.domain.clock import system_clock
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database, driver_connection, is_sqlite
from readwatch.store.engine.estimates import estimated_rows
from readwatch.store.identity.sessions import open_session
from readwatch.store.recording.activities import record_activities


def facts(shell: Shell, *options: str) -> dict[str, str]:
    """The texts of `db status` by the names of its lines."""
    ended = shell("db", "status", *options)
    assert (ended.code, ended.err) == (0, "")
    return {line[:15].rstrip(): line[15:] for line in ended.out.splitlines()}


@pytest.fixture(autouse=True)
def free_port(monkeypatch: pytest.MonkeyPatch) -> int:
    """No service listens on the port of the settings."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    monkeypatch.setenv("READWATCH_PORT", str(port))
    monkeypatch.setattr(running_server, "ANSWER_SECONDS", TIMEOUT)  # the machine may be busy
    return port


def test_a_current_database_is_described(
    shell: Shell, cast: Cast, db: Database, free_port: int
) -> None:
    lines = facts(shell)
    newest = migrations.available_migrations(db)[-1]
    assert lines["engine"].startswith("SQLite 3." if is_sqlite(db) else "PostgreSQL ")
    assert lines["schema"] == f"{newest.number} ({newest.name}), that of this program"
    assert lines["service"] == f"no service runs at http://127.0.0.1:{free_port}"
    assert lines["last anchor"] == lines["last clean-up"] == "never"
    assert lines["rows"].startswith("about ")
    report = json.loads(shell("db", "status", "--json").out)
    assert report["schema"] == {"number": newest.number, "name": newest.name}
    assert (report["pending"], report["refusal"]) == ([], None)
    assert report["size"] > 0
    assert report["service"]["state"] == "stopped"
    assert log(db) == [], "it is no access to personal data"


@pytest.mark.parametrize(
    "engine", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)
def test_a_password_of_the_url_is_not_shown(shell: Shell) -> None:
    shell.url += "&password=hush"
    ended = shell("db", "status")
    assert ended.code == 0
    assert "hush" not in ended.out
    assert "hush" not in shell("db", "status", "--json").out


def test_pending_migrations_are_named(shell: Shell, db: Database) -> None:
    newest = migrations.available_migrations(db)[-1]
    db.execute_sql(f"DELETE FROM schema_history WHERE number = {newest.number}")
    assert facts(shell)["schema"].endswith(
        f"; 1 migration is pending ({newest.number}): readwatch db upgrade"
    )
    report = json.loads(shell("db", "status", "--json").out)
    assert report["pending"] == [{"number": newest.number, "name": newest.name}]


def test_a_newer_schema_is_described_and_not_refused(shell: Shell, db: Database) -> None:
    db.execute_sql(
        "INSERT INTO schema_history (number, name, checksum)"
        " VALUES ((SELECT max(number) + 1 FROM schema_history), 'future', 'x')"
    )
    assert "upgrade readwatch: the database has schema" in facts(shell)["schema"]
    assert json.loads(shell("db", "status", "--json").out)["refusal"] is not None


def test_a_database_without_a_schema_is_refused(new_shell: Shell) -> None:
    assert "readwatch init" in new_shell("db", "status").complaint


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_a_backup_by_another_program_is_dated_if_it_was_logged(shell: Shell, cast: Cast) -> None:
    unknown = "unknown: none was logged with db log-backup --checked"
    assert facts(shell)["last backup"] == unknown
    assert unknown in shell("db", "health", "--quick").out
    assert shell("db", "log-backup", "monday.dump", "--checked").code == 0
    assert facts(shell)["last backup"].endswith((", just now", " s ago"))


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_the_last_backup_and_the_last_anchor_are_dated(
    shell: Shell, cast: Cast, tmp_path: Path
) -> None:
    before = system_clock() - timedelta(seconds=1)
    assert shell("db", "backup", str(tmp_path / "monday.db")).code == 0
    anchors = default_anchor_log(shell.url)
    anchors.parent.mkdir(parents=True)
    for hours in (30, 3):
        at = system_clock() - timedelta(hours=hours)
        append_anchor(anchors, Anchor(at, Head()))
    lines = facts(shell)
    assert lines["last backup"].endswith((", just now", " s ago"))
    assert lines["last anchor"].endswith(", 3 h ago")
    report = json.loads(shell("db", "status", "--json").out)
    assert report["last_backup"] >= before.isoformat(sep="T")
    assert report["last_clean_up"] is None
    health = json.loads(shell("db", "health", "--quick", "--json").out)
    assert (health["last_backup"], health["last_anchor"]) == (
        report["last_backup"],
        report["last_anchor"],
    )
    assert health["healthy"] is True
    checks = [line.split("  ok") for line in shell("db", "health", "--quick").out.splitlines()]
    texts = {check[0].strip(): check[1].strip() for check in checks if len(check) == 2}
    assert texts["last anchor"] == "3 h ago"

    anchors.write_text("no anchor\n")
    assert facts(shell)["last anchor"] == f"the last line of {anchors} is not an anchor"


def test_a_service_that_runs_tells_its_version_and_its_schema(
    shell: Shell, cast: Cast, db: Database
) -> None:
    newest = migrations.available_migrations(db)[-1].number
    with serving(shell.url) as server:
        server.until_ready()
        lines = facts(shell, "--port", str(server.port))
        assert lines["service"] == (
            f"http://127.0.0.1:{server.port} is ready: version {__version__}, schema {newest}"
        )
        db.execute_sql(
            f"INSERT INTO schema_history (number, name, checksum) VALUES ({newest + 1}, 'x', 'x')"
        )
        lines = facts(shell, "--port", str(server.port), "--host", "0.0.0.0")  # noqa: S104
        assert "is not ready: " in lines["service"]
        assert f"upgrade readwatch: the database has schema {newest + 1}" in lines["service"]


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_the_cost_does_not_grow_with_the_history(cast: Cast, db: Database) -> None:
    def cost() -> int:
        """The steps of SQLite's virtual machine."""
        steps: list[int] = []
        driver_connection(db).trace_v2(
            apsw.SQLITE_TRACE_PROFILE,
            lambda event: steps.append(event["stmt_status"]["SQLITE_STMTSTATUS_VM_STEP"]),
        )
        rows = estimated_rows(db, ["users", "reader_activities", "reader_quizzes", "nothing"])
        driver_connection(db).trace_v2(0, None)
        assert rows["reader_quizzes"] is None
        assert "nothing" not in rows
        numbers.append(rows["reader_activities"])
        return sum(steps)

    numbers: list[int | None] = []
    now = system_clock()
    with db.atomic():
        session = open_session(db, cast.ann, "the hash of a token", now)
        page = Activity("page_read", "hobbit", "The Hobbit", 10, 60)
        record_activities(db, session, [page], now)
    before = cost()
    with db.atomic():
        record_activities(db, session, [page] * 3000, now)
    assert cost() == before
    assert numbers == [1, 3001]
