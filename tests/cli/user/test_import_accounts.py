"""`readwatch user import`: many accounts from one file, all or none."""

import csv
import json
import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cli.shell import Shell, log
from conftest import PASSWORD, Cast
from listed import everybody

from readwatch.domain.users import UserRole
from readwatch.store.engine.connections import Database
from readwatch.store.identity import invitations
from readwatch.store.identity.users import (
    NewUser,
    add_user,
    authenticate,
    find_user,
    get_user,
)

ROOT = Path(__file__).parents[3]


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

    added = "2 accounts added: 1 reader, 1 consultant\n"
    assert (ended.code, ended.out, ended.err) == (0, added, "")
    eve = authenticate(db, "eve@example.org", "a reader's password", cost=4)
    finn = authenticate(db, "finn@example.org", "a consultant's password", cost=4)
    assert (eve.full_name, finn.full_name) == ("Eve Ellis", "Ford, Finn")
    assert "Europe/Vienna" in shell("user", "show", eve.email).out
    assert log(db)[:3] == [
        (cast.dora.id, "imported_users", None, "cli, rows 2, added 2, changed 0"),
        (cast.dora.id, "added_user", eve.id, "cli import, role reader"),
        (cast.dora.id, "added_user", finn.id, "cli import, role consultant"),
    ]
    assert shell("audit", "verify").code == 0


# Invitations ------------------------------------------------------------------------------------


def test_who_has_no_password_gets_a_code_that_only_the_admin_can_read(
    shell: Shell, cast: Cast, db: Database, file: Path, codes: Path
) -> None:
    refused = shell("user", "import", str(file)).complaint
    assert refused.startswith("1 new account has no password")
    assert "--invitations FILE" in refused
    began = datetime.now(UTC)
    ended = shell("user", "import", str(file), "--invitations", str(codes))

    assert ended.out == "1 account added: 1 reader; 1 of them without a password\n"
    assert stat.S_IMODE(codes.stat().st_mode) == 0o600
    with codes.open(newline="") as opened:
        (row,) = csv.DictReader(opened)
    assert (row["email"], row["name"]) == ("eve@example.org", "Eve Ellis")
    valid_for = datetime.fromisoformat(row["expires_at"]) - began
    assert timedelta(hours=71, minutes=59) <= valid_for < timedelta(hours=73)
    assert invitations.invited_user(db, row["code"], began).email == "eve@example.org"
    eve = find_user(db, "eve@example.org")
    hashes = db.execute_sql(f"SELECT password_hash FROM users WHERE id = {eve.id}").fetchall()
    assert [tuple(row) for row in hashes] == [("",)]
    assert log(db)[-1] == (cast.dora.id, "added_user", eve.id, "cli import, role reader, invited")


@pytest.fixture
def codes(file: Path, tmp_path: Path) -> Path:
    """The file for the code of Eve, who has no password."""
    file.write_text("email,name,role\neve@example.org,Eve Ellis,reader\n")
    return tmp_path / "codes.csv"


