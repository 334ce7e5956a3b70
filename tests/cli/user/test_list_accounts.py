"""`readwatch user list`: who is listed, and who is named in the access log."""

import json
from datetime import datetime

import pytest
from cli.shell import Shell, log
from conftest import Cast

from readwatch.domain.users import UserRole
from readwatch.store.engine.connections import Database
from readwatch.store.identity.bulk_users import add_users
from readwatch.store.identity.users import NewUser


def test_the_list_has_everybody_by_name(shell: Shell, cast: Cast, db: Database) -> None:
    db.execute_sql("UPDATE users SET is_active = FALSE WHERE email = 'ben@example.org'")
    ended = shell("user", "list")

    assert (ended.code, ended.err) == (0, "")
    lines = [line.split() for line in ended.out.splitlines()]
    assert lines == [
        ["id", "role", "name", "e-mail", "state", "created"],
        ["1", "reader", "Ann", "Archer", "ann@example.org", "active", "2026-10-23"],
        ["2", "reader", "Ben", "Baker", "ben@example.org", "suspended", "2026-10-23"],
        ["3", "consultant", "Cara", "Cook", "cara@example.org", "active", "2026-10-23"],
        ["4", "admin", "Dora", "Dyer", "dora@example.org", "active", "2026-10-23"],
    ]
    assert log(db) == [(cast.dora.id, "listed_users", None, "cli, role any")]


def test_in_a_pipe_an_account_is_one_line_and_never_cut(
    shell: Shell, cast: Cast, db: Database
) -> None:
    email = "y" * 60 + "@example.org"
    shell.add(email, "reader", "--name", "A rather long name, " * 12)
    (line,) = [line for line in shell("user", "list").out.splitlines() if "y" * 60 in line]
    assert email in line
    assert ("A rather long name, " * 12).strip() in line


def test_the_list_as_json_has_the_names_of_the_columns(
    shell: Shell, cast: Cast, db: Database
) -> None:
    ended = shell("user", "list", "--json", "--role", "reader")

    ann, ben = json.loads(ended.out)
    for moment in ("created_at", "password_changed_at"):
        assert datetime.fromisoformat(ann.pop(moment)) == cast.ann.created_at
    assert ann == {
        "id": cast.ann.id,
        "email": "ann@example.org",
        "user_role": "reader",
        "full_name": "Ann Archer",
        "is_active": True,
        "email_verified": False,
        "state": "active",
    }
    assert ben["email"] == "ben@example.org"
    assert "T" in ben["created_at"], "as RFC 3339 has it, and as the API answers"
    assert log(db) == [
        (cast.dora.id, "listed_users", user.id, "cli, role reader") for user in (cast.ann, cast.ben)
    ]


def test_deleted_accounts_are_not_listed(shell: Shell, cast: Cast, db: Database) -> None:
    db.execute_sql("UPDATE users SET deleted_at = created_at WHERE email = 'ben@example.org'")
    assert "ben@example.org" not in shell("user", "list").out


def test_an_empty_list_is_a_list(shell: Shell, cast: Cast, db: Database) -> None:
    db.execute_sql("UPDATE users SET deleted_at = created_at WHERE user_role = 'reader'")
    assert json.loads(shell("user", "list", "--role", "reader", "--json").out) == []
    assert len(shell("user", "list", "--role", "reader").out.splitlines()) == 1


def test_names_that_would_act_on_the_terminal_come_out_clean(
    shell: Shell, cast: Cast, db: Database
) -> None:
    """Such a name can only have come in by another way than ours."""
    hostile = "\x1b[2J\x1b]0;owned\x07\u202eAnn[bold]"
    db.execute_sql(f"UPDATE users SET full_name = '{hostile}' WHERE email = 'ann@example.org'")
    for ended in (shell("user", "list"), shell("user", "list", "--json")):
        assert "Ann[bold]" in ended.out
        assert not set(ended.out) & set("\x1b\x07\u202e")


# Which accounts ---------------------------------------------------------------------------------


def names(shell: Shell, *options: str) -> list[str]:
    """The first names that are listed."""
    ended = shell("user", "list", "--json", *options)
    assert ended.code == 0, ended
    return [account["full_name"].split()[0] for account in json.loads(ended.out)]


