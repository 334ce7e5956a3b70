"""`readwatch user edit`: what changes, what is logged, and that logins and the log stay whole."""

import json

import pytest
from cli.shell import Shell, log
from conftest import PASSWORD, Cast

from readwatch.store.engine.connections import Database
from readwatch.store.identity.users import authenticate, find_user, get_user

ANN = "ann@example.org"


def test_each_value_of_a_reader_is_changed_and_the_log_has_the_columns_without_the_values(
    shell: Shell, cast: Cast, db: Database
) -> None:
    ended = shell(
        *("user", "edit", ANN, "--name", "Ann  Arrow", "--email", "Ann.Arrow@Example.org"),
        *("--reading-level", "B2", "--language", "de", "--timezone", "Europe/Vienna"),
    )

    columns = "full_name, email, reading_level, preferred_language, timezone"
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == f"changed {columns} of ann.arrow@example.org\n"
    assert log(db) == [(cast.dora.id, "edited_user", cast.ann.id, f"cli, columns {columns}")]
    shown = json.loads(shell("user", "show", "ann.arrow@example.org", "--json").out)
    assert shown["user"]["full_name"] == "Ann Arrow"
    profile = shown["profile"]
    assert (profile["reading_level"], profile["preferred_language"]) == ("B2", "de")
    assert profile["timezone"] == "Europe/Vienna"


def test_only_what_differs_is_changed_and_logged(shell: Shell, cast: Cast, db: Database) -> None:
    ended = shell("user", "edit", ANN, "--name", "Ann Archer", "--reading-level", "B2")
    assert ended.out == "changed reading_level of ann@example.org\n"
    assert log(db) == [(cast.dora.id, "edited_user", cast.ann.id, "cli, columns reading_level")]

    again = shell("user", "edit", ANN, "--name", "Ann Archer", "--reading-level", "B2")
    assert again.complaint == "nothing was changed: the account has these values already"
    assert len(log(db)) == 1
    assert shell("user", "edit", ANN, "--reading-level", "").code == 0


@pytest.mark.parametrize("name", ["ann", "cara", "dora"])
def test_whoever_has_a_new_e_mail_logs_in_with_it_and_the_log_stays_intact(
    shell: Shell, cast: Cast, db: Database, name: str
) -> None:
    shell("user", "show", ANN)
    assert shell("user", "edit", f"{name}@example.org", "--email", "new@example.org").code == 0

    user = getattr(cast, name)
    assert authenticate(db, "new@example.org", PASSWORD, cost=4).id == user.id
    assert find_user(db, "new@example.org").email_verified is False
    assert shell("audit", "verify").code == 0
    assert log(db)[-1] == (cast.dora.id, "edited_user", user.id, "cli, columns email")
    admin = "new@example.org" if name == "dora" else "dora@example.org"
    assert shell("user", "list", "--as", admin).code == 0
    assert "--as EMAIL" in shell("user", "list", "--as", f"{name}@example.org").complaint


@pytest.mark.parametrize(
    ("email", "options", "complaint"),
    [
        ("nobody@example.org", ["--name", "Eve"], "there is no account with this e-mail"),
        (ANN, ["--email", "ben@example.org"], "there is an account with this e-mail already"),
        (ANN, ["--email", "BEN@example.org"], "there is an account with this e-mail already"),
        (ANN, ["--email", "no address"], "not an e-mail address"),
        (ANN, ["--name", " "], "a name is needed"),
        (ANN, ["--name", "\u202eevE"], "control characters"),
        (ANN, ["--reading-level", "x" * 51], "at most 50"),
        (ANN, ["--language", "x" * 11], "at most 10"),
        (ANN, ["--timezone", "Mars/Base"], "unknown time zone"),
        (ANN, ["--timezone", ""], "unknown time zone"),
        ("cara@example.org", ["--timezone", "UTC"], "this account is a consultant; only readers"),
        ("dora@example.org", ["--name", "D", "--language", "de"], "is an admin; only readers"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_changed_or_logged(
    shell: Shell, cast: Cast, db: Database, email: str, options: list[str], complaint: str
) -> None:
    assert complaint in shell("user", "edit", email, *options).complaint
    for user in (cast.ann, cast.cara, cast.dora):
        assert get_user(db, user.id) == user
    assert log(db) == []


def test_without_a_value_the_command_says_what_is_missing(shell: Shell, cast: Cast) -> None:
    ended = shell("user", "edit", ANN)
    assert ended.code == 2
    assert "name what to change" in ended.err


def test_a_suspended_account_can_be_edited_and_a_deleted_one_cannot(
    shell: Shell, cast: Cast, db: Database
) -> None:
    assert shell("user", "suspend", ANN).code == 0
    assert shell("user", "edit", ANN, "--name", "Ann A.").code == 0
    assert not get_user(db, cast.ann.id).is_active
    assert shell("user", "delete", ANN, "--yes").code == 0
    assert "no account" in shell("user", "edit", ANN, "--name", "Ann B.").complaint


def test_an_edit_that_cannot_be_logged_is_not_made(shell: Shell, cast: Cast, db: Database) -> None:
    db.execute_sql("ALTER TABLE consultant_access_log RENAME COLUMN ip_address TO ip")
    assert shell("user", "edit", ANN, "--name", "Eve").code != 0
    assert get_user(db, cast.ann.id) == cast.ann