def test_no_account_exists_before_its_code_is_on_disk(
    shell: Shell,
    cast: Cast,
    db: Database,
    file: Path,
    codes: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    accounts = []

    def fsync(descriptor: int, put_on_disk: Callable[[int], None] = os.fsync) -> None:
        accounts.append(len(everybody(db)))
        put_on_disk(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    assert shell("user", "import", str(file), "--invitations", str(codes)).code == 0
    assert (accounts, len(everybody(db))) == ([4, 4], 5), "the file, and its name"


def test_no_code_is_left_where_the_accounts_cannot_be_added(
    shell: Shell, cast: Cast, db: Database, file: Path, codes: Path
) -> None:
    db.execute_sql("ALTER TABLE consultant_access_log RENAME COLUMN ip_address TO ip")
    assert shell("user", "import", str(file), "--invitations", str(codes)).code != 0
    assert not codes.exists()
    assert len(everybody(db)) == 4


def test_the_codes_stay_if_ctrl_c_comes_right_after_the_commit(
    shell: Shell,
    cast: Cast,
    db: Database,
    file: Path,
    codes: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    commit = type(db).commit

    def interrupted(self: Database) -> None:
        commit(self)
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch.setattr(type(db), "commit", interrupted)
    ended = shell("user", "import", str(file), "--invitations", str(codes))
    assert (ended.code, ended.err.strip()) == (130, "stopped")
    assert len(everybody(db)) == 5
    assert codes.exists()


def test_of_an_account_that_another_program_adds_meanwhile_the_line_is_named(
    shell: Shell,
    cast: Cast,
    db: Database,
    file: Path,
    codes: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    new = NewUser(
        email="eve@example.org", full_name="Eve", user_role=UserRole.READER, password_hash=""
    )

    def fsync(_descriptor: int) -> None:
        monkeypatch.undo()
        add_user(db, new, datetime(2026, 1, 1, tzinfo=UTC))  # not in the same millisecond

    monkeypatch.setattr(os, "fsync", fsync)
    problem, last = shell("user", "import", str(file), "--invitations", str(codes)).err.splitlines()
    assert problem.startswith("line 2, column email: there is an account with this e-mail already")
    assert last == "readwatch: nothing was imported: 1 line is wrong"
    assert (codes.exists(), log(db)) == (False, [])


@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_a_file_of_codes_is_not_overwritten(
    shell: Shell, cast: Cast, db: Database, file: Path, codes: Path, more: list[str]
) -> None:
    codes.write_text("mine")
    refused = shell("user", "import", str(file), "--invitations", str(codes), *more)
    assert "already exists" in refused.complaint
    assert (codes.read_text(), len(everybody(db))) == ("mine", 4)


# Problems ---------------------------------------------------------------------------------------


def test_of_a_file_with_problems_nothing_is_imported_and_each_line_and_column_is_named(
    shell: Shell, cast: Cast, db: Database, file: Path, tmp_path: Path
) -> None:
    file.write_text(
        "email,name,role,password,timezone\n"
        "eve@example.org,Eve Ellis,reader,a good password,\n"
        "no address,,teacher,short,Mars/Base\n"
        "finn@example.org,Finn Ford,consultant,too short,\n"
        "finn@example.org,Finn Ford\n"
        "ann@example.org,Ann Again,reader,a good password,\n"
        "EVE@example.org,Eve Again,reader,a good password,\n"
    )
    ended = shell("user", "import", str(file), "--invitations", str(tmp_path / "codes.csv"))

    assert (ended.code, ended.out) == (1, "")
    *problems, last = ended.err.splitlines()
    assert last == "readwatch: nothing was imported: 5 lines are wrong"
    assert [problem.partition(": ")[0] for problem in problems] == [
        "line 3, column role",
        "line 3, column email",
        "line 3, column name",
        "line 3, column timezone",
        "line 4, column password",
        "line 5",
        "line 6, column email",
        "line 7, column email",
    ]
    for words, problem in zip(
        (
            "must be reader, consultant or admin",
            "not an e-mail",
            "a name",
            "unknown time zone",
            "12 characters",
            "it has 2 values, the first line 5",
            "already; --update changes it, --skip-existing skips it",
            "line 2 has the same",
        ),
        problems,
        strict=True,
    ):
        assert words in problem
    assert (len(everybody(db)), log(db)) == (4, [])
    assert not (tmp_path / "codes.csv").exists()


def test_of_very_many_problems_fifty_are_named_and_all_are_counted(
    shell: Shell, cast: Cast, file: Path
) -> None:
    file.write_text("email,name,role\n" + "no address,,reader\n" * 40)
    *problems, more, last = shell("user", "import", str(file)).err.splitlines()
    assert len(problems) == 50
    assert more == "and 30 more problems"
    assert last == "readwatch: nothing was imported: 40 lines are wrong"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "the first line has no column 'email'; it must name the columns"),
        (b"email,name\n", "the first line has no column 'role'"),
        (b"email,name,role,name\n", "the first line has two columns 'name'"),
        (b"email,name,role,Na-me\n", "the first line has two columns 'name'"),
        (b"email,name,role\n", "contains no account"),
        (b"email;name;role\n;;\n", "contains no account"),
        (
            b'"email,name,role\na@b.org',
            "people.csv: line 2: it is not CSV (unexpected end of data)",
        ),
        (b"email,name,role\n\xff,A,reader\n", "is not text in UTF-8; save it as CSV UTF-8"),
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


# What spreadsheets write ------------------------------------------------------------------------


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_commas_semicolons_and_tabs_separate(
    shell: Shell, cast: Cast, db: Database, file: Path, separator: str
) -> None:
    rows = [
        ("E-Mail", "NAME", "Role", "Password", "Reading level", "Time-Zone"),
        ("eve@example.org", f'"Ellis{separator} Eve"', "Reader", "a; good, password", "B1", "UTC"),
        ("", "", "", "", "", ""),
    ]
    if separator != "\t":
        rows[1] = (*rows[1][:3], '"a; good, password"', *rows[1][4:])
    file.write_text("\r\n".join(separator.join(row) for row in rows), encoding="utf-8")
    ended = shell("user", "import", str(file))
    assert (ended.code, ended.err) == (0, "")
    eve = authenticate(db, "eve@example.org", "a; good, password", cost=4)
    assert eve.full_name.startswith("Ellis")
    assert "B1" in shell("user", "show", eve.email).out


def test_other_columns_are_ignored_and_each_is_named(
    shell: Shell, cast: Cast, db: Database, file: Path
) -> None:
    file.write_text(
        "shoe size;email;name;role;pasword;password;langauge;\n"
        "42;eve@example.org;Eve;reader;x;a good password;de;\n"
    )
    ended = shell("user", "import", str(file))
    assert ended.code == 0
    assert ended.err.splitlines() == [
        "note: column 'shoe size' is ignored",
        "note: column 'pasword' is ignored",
        "note: column 'langauge' is ignored; did you mean language?",
        "note: column 8, which has no name, is ignored",
    ]


def test_the_sample_of_the_docs_can_be_imported(
    shell: Shell, cast: Cast, db: Database, tmp_path: Path
) -> None:
    sample, codes = ROOT / "docs" / "people.csv", tmp_path / "codes.csv"
    ended = shell("user", "import", str(sample), "--invitations", str(codes))
    assert (ended.code, ended.err) == (0, "")
    assert len(everybody(db)) == 4 + len(sample.read_text("utf-8").splitlines()) - 1


# Accounts that exist ----------------------------------------------------------------------------

UPDATE = (
    "email,name,role,password,reading_level,language,timezone\n"
    "ann@example.org,Ann Arrow,reader,another password,B2,de,Europe/Vienna\n"
    "ben@example.org,Ben Baker,reader,,,,UTC\n"
    "cara@example.org,Cara C.,consultant,,C1,,\n"
    "eve@example.org,Eve Ellis,reader,a good password,,,\n"
)


def test_an_update_changes_what_differs_and_logs_who_and_which_columns(
    shell: Shell, cast: Cast, db: Database, file: Path
) -> None:
    file.write_text(UPDATE)
    ended = shell("user", "import", str(file), "--update")

    assert ended.code == 0
    assert ended.err == "note: accounts that exist keep their passwords\n"
    assert ended.out.splitlines() == [
        "1 account added: 1 reader",
        "2 accounts changed; 1 have these values already",
    ]
    assert authenticate(db, "ann@example.org", PASSWORD, cost=4).full_name == "Ann Arrow"
    assert get_user(db, cast.ben.id) == cast.ben
    assert get_user(db, cast.cara.id).full_name == "Cara C."
    shown = shell("user", "show", "ann@example.org").out
    assert all(value in shown for value in ("B2", "de", "Europe/Vienna"))
    eve = find_user(db, "eve@example.org")
    columns = "full_name, reading_level, preferred_language, timezone"
    assert log(db)[0] == (
        cast.dora.id,
        "imported_users",
        None,
        "cli, rows 4, added 1, changed 2",
    )
    assert sorted(log(db)[1:4], key=str) == sorted(
        [
            (cast.dora.id, "added_user", eve.id, "cli import, role reader"),
            (cast.dora.id, "edited_user", cast.ann.id, f"cli import, columns {columns}"),
            (cast.dora.id, "edited_user", cast.cara.id, "cli import, columns full_name"),
        ],
        key=str,
    )
    again = shell("user", "import", str(file), "--update").out.splitlines()
    assert again == ["0 accounts added", "0 accounts changed; 4 have these values already"]


def test_an_update_does_not_change_roles_and_does_not_empty_values(
    shell: Shell, cast: Cast, db: Database, file: Path
) -> None:
    shell("user", "edit", "ann@example.org", "--reading-level", "B2")
    file.write_text("email,name,role,reading_level\nann@example.org,Ann Archer,reader,\n")
    assert "0 accounts changed" in shell("user", "import", str(file), "--update").out
    assert "B2" in shell("user", "show", "ann@example.org").out

    file.write_text("email,name,role\nann@example.org,Ann,admin\n")
    problem, _ = shell("user", "import", str(file), "--update").err.splitlines()
    assert problem == (
        "line 2, column role: the account is a reader; change the role with readwatch user role"
    )


def test_accounts_that_exist_can_be_skipped(
    shell: Shell, cast: Cast, db: Database, file: Path
) -> None:
    file.write_text(UPDATE)
    ended = shell("user", "import", str(file), "--skip-existing")
    assert ended.code == 0
    assert ended.out.splitlines() == ["1 account added: 1 reader", "3 accounts skipped"]
    for user in (cast.ann, cast.ben, cast.cara):
        assert get_user(db, user.id) == user
    assert [action for _, action, _, _ in log(db)] == ["imported_users", "added_user"]


@pytest.mark.parametrize("option", ["--update", "--skip-existing"])
def test_a_deleted_account_is_neither_changed_nor_skipped(
    shell: Shell, cast: Cast, db: Database, file: Path, option: str
) -> None:
    db.execute_sql("UPDATE users SET deleted_at = created_at WHERE email = 'ann@example.org'")
    file.write_text(UPDATE)
    problem, _ = shell("user", "import", str(file), option).err.splitlines()
    assert problem.startswith("line 2, column email: this e-mail belonged to an account that was")


def test_updating_and_skipping_exclude_each_other(shell: Shell, cast: Cast, file: Path) -> None:
    file.write_text(UPDATE)
    assert shell("user", "import", str(file), "--update", "--skip-existing").code == 2


# Dry runs ---------------------------------------------------------------------------------------


def test_a_dry_run_says_what_would_happen_and_changes_and_logs_nothing(
    shell: Shell, cast: Cast, db: Database, file: Path, tmp_path: Path
) -> None:
    codes = tmp_path / "codes.csv"
    file.write_text(UPDATE.replace("a good password", ""))
    before = everybody(db)
    call = ("user", "import", str(file), "--update", "--invitations", str(codes))
    dry = shell(*call, "--dry-run")

    assert dry.code == 0
    assert dry.out.splitlines() == [
        "1 account would be added: 1 reader; 1 of them without a password",
        "2 accounts would be changed; 1 have these values already",
    ]
    assert (everybody(db), log(db), codes.exists()) == (before, [], False)
    assert shell(*call).out == dry.out.replace("would be ", "")


def test_the_numbers_are_json_too(
    shell: Shell, cast: Cast, db: Database, file: Path, tmp_path: Path
) -> None:
    file.write_text(UPDATE.replace("a good password", ""))
    call = ("user", "import", str(file), "--update", "--invitations", str(tmp_path / "codes.csv"))
    numbers = {
        "added": {"reader": 1, "consultant": 0, "admin": 0},
        "without_password": 1,
        "changed": 2,
        "unchanged": 1,
        "skipped": 0,
        "new_groups": [],
    }
    dry = shell(*call, "--json", "--dry-run")
    assert json.loads(dry.out) == {"dry_run": True, **numbers}
    assert json.loads(shell(*call, "--json").out) == {"dry_run": False, **numbers}


def test_a_dry_run_of_a_file_with_problems_fails_as_the_import_does(
    shell: Shell, cast: Cast, db: Database, file: Path
) -> None:
    for text in ("email,name,role\nno address,,reader\n", "email,name,role\ne@b.org,E,reader\n"):
        file.write_text(text)
        dry, real = (
            shell("user", "import", str(file), "--dry-run"),
            shell("user", "import", str(file)),
        )
        assert dry.code == 1
        assert (dry.out, dry.err) == (real.out, real.err)
    assert log(db) == []


# Groups -----------------------------------------------------------------------------------------


def members(shell: Shell, name: str) -> set[str]:
    shown = json.loads(shell("group", "show", name, "--json").out)
    return {reader["email"] for reader in shown["readers"]}


def test_a_group_that_does_not_exist_is_a_problem_or_is_created(
    shell: Shell, cast: Cast, db: Database, file: Path
) -> None:
    shell("group", "add", "4b")
    file.write_text(
        "email;name;role;password;group\n"
        "eve@example.org;Eve Ellis;reader;a reader's password;4b|chess\n"
        "finn@example.org;Finn Ford;reader;a reader's password;4B\n"
    )
    refused = shell("user", "import", str(file))
    assert refused.code == 1
    assert "line 2, column group: there is no group 'chess'; readwatch group add" in refused.err
    call = ("user", "import", str(file), "--create-groups")
    assert shell(*call, "--dry-run").out == (
        "2 accounts would be added: 2 readers\n1 group would be added\n"
    )
    assert shell(*call).out == "2 accounts added: 2 readers\n1 group added\n"
    assert members(shell, "4b") == {"eve@example.org", "finn@example.org"}
    assert members(shell, "chess") == {"eve@example.org"}
    details = [entry[3] for entry in log(db)]
    assert "cli import, role reader, groups 4b, chess" in details
    assert "cli import, group chess" in details


def test_an_update_moves_readers_to_the_groups_of_the_file(
    shell: Shell, cast: Cast, db: Database, file: Path
) -> None:
    shell("group", "add", "4a", "5a", "chess")
    shell("group", "add-reader", "4a", "ann@example.org", "ben@example.org")
    shell("group", "add-reader", "chess", "ann@example.org")
    before = len(log(db))
    file.write_text(
        "email,name,role,group\n"
        "ann@example.org,Ann Archer,reader,5a|chess\n"
        "ben@example.org,Ben Baker,reader,\n"
    )
    call = ("user", "import", str(file), "--update")
    changed = "0 accounts {}added\n1 account {}changed; 1 have these values already\n"
    assert shell(*call, "--dry-run").out == changed.format("would be ", "would be ")
    assert shell(*call).out == changed.format("", "")
    assert members(shell, "4a") == {"ben@example.org"}, "an empty value changes nothing"
    assert members(shell, "5a") == members(shell, "chess") == {"ann@example.org"}
    assert [entry for entry in log(db)[before:] if "group" in entry[1]] == [
        (cast.dora.id, "added_to_group", cast.ann.id, "cli import, group 5a"),
        (cast.dora.id, "removed_from_group", cast.ann.id, "cli import, group 4a"),
    ]