@pytest.fixture
def one_of_each_state(cast: Cast, db: Database) -> None:
    """Ben is suspended and Cara is deleted, the others are active."""
    db.execute_sql("UPDATE users SET is_active = FALSE WHERE email = 'ben@example.org'")
    db.execute_sql(
        "UPDATE users SET is_active = FALSE, deleted_at = created_at"
        " WHERE email = 'cara@example.org'"
    )


@pytest.mark.usefixtures("one_of_each_state")
def test_each_state_lists_its_accounts_and_no_others(shell: Shell) -> None:
    assert names(shell) == ["Ann", "Ben", "Dora"]
    assert names(shell, "--state", "active") == ["Ann", "Dora"]
    assert names(shell, "--state", "suspended") == ["Ben"]
    assert names(shell, "--state", "deleted") == ["Cara"]
    assert names(shell, "--state", "active", "--role", "reader") == ["Ann"]
    ended = shell("user", "list", "--state", "deleted")
    assert ended.out.splitlines()[1].split()[-2:] == ["deleted", "2026-10-23"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("ann", ["Ann"]),
        ("ARCHER", ["Ann"]),
        ("baker ben", ["Ben"]),
        ("cra cok", ["Cara"]),
        ("example.org", ["Ann", "Ben", "Cara", "Dora"]),
        ("dora@example", ["Dora"]),
        ("email:ben@", ["Ben"]),
        ("full_name:example", []),
        ("!ann !cara !full_name:dora", ["Ben"]),
        ("%", []),
        ("'", []),
    ],
)
def test_names_and_e_mails_are_searched_as_in_the_console(
    shell: Shell, cast: Cast, words: str, found: list[str]
) -> None:
    assert names(shell, "--search", words) == found


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("email:", "a term needs a value"),
        ("reading_level:B1", "unknown field; use one of full_name, email"),
        ("email>5", "compares words"),
    ],
)
def test_a_search_that_cannot_be_is_explained_and_nothing_is_logged(
    shell: Shell, cast: Cast, db: Database, words: str, complaint: str
) -> None:
    assert complaint in shell("user", "list", "--search", words).complaint
    assert log(db) == []


# How many ---------------------------------------------------------------------------------------


@pytest.fixture
def a_school(cast: Cast, db: Database) -> None:
    """A hundred and twenty more readers."""
    new = [
        NewUser(
            email=f"pupil{number}@example.org",
            full_name=f"Pupil {number:03}",
            user_role=UserRole.READER,
            password_hash="",
        )
        for number in range(120)
    ]
    with db.atomic():
        add_users(db, new, cast.ann.created_at)


@pytest.mark.usefixtures("a_school")
def test_a_hundred_are_listed_and_a_line_says_how_many_were_found(
    shell: Shell, cast: Cast, db: Database
) -> None:
    ended = shell("user", "list")
    assert len(ended.out.splitlines()) == 101
    assert ended.err == "124 accounts found, the first 100 listed; --limit 0 lists all\n"
    assert len(json.loads(shell("user", "list", "--json", "--limit", "0").out)) == 124
    assert shell("user", "list", "--limit", "124").err == ""
    assert names(shell, "--limit", "5", "--role", "reader")[-1] == "Pupil"
    assert {whom for _, _, whom, _ in log(db)} == {None}


@pytest.mark.parametrize("options", [("--limit", "-1"), ("--limit", "all"), ("--state", "gone")])
def test_what_is_typed_wrong_is_explained(shell: Shell, options: tuple[str, str]) -> None:
    assert shell("user", "list", *options).code == 2


# Who is named -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("a_school")
@pytest.mark.parametrize(
    ("options", "listed", "details"),
    [
        (("--search", "pupil 00"), None, "cli, role any, filter of 2 terms"),
        (("--search", "archer"), ["ann"], "cli, role any, filter of 1 term"),
        (("--limit", "3"), ["ann", "ben", "cara"], "cli, role any"),
        (("--role", "admin"), ["dora"], "cli, role admin"),
        (("--state", "suspended"), None, "cli, role any, state suspended"),
    ],
)
def test_three_or_fewer_people_are_named_and_the_words_of_a_search_are_not(
    shell: Shell,
    cast: Cast,
    db: Database,
    options: tuple[str, str],
    listed: list[str] | None,
    details: str,
) -> None:
    assert shell("user", "list", *options).code == 0
    named = [getattr(cast, name).id for name in listed] if listed else [None]
    assert log(db) == [(cast.dora.id, "listed_users", whom, details) for whom in named]
