"""The page about consultants: its commands are run, its keys exist, and its permissions suffice."""

import re
import shlex
from pathlib import Path

import pytest
from cli.shell import Shell
from conftest import Cast

from readwatch.store.engine.connections import close_all, connection, open_database
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.sqlite import sqlite_path
from readwatch.tui.keys import KEYS

PAGE = (Path(__file__).parents[1] / "docs" / "consultants.md").read_text(encoding="utf-8")
ADMIN, CONSULTANT = PAGE.split("\n## For the consultant\n")
ADD, TRY = (block.strip() for block in re.findall(r"```bash\n(.*?)```", PAGE, flags=re.DOTALL))
LATER = re.findall(r"^\| [^|]+ \| `readwatch ([^`]+)`", PAGE, re.MULTILINE)
PASSWORD = "a password of Kim"


@pytest.fixture
def engine() -> str:
    """The engine makes no difference here, except for the files of SQLite."""
    return "sqlite"


@pytest.fixture
def shell(
    url: str, cast: Cast, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    return Shell(url, monkeypatch, capsys)


def test_kim_gets_an_account_sees_the_readers_and_leaves_again(shell: Shell) -> None:
    assert shell(*shlex.split(ADD)[1:]).code == 0
    assert "`readwatch user passwd\nkim@example.org`" in PAGE
    password = f"{PASSWORD}\n"
    assert shell("user", "passwd", "kim@example.org", "--password-stdin", stdin=password).code == 0
    echo, _, command = TRY.partition(" | ")
    assert echo == 'echo "$KIMS_PASSWORD"'
    seen = shell(*shlex.split(command)[1:], stdin=password)
    assert (seen.code, "0 online" in seen.out) == (0, True), seen.err

    assert [tuple(line.split()[:2]) for line in LATER] == [
        ("user", "invite"),
        ("user", "edit"),
        ("group", "assign"),
        ("user", "suspend"),
        ("user", "delete"),
        ("audit", "list"),
    ]
    assert shell("group", "add", "4b").code == 0
    for line in LATER:
        yes = ["--yes"] if "delete" in line else []
        assert shell(*shlex.split(line), *yes).code == 0, line


def test_who_may_write_the_database_may_write_the_files_beside_it(shell: Shell) -> None:
    assert "chmod 660" in PAGE
    file = sqlite_path(shell.url)
    file.chmod(0o660)
    db = open_database(shell.url, Role.OWNER)
    with connection(db):
        db.execute_sql("UPDATE users SET full_name = full_name")
        beside = [file.with_name(f"{file.name}{suffix}") for suffix in ("-wal", "-shm")]
        assert [each.stat().st_mode & 0o777 for each in beside] == [0o660, 0o660]
    close_all(db)


def test_the_keys_of_the_consultant_are_keys_of_the_console() -> None:
    named = set(re.findall(r"`([^`\s]|ctrl\+\w)`", CONSULTANT)) - set("●◐○◌")
    known = {{"question_mark": "?", "slash": "/"}.get(key.key, key.key) for key in KEYS}
    assert named >= {"1", "4", "x", "/", "p", "q", "?"}
    assert named <= known
