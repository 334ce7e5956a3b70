"""`readwatch user show`, `suspend`, `activate`, `delete`, `passwd`: one account, logged."""

import json
from typing import Any

import pytest
from cli.shell import ADMIN_PASSWORD, READER_PASSWORD, Shell, log
from conftest import NOON, PASSWORD, Cast
from listed import everybody
from tui.real_terminal import READWATCH, terminal

from readwatch.domain.clock import rfc3339
from readwatch.domain.errors import ReadwatchError
from readwatch.domain.users import User
from readwatch.store.engine.connections import Database
from readwatch.store.identity.sessions import find_principal, open_session
from readwatch.store.identity.tokens import hash_token
from readwatch.store.identity.users import authenticate, find_user, get_user

ANN = "ann@example.org"


def enter(db: Database, user: User, token: str) -> None:
    with db.atomic():
        open_session(db, user, hash_token(token), NOON)


# Showing ---------------------------------------------------------------------------------------


def test_a_reader_is_shown_and_this_is_logged(shell: Shell, cast: Cast, db: Database) -> None:
    enter(db, cast.ann, "tablet")
    ended = shell("user", "show", "ANN@example.org")

    assert (ended.code, ended.err) == (0, "")
    lines = [" ".join(line.split()) for line in ended.out.splitlines()]
    assert lines[:5] == [f"e-mail {ANN}", "id 1", "name Ann Archer", "role reader", "state active"]
    assert lines[-3] == "open sessions 1"
    assert lines[-1] == "failed logins not locked"
    assert log(db) == [(cast.dora.id, "viewed_user", cast.ann.id, "cli")]


def test_as_json_the_account_is_as_in_the_api(shell: Shell, cast: Cast, db: Database) -> None:
    enter(db, cast.ann, "tablet")
    ann, cara = (
        json.loads(shell("user", "show", "--json", user.email).out)
        for user in (cast.ann, cast.cara)
    )

    assert ann["user"]["id"] == cast.ann.id
    assert (ann["profile"]["timezone"], ann["profile"]["total_sessions"]) == ("UTC", 1)
    assert (ann["open_sessions"], ann["last_login"]) == (1, rfc3339(NOON))
    assert ann["locked_seconds"] == 0
    assert cara == {
        "user": cara["user"],
        "profile": None,
        "groups": [],
        "sees": "all readers",
        "open_sessions": 0,
        "last_login": None,
        "locked_seconds": 0,
        "invited_until": None,
    }
    assert "hash" not in json.dumps(ann)


# Suspending, activating, deleting ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "stdin", "output", "action"),
    [
        (["suspend"], "", f"suspended {ANN}: 1 session ended\n", "suspended_user"),
        (["delete", "--yes"], "", f"deleted {ANN}: 1 session ended\n", "deleted_user"),
        (
            ["passwd", "--password-stdin"],
            "another password\n",
            f"changed the password of {ANN}: 1 session ended\n",
            "set_password",
        ),
    ],
)
def test_a_change_ends_the_sessions_invalidates_the_old_password_and_is_logged(
    shell: Shell, cast: Cast, db: Database, words: list[str], stdin: str, output: str, action: str
) -> None:
    enter(db, cast.ann, "tablet")
    ended = shell("user", *words, "Ann@Example.org", stdin=stdin)

    assert (ended.code, ended.out, ended.err) == (0, output, "")
    assert find_principal(db, hash_token("tablet"), NOON) is None
    with pytest.raises(ReadwatchError):
        authenticate(db, ANN, PASSWORD, cost=4)
    assert log(db) == [(cast.dora.id, action, cast.ann.id, "cli")]


@pytest.mark.parametrize(
    ("words", "done"),
    [
        (["suspend"], "suspended cara@example.org"),
        (["delete", "--yes"], "deleted cara@example.org"),
        (["role"], "cara@example.org is now an admin"),
    ],
)
def test_a_change_of_a_consultants_account_ends_consoles_too(
    shell: Shell, cast: Cast, words: list[str], done: str
) -> None:
    role = ["admin"] if words == ["role"] else []
    consoles = "each console of this account ends within 5 seconds"
    ended = shell("user", *words, "cara@example.org", *role)
    assert (ended.code, ended.out) == (0, f"{done}: 0 sessions ended, and {consoles}\n")


def test_a_suspended_account_can_be_activated(shell: Shell, cast: Cast, db: Database) -> None:
    shell("user", "suspend", ANN)
    assert shell("user", "suspend", ANN).complaint == "this account is suspended already"
    assert shell("user", "activate", ANN).out == f"activated {ANN}\n"
    assert shell("user", "activate", ANN).complaint == "this account is active already"
    assert authenticate(db, ANN, PASSWORD, cost=4) == cast.ann
    assert [action for _, action, _, _ in log(db)] == ["suspended_user", "activated_user"]


def test_a_deleted_account_is_gone_and_its_address_stays_taken(shell: Shell, cast: Cast) -> None:
    shell("user", "delete", "--yes", ANN)
    for word in ("show", "suspend", "activate", "delete", "passwd"):
        yes = ["--yes"] if word == "delete" else []
        assert "no account with this e-mail" in shell("user", word, ANN, *yes).complaint
    assert "was deleted, and stays taken" in shell.add(ANN, "reader").complaint


@pytest.mark.parametrize("words", [["suspend"], ["delete", "--yes"]])
def test_the_last_active_admin_cannot_be_taken_away(
    shell: Shell, cast: Cast, db: Database, words: list[str]
) -> None:
    complaint = shell("user", *words, cast.dora.email).complaint
    assert "last active admin" in complaint
    assert "readwatch user add" in complaint
    assert (get_user(db, cast.dora.id), log(db)) == (cast.dora, [])

    shell.add("eve@example.org", "admin")
    gone = shell("user", *words, cast.dora.email, "--as", cast.dora.email)
    assert gone.code == 0, "with another one it can, also by itself"
    assert shell("user", "list").code == 0


