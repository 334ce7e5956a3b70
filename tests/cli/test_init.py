"""`readwatch init`: a database that is ready to use, or nothing at all."""

import stat
import sys
from pathlib import Path
from typing import Any

import pexpect
import pytest
from cli.shell import ADMIN_PASSWORD, Shell, log
from conftest import ENGINES

from readwatch.domain.users import UserRole
from readwatch.store.engine.connections import Database, connection
from readwatch.store.engine.migrations import available_migrations, history
from readwatch.store.identity.users import authenticate, find_user

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


def rows(db: Database, query: str) -> list[tuple[Any, ...]]:
    with connection(db):
        return [tuple(row) for row in db.execute_sql(query)]


def file_of(shell: Shell) -> Path:
    return Path(shell.url.removeprefix("sqlite:///"))


def test_it_makes_the_database_and_the_first_admin(
    new_shell: Shell, request: pytest.FixtureRequest
) -> None:
    ended = new_shell.init()

    assert (ended.code, ended.err) == (0, "")
    made: Database = request.getfixturevalue("made")
    with connection(made):
        applied = [
            f"applied schema {migration.number} ({migration.name})" for migration in history(made)
        ]
        assert len(applied) == len(available_migrations(made))
    assert ended.out.splitlines() == [
        *applied,
        "added the admin dora@example.org",
        f"ready: {new_shell.url}",
    ]
    with connection(made):
        dora = authenticate(made, "dora@example.org", ADMIN_PASSWORD)
    assert (dora.user_role, dora.full_name, dora.is_active) == (UserRole.ADMIN, "Dora Dyer", True)
    with connection(made):
        assert log(made) == [(dora.id, "added_user", dora.id, "cli init, role admin")]


@on_sqlite
def test_the_file_can_be_read_by_its_owner_only(new_shell: Shell) -> None:
    new_shell.init()
    assert stat.S_IMODE(file_of(new_shell).stat().st_mode) == 0o600


@on_sqlite
def test_the_folders_of_the_database_are_made_too_and_only_their_owner_can_open_them(
    new_shell: Shell,
) -> None:
    existing = file_of(new_shell).parent
    existing.chmod(0o755)
    new_shell.url = f"sqlite:///{existing / 'a' / 'b' / 'readwatch.db'}"
    assert new_shell.init().code == 0
    folders = (existing, existing / "a", existing / "a" / "b")
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in folders] == [0o755, 0o700, 0o700]


@on_sqlite
def test_without_a_url_the_database_is_a_file_of_this_user(
    new_shell: Shell, tmp_path: Path
) -> None:
    ended = new_shell.bare(
        *("init", "--admin-email", "dora@example.org", "--admin-name", "Dora"),
        *("--password-stdin", "--bcrypt-cost", "4"),
        stdin=ADMIN_PASSWORD,
    )
    assert ended.code == 0
    (path,) = tmp_path.rglob("readwatch.db")
    assert ended.out.endswith(f"ready: sqlite:///{path}\n")


def test_called_again_it_keeps_what_is_there(
    new_shell: Shell, request: pytest.FixtureRequest
) -> None:
    new_shell.init()
    made: Database = request.getfixturevalue("made")
    everything = "SELECT * FROM users", "SELECT * FROM consultant_access_log"
    before = [rows(made, query) for query in everything]

    again, bare = new_shell.init(email="eve@example.org"), new_shell("init")

    assert (again.code, bare.code) == (0, 0)
    assert again.out.splitlines() == [
        "an admin exists; add another one with: readwatch user add EMAIL --role admin",
        f"ready: {new_shell.url}",
    ]
    assert bare.out == f"ready: {new_shell.url}\n"
    assert [rows(made, query) for query in everything] == before


def test_a_schema_without_an_admin_gets_one(shell: Shell, db: Database) -> None:
    """As after a call that broke off in between."""
    assert shell.init().out.splitlines()[0] == "added the admin dora@example.org"
    assert find_user(db, "dora@example.org").user_role is UserRole.ADMIN


@pytest.mark.parametrize(
    "engine", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)
def test_it_gives_the_roles_their_rights_in_a_database_where_they_have_none(
    shell: Shell, cast: object, db: Database
) -> None:
    """As in one that was restored without rights, or renamed."""
    assert shell("init").code == 0
    for (role,) in rows(
        db, "SELECT rolname FROM pg_roles WHERE starts_with(rolname, current_database() || '_')"
    ):
        db.execute_sql(f'REVOKE ALL ON ALL TABLES IN SCHEMA public FROM "{role}"')
    assert "does not allow" in shell("user", "list").complaint
    ended = shell("init")
    assert (ended.code, ended.err) == (0, "")
    assert shell("user", "list").code == 0


