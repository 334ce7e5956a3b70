"""`readwatch db log-backup` and `db finish-restore`: backups by the programs of PostgreSQL.

Here a copy of the database by PostgreSQL itself takes the place of a dump.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from cli.shell import Shell, log
from conftest import Cast
from postgres import Server, drop_database, new_database

from readwatch.domain.clock import system_clock
from readwatch.store.engine.connections import Database, close_all, connection, open_database
from readwatch.store.engine.privileges import Role
from readwatch.store.identity.resume_tokens import save_resume_token
from readwatch.store.identity.sessions import open_session
from readwatch.store.identity.tokens import hash_token, new_resume_token, new_token

on_postgresql = pytest.mark.parametrize(
    "engine", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)


@pytest.fixture
def backup(shell: Shell, cast: Cast, postgresql_server: Server) -> Iterator[str]:
    """A copy of the database as it is now; its own URL, with the rights of `readwatch init`."""
    open_sessions(shell.url, cast)
    assert shell("db", "log-backup", "monday.dump").code == 0
    original = shell.url.split("///")[1].split("?")[0]
    name = new_database(postgresql_server, template=original)
    yield postgresql_server.url(name)
    drop_database(postgresql_server, name)


def open_sessions(url: str, cast: Cast) -> None:
    now = system_clock()
    db = open_database(url, Role.OWNER)
    with connection(db), db.atomic():
        for user in (cast.ann, cast.cara):
            principal = open_session(db, user, hash_token(new_token()), now)
            if not user.user_role.is_staff:
                save_resume_token(db, principal, new_resume_token(), now)
    close_all(db)


@pytest.fixture
def restored(backup: str, shell: Shell) -> Shell:
    """The command line on the copy, after `readwatch init`."""
    copy = Shell(backup, shell.monkeypatch, shell.capsys)
    assert copy("init").code == 0
    return copy


def ask(url: str, sql: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(sql).fetchall()


@on_postgresql
def test_a_backup_by_another_program_is_logged_before_and_after(
    shell: Shell, cast: Cast, db: Database
) -> None:
    began = shell("db", "log-backup", "monday.dump")
    assert (began.code, began.out) == (0, "logged as entry 1: monday.dump is made\n")
    checked = shell("db", "log-backup", "monday.dump", "--checked")
    assert checked.out == "logged as entry 2: monday.dump is checked\n"
    assert log(db) == [
        (cast.dora.id, "backed_up_database", None, "cli, to monday.dump"),
        (cast.dora.id, "checked_backup", None, "cli, monday.dump"),
    ]


@on_postgresql
def test_sessions_end_and_the_log_says_what_is_missing(shell: Shell, restored: Shell) -> None:
    shell.add("eve@example.org", "reader")
    ended = restored("db", "finish-restore", "monday.dump", "--replaced", shell.url, "--yes")
    assert (ended.code, ended.err) == (0, "")
    assert "access log: 1 entry is missing after entry number 1: entry 2 says" in ended.out
    assert ask(restored.url, "SELECT count(*) FROM resume_tokens") == [(0,)]
    for table in ("reader_sessions", "staff_sessions"):
        assert ask(restored.url, f"SELECT count(*), bool_or(is_active) FROM {table}") == [
            (1, False)
        ]
    last = ask(
        restored.url,
        "SELECT action_type, action_details FROM consultant_access_log ORDER BY id DESC LIMIT 1",
    )[0]
    assert last[0] == "restored_backup"
    assert str(last[1]).startswith("cli, 1 instead of 2 entries, from monday.dump, run by ")
    verified = restored("audit", "verify", "--json")
    assert verified.code == 0, verified
    assert json.loads(verified.out)["anchors"] == 1
    assert shell("audit", "verify").code == 0, "the replaced one is unchanged"


@on_postgresql
@pytest.mark.parametrize("known_by", ["list", "replaced database"])
def test_who_was_erased_since_is_erased_again(
    shell: Shell, restored: Shell, cast: Cast, tmp_path: Path, known_by: str
) -> None:
    erasures = tmp_path / "erased"
    assert (
        shell("user", "erase", "ann@example.org", "--yes", "--erasure-list", str(erasures)).code
        == 0
    )
    how = ("--erasure-list", str(erasures)) if known_by == "list" else ("--replaced", shell.url)
    ended = restored("db", "finish-restore", "monday.dump", "--yes", *how)
    assert f"erased again: account {cast.ann.id}\n" in ended.out
    emails = ask(restored.url, f"SELECT email FROM users WHERE id = {cast.ann.id}")
    assert emails == [(f"erased-{cast.ann.id}@erased.invalid",)]
    assert restored("audit", "verify").code == 0


@on_postgresql
def test_a_replaced_database_that_is_named_has_to_be_readable(
    restored: Shell, tmp_path: Path
) -> None:
    erasures = tmp_path / "erased"
    erasures.touch()
    complaint = restored(
        *("db", "finish-restore", "monday.dump", "--yes", f"--erasure-list={erasures}"),
        *("--replaced", restored.url.replace("///", "///no_")),
    ).complaint
    assert complaint == (
        "nothing was changed: the database of --replaced cannot be read, so it is not known who is "
        "erased there; correct its URL, or leave the option out"
    )
    assert ask(restored.url, "SELECT bool_and(is_active) FROM reader_sessions") == [(True,)]


@on_postgresql
def test_a_database_that_is_in_use_is_refused(restored: Shell) -> None:
    with psycopg.connect(restored.url):
        complaint = restored("db", "finish-restore", "monday.dump", "--yes").complaint
    assert complaint == (
        "other programs have the database open; stop the service and all consoles first"
    )
    assert ask(restored.url, "SELECT bool_and(is_active) FROM reader_sessions") == [(True,)]


@on_postgresql
@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        ("DELETE FROM consultant_access_log", "entries"),
        ("DROP TRIGGER consultant_access_log_keeps_rows ON consultant_access_log", "the schema"),
        ("DELETE FROM schema_history WHERE number = 1", "schema"),
    ],
)
def test_an_incomplete_database_is_refused_and_nothing_is_changed(
    restored: Shell, damage: str, reason: str
) -> None:
    ask_nothing(restored.url, f"SET session_replication_role = replica; {damage}")
    assert reason in restored("db", "finish-restore", "monday.dump", "--yes").complaint
    assert ask(restored.url, "SELECT bool_and(is_active) FROM reader_sessions") == [(True,)]


def ask_nothing(url: str, sql: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql)


@on_postgresql
def test_without_a_terminal_it_needs_yes(restored: Shell) -> None:
    complaint = restored("db", "finish-restore", "monday.dump").complaint
    assert complaint == "there is no terminal to ask on; use --yes"
    assert ask(restored.url, "SELECT bool_and(is_active) FROM reader_sessions") == [(True,)]


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("command", "instead"),
    [("log-backup", "db backup"), ("finish-restore", "db restore")],
)
def test_sqlite_has_commands_of_its_own(
    shell: Shell, cast: Cast, command: str, instead: str
) -> None:
    complaint = shell("db", command, "monday.db").complaint
    assert complaint == f"this is for PostgreSQL; for SQLite there is: readwatch {instead}"