def test_when_all_admins_are_suspended_it_says_who_can_help(
    shell: Shell, cast: Cast, db: Database
) -> None:
    db.execute_sql("UPDATE users SET is_active = FALSE")
    complaint = shell("user", "suspend", ANN).complaint
    assert "all admins are suspended" in complaint
    assert "owner of the database" in complaint


def test_without_a_terminal_a_deletion_wants_yes(shell: Shell, cast: Cast, db: Database) -> None:
    assert "--yes" in shell("user", "delete", ANN, stdin=f"{ANN}\n").complaint
    assert (find_user(db, ANN), log(db)) == (cast.ann, [])


# Another role -----------------------------------------------------------------------------------


def test_a_reader_who_joins_the_staff_gets_another_password_and_is_logged_out(
    shell: Shell, cast: Cast, db: Database
) -> None:
    enter(db, cast.ann, "tablet")
    short = shell("user", "role", ANN, "consultant", "--password-stdin", stdin="8 letters\n")
    assert "a consultant has at least 12 characters" in short.complaint
    ended = shell("user", "role", ANN, "consultant", "--password-stdin", stdin="twelve and more\n")

    assert (ended.code, ended.out) == (0, f"{ANN} is now a consultant: 1 session ended\n")
    assert find_principal(db, hash_token("tablet"), NOON) is None
    assert authenticate(db, ANN, "twelve and more", cost=4).user_role == "consultant"
    assert log(db) == [(cast.dora.id, "changed_role", cast.ann.id, "cli, reader to consultant")]


def test_a_consultant_becomes_a_reader_with_a_profile_and_keeps_the_password(
    shell: Shell, cast: Cast, db: Database
) -> None:
    assert shell("user", "role", "cara@example.org", "reader").code == 0
    assert authenticate(db, "cara@example.org", PASSWORD, cost=4).user_role == "reader"
    assert "timezone" in shell("user", "show", "--json", "cara@example.org").out
    assert shell("user", "role", "cara@example.org", "reader").complaint == (
        "this account is a reader already"
    )


def test_the_last_active_admin_stays_one(shell: Shell, cast: Cast, db: Database) -> None:
    assert "last active admin" in shell("user", "role", cast.dora.email, "reader").complaint
    assert log(db) == []
    shell.add("eve@example.org", "admin")
    demoted = shell("user", "role", cast.dora.email, "consultant", "--as", cast.dora.email)
    assert demoted.code == 0, "with another one that is possible, also by oneself"


# Another password -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("email", "password", "complaint"),
    [
        (ANN, "7 chars", "at least 8 characters"),
        (ANN, "iloveyou", "too common"),
        ("cara@example.org", READER_PASSWORD[:11], "at least 12 characters"),
        ("cara@example.org", "Password1234", "too common"),
        ("nobody@example.org", ADMIN_PASSWORD, "no account with this e-mail"),
    ],
)
def test_a_password_that_breaks_a_rule_changes_nothing(
    shell: Shell, cast: Any, db: Database, email: str, password: str, complaint: str
) -> None:
    ended = shell("user", "passwd", email, "--password-stdin", stdin=f"{password}\n")
    assert complaint in ended.complaint
    assert password not in ended.err
    assert log(db) == []
    assert authenticate(db, ANN, PASSWORD, cost=4).email == ANN


def test_the_new_password_lets_in(shell: Shell, cast: Cast, db: Database) -> None:
    shell("user", "passwd", "cara@example.org", "--password-stdin", stdin="twelve and more\n")
    assert authenticate(db, "cara@example.org", "twelve and more", cost=4).id == cast.cara.id


# On a terminal ----------------------------------------------------------------------------------

on_a_terminal = pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
"""Python 3.12 and later say so whenever a process with threads is forked, as pexpect does it."""


@on_a_terminal
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("word", "done"), [("delete", "deleted"), ("erase", "erased")])
def test_on_a_terminal_the_email_is_typed_again_before_an_account_goes(
    url: str, cast: Cast, db: Database, word: str, done: str
) -> None:
    command = [*READWATCH, "--database", url, "user", word, ANN]
    with terminal(command) as window:
        window.sees("cannot be undone", "Type the e-mail again")
        window.types("ben@example.org\r")
        window.sees(f"nothing was {done}")
        assert window.ends() == 1
    assert len(everybody(db)) == 4
    with terminal(command) as window:
        window.sees("Type the e-mail again")
        window.types("Ann@example.org\r")
        window.sees(f"{done} ")
        assert window.ends() == 0
    assert cast.ann not in everybody(db)


@on_a_terminal
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_on_a_terminal_a_password_is_asked_twice_and_never_painted(
    url: str, cast: Cast, db: Database
) -> None:
    command = [*READWATCH, "--database", url, "user", "passwd", ANN, "--bcrypt-cost", "4"]
    with terminal(command) as window:
        window.sees("Password:")
        window.types("typed on a terminal\r")
        window.sees("Repeat")
        window.types("typed on a terminal\r")
        window.sees(f"changed the password of {ANN}")
        assert window.ends() == 0
        assert "typed on" not in window.screen
    assert authenticate(db, ANN, "typed on a terminal", cost=4).id == cast.ann.id


@on_a_terminal
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_terminal_of_80_columns_shows_an_account_without_cutting_it(url: str, cast: Cast) -> None:
    with terminal([*READWATCH, "--database", url, "user", "show", ANN]) as window:
        assert window.ends() == 0
        for words in ("Ann Archer", ANN, "active", "open sessions", "not locked", "never"):
            assert window.line(words), window.screen