@pytest.mark.parametrize(
    ("arguments", "password", "complaint"),
    [
        ([], "", "set one with --admin-email"),
        (["--admin-email", "dora@example.org"], "", "set one with --admin-name"),
        (["--admin-email", "dora", "--admin-name", "D"], ADMIN_PASSWORD, "not an e-mail address"),
        (["--admin-email", "", "--admin-name", "D"], ADMIN_PASSWORD, "not an e-mail address"),
        (["--admin-email", "a b@example.org", "--admin-name", "D"], ADMIN_PASSWORD, "not an e-ma"),
        (["--admin-email", "d@example.org", "--admin-name", " "], ADMIN_PASSWORD, "a name is"),
        (["--admin-email", "d@example.org", "--admin-name", "\x1b[2J"], ADMIN_PASSWORD, "control"),
        (["--admin-email", "d@example.org", "--admin-name", "x" * 256], ADMIN_PASSWORD, "255"),
        (["--admin-email", "d@example.org", "--admin-name", "D"], "", "at least 12 characters"),
        (["--admin-email", "d@example.org", "--admin-name", "D"], "x" * 11, "at least 12"),
        (["--admin-email", "d@example.org", "--admin-name", "D"], "x" * 73, "at most 72 bytes"),
        (["--admin-email", "d@example.org", "--admin-name", "D"], "é" * 37, "at most 72 bytes"),
        (["--admin-email", "d@example.org", "--admin-name", "D"], "x" * 12 + "\udcff", "UTF-8"),
    ],
)
def test_a_wrong_answer_is_refused_before_anything_is_made(
    new_shell: Shell,
    request: pytest.FixtureRequest,
    arguments: list[str],
    password: str,
    complaint: str,
) -> None:
    ended = new_shell("init", *arguments, "--password-stdin", stdin=password)

    assert complaint in ended.complaint
    assert not password or password not in ended.err
    if new_shell.url.startswith("sqlite:"):
        assert not file_of(new_shell).exists()
    else:
        assert (
            rows(
                request.getfixturevalue("made"),
                "SELECT * FROM pg_tables WHERE schemaname = 'public'",
            )
            == []
        )


@on_sqlite
@pytest.mark.parametrize("password", ["x" * 12, "x" * 72, "é" * 36, " 12 characters "])
def test_a_password_just_within_the_limits_is_taken_as_it_is(
    new_shell: Shell, request: pytest.FixtureRequest, password: str
) -> None:
    assert new_shell.init(password=password).code == 0
    made: Database = request.getfixturevalue("made")
    with connection(made):
        user = authenticate(made, "dora@example.org", password)
    assert user.email == "dora@example.org"


@on_sqlite
def test_without_a_terminal_the_password_has_to_come_on_stdin(new_shell: Shell) -> None:
    ended = new_shell("init", "--admin-email", "dora@example.org", "--admin-name", "Dora")
    assert ended.complaint == "there is no terminal to ask for a password; use --password-stdin"
    assert not file_of(new_shell).exists()


@on_sqlite
def test_on_a_terminal_it_asks_and_does_not_show_the_password(new_shell: Shell) -> None:
    command = ["-m", "readwatch", "--database", new_shell.url, "init", "--bcrypt-cost", "4"]
    with pexpect.spawn(sys.executable, command, encoding="utf-8", timeout=30) as terminal:
        terminal.expect("Admin's e-mail: ")
        terminal.sendline("dora@example.org")
        terminal.expect("Admin's name: ")
        terminal.sendline("Dora Dyer")
        terminal.expect("Password: ")
        terminal.sendline(ADMIN_PASSWORD)
        terminal.expect("Repeat for confirmation: ")
        terminal.sendline(ADMIN_PASSWORD)
        terminal.expect("added the admin dora@example.org")
        terminal.expect(pexpect.EOF)
        printed = terminal.before
    assert terminal.exitstatus == 0
    assert ADMIN_PASSWORD not in printed


@on_sqlite
def test_a_place_that_cannot_hold_a_database_is_refused(new_shell: Shell) -> None:
    folder = file_of(new_shell).parent
    new_shell.url = f"sqlite:///{folder}"
    assert new_shell.init().complaint.startswith(f"the database cannot be made at {folder}: ")
    (folder / "file").touch()
    new_shell.url = f"sqlite:///{folder / 'file' / 'readwatch.db'}"
    assert "the database cannot be made at" in new_shell.init().complaint


@on_sqlite
def test_a_file_that_is_something_else_is_left_alone(new_shell: Shell) -> None:
    letter = file_of(new_shell)
    letter.write_text("Dear Ben, " * 1000)
    assert new_shell.init().complaint == "that file is not a SQLite database"
    assert letter.read_text() == "Dear Ben, " * 1000


@pytest.mark.parametrize(
    ("plain", "shown"),
    [
        ("postgresql://dora:hush@", "postgresql://dora:…@"),
        ("postgresql://dora:h%40u:sh@", "postgresql://dora:…@"),
        ("postgresql://dora@", "postgresql://dora@"),
    ],
)
@pytest.mark.parametrize("engine", [ENGINES[1]], indirect=True)
def test_a_password_in_the_url_is_not_shown(new_shell: Shell, plain: str, shown: str) -> None:
    # The server of the tests lets postgres in with any password, or with none.
    new_shell.url = new_shell.url.replace("postgresql://", plain.replace("dora", "postgres"))
    new_shell.url += "&password=hush"

    last_line = new_shell.init().out.splitlines()[-1]

    assert last_line.startswith("ready: " + shown.replace("dora", "postgres"))
    assert last_line.endswith("&password=…")
    assert "hush" not in last_line
