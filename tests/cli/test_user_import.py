"""`readwatch user import`: many accounts from one file, all or none."""

import csv
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from cli.shell import Shell, log
from conftest import Cast
from listed import everybody

from readwatch.store.engine.connections import Database
from readwatch.store.identity.users import authenticate


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "people.csv"


def test_a_class_and_its_teacher_are_imported_and_logged(
    shell: Shell, cast: Cast, db: Database, file: Path
) -> None:
    file.write_text(
        "\ufeffemail,name,role,password,reading_level,timezone\r\n"
        "Eve@Example.org,Eve  Ellis,reader,a reader's password,B1,Europe/Vienna\r\n"
        'finn@example.org,"Ford, Finn",consultant,a consultant\'s password,,\r\n',
        encoding="utf-8",
    )
    ended = shell("user", "import", str(file))

    assert (ended.code, ended.out, ended.err) == (0, "imported 2 accounts\n", "")
    eve = authenticate(db, "eve@example.org", "a reader's password", cost=4)
    finn = authenticate(db, "finn@example.org", "a consultant's password", cost=4)
    assert (eve.full_name, finn.full_name) == ("Eve Ellis", "Ford, Finn")
    assert "Europe/Vienna" in shell("user", "show", eve.email).out
    assert log(db)[:3] == [
        (cast.dora.id, "imported_users", None, "cli, rows 2"),
        (cast.dora.id, "added_user", eve.id, "cli import, role reader"),
        (cast.dora.id, "added_user", finn.id, "cli import, role consultant"),
    ]


def test_who_has_no_password_gets_one_that_only_the_admin_can_read(
    shell: Shell, cast: Cast, db: Database, file: Path, tmp_path: Path
) -> None:
    file.write_text("email,name,role\neve@example.org,Eve Ellis,reader\n")
    assert "--passwords FILE" in shell("user", "import", str(file)).complaint
    passwords = tmp_path / "passwords.csv"
    assert shell("user", "import", str(file), "--passwords", str(passwords)).code == 0

    assert stat.S_IMODE(passwords.stat().st_mode) == 0o600
    with passwords.open(newline="") as opened:
        (row,) = csv.DictReader(opened)
    assert authenticate(db, row["email"], row["password"], cost=4).full_name == "Eve Ellis"


@pytest.fixture
def passwords(file: Path, tmp_path: Path) -> Path:
    """The file for the password that is generated for Eve."""
    file.write_text("email,name,role\neve@example.org,Eve Ellis,reader\n")
    return tmp_path / "passwords.csv"


def test_no_account_exists_before_its_password_is_on_disk(
    shell: Shell,
    cast: Cast,
    db: Database,
    file: Path,
    passwords: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    accounts = []

    def fsync(descriptor: int, put_on_disk: Callable[[int], None] = os.fsync) -> None:
        accounts.append(len(everybody(db)))
        put_on_disk(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    assert shell("user", "import", str(file), "--passwords", str(passwords)).code == 0
    assert (accounts, len(everybody(db))) == ([4, 4], 5), "the file, and its name"


def test_no_password_is_left_where_the_accounts_cannot_be_added(
    shell: Shell, cast: Cast, db: Database, file: Path, passwords: Path
) -> None:
    db.execute_sql("ALTER TABLE consultant_access_log RENAME COLUMN ip_address TO ip")
    assert shell("user", "import", str(file), "--passwords", str(passwords)).code != 0
    assert not passwords.exists()
    assert len(everybody(db)) == 4


def test_of_a_file_with_errors_nothing_is_imported_and_each_line_is_named(
    shell: Shell, cast: Cast, db: Database, file: Path, tmp_path: Path
) -> None:
    file.write_text(
        "email,name,role,password\n"
        "eve@example.org,Eve Ellis,reader,a good password\n"
        "no address,Finn Ford,reader,a good password\n"
        "finn@example.org,,reader,a good password\n"
        "finn@example.org,Finn Ford,teacher,a good password\n"
        "finn@example.org,Finn Ford,consultant,too short\n"
        "ann@example.org,Ann Again,reader,a good password\n"
        "EVE@example.org,Eve Again,reader,a good password\n"
    )
    ended = shell("user", "import", str(file), "--passwords", str(tmp_path / "passwords.csv"))

    assert (ended.code, ended.out) == (1, "")
    *errors, last = ended.err.splitlines()
    assert last == "readwatch: nothing was imported: 6 lines are wrong"
    assert [error.partition(": ")[0] for error in errors] == [f"line {n}" for n in range(3, 9)]
    for words, error in zip(
        (
            "not an e-mail",
            "a name",
            "role must be",
            "12 characters",
            "already",
            "line 2 has the same",
        ),
        errors,
        strict=True,
    ):
        assert words in error
    assert (len(everybody(db)), log(db)) == (4, [])
    assert not (tmp_path / "passwords.csv").exists()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "the first line has no column 'email'; it must name the columns"),
        (b"email,name\n", "the first line has no column 'role'"),
        (b"e-mail,name,role\n", "the first line has an unknown column 'e-mail'"),
        (b"email,name,role,shoe size\n", "the first line has an unknown column 'shoe size'"),
        (b"email,name,role,name\n", "the first line has two columns 'name'"),
        (b"email,name,role\n", "contains no account"),
        (b"email,name,role\na@b.org,A\n", "line 2 has 2 values, the first line 3"),
        (b'email,name,role\n"a@b.org', "is not CSV"),
        (b"email,name,role\n\xff,A,reader\n", "is not text in UTF-8"),
        (None, "cannot be read: No such file"),
    ],
)
def test_a_file_in_another_format_is_refused(
    shell: Shell, cast: Cast, db: Database, file: Path, content: bytes | None, complaint: str
) -> None:
    if content is not None:
        file.write_bytes(content)
    assert complaint in shell("user", "import", str(file)).complaint
    assert log(db) == []
