"""`readwatch user`: accounts, and what the access log says about who made and listed them."""

from typing import Any

import pytest
from cli.shell import ADMIN_PASSWORD, READER_PASSWORD, Ended, Shell, log
from listed import everybody
from permits import permit_for

from readwatch.domain.users import UserRole
from readwatch.store import reader_data
from readwatch.store.engine.connections import Database, is_sqlite
from readwatch.store.identity.users import authenticate, find_user


@pytest.mark.parametrize(
    ("role", "password"),
    [
        ("reader", READER_PASSWORD),
        ("reader", "8 chars!"),
        ("consultant", ADMIN_PASSWORD),
        ("admin", ADMIN_PASSWORD),
    ],
)
def test_an_account_of_each_role_can_be_added_and_can_log_in(
    shell: Shell, cast: Any, db: Database, role: str, password: str
) -> None:
    ended = shell.add("Eve@Example.org", role, password=password)

    eve = find_user(db, "eve@example.org")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == f"added {role} {eve.id}: eve@example.org\n"
    assert (eve.user_role, eve.full_name) == (UserRole(role), "Eve")
    assert authenticate(db, "eve@example.org", password).id == eve.id
    assert log(db) == [(cast.dora.id, "added_user", eve.id, f"cli, role {role}")]


def test_a_reader_has_a_profile_with_the_given_values(
    shell: Shell, cast: Any, db: Database
) -> None:
    shell.add(
        *("eve@example.org", "reader", "--reading-level", "B1", "--language", "de"),
        *("--timezone", "Europe/Vienna"),
    )
    profile = reader_data.profile(db, permit_for(find_user(db, "eve@example.org").id))
    assert (profile.reading_level, profile.preferred_language) == ("B1", "de")
    assert (profile.timezone, profile.total_sessions) == ("Europe/Vienna", 0)


@pytest.mark.parametrize(
    ("email", "role", "more", "password", "complaint"),
    [
        ("ann@example.org", "reader", [], READER_PASSWORD, "an account with this e-mail already"),
        ("ANN@EXAMPLE.ORG", "admin", [], ADMIN_PASSWORD, "an account with this e-mail already"),
        ("eve", "reader", [], READER_PASSWORD, "not an e-mail address"),
        ("eve@", "reader", [], READER_PASSWORD, "not an e-mail address"),
        ("e\x1bve@example.org", "reader", [], READER_PASSWORD, "not an e-mail address"),
        ("x" * 250 + "@example.org", "reader", [], READER_PASSWORD, "not an e-mail address"),
        ("eve@example.org", "reader", [], "7 chars", "at least 8 characters"),
        ("eve@example.org", "reader", [], "", "at least 8 characters"),
        ("eve@example.org", "consultant", [], "11 chars ..", "at least 12 characters"),
        ("eve@example.org", "admin", [], "11 chars ..", "at least 12 characters"),
        ("eve@example.org", "reader", [], "é" * 37, "at most 72 bytes"),
        ("eve@example.org", "reader", ["--name", " "], READER_PASSWORD, "a name is needed"),
        ("eve@example.org", "reader", ["--name", "\u202eevE"], READER_PASSWORD, "control"),
        ("eve@example.org", "reader", ["--name", "x" * 256], READER_PASSWORD, "255 characters"),
        ("eve@example.org", "reader", ["--reading-level", "x" * 51], READER_PASSWORD, "at most 50"),
        ("eve@example.org", "reader", ["--reading-level", "\x07"], READER_PASSWORD, "printable"),
        ("eve@example.org", "reader", ["--language", "x" * 11], READER_PASSWORD, "at most 10"),
        ("eve@example.org", "reader", ["--timezone", "Mars/Base"], READER_PASSWORD, "time zone"),
        ("eve@example.org", "reader", ["--timezone", "../passwd"], READER_PASSWORD, "time zone"),
        ("eve@example.org", "reader", ["--timezone", ""], READER_PASSWORD, "time zone"),
    ],
)
def test_what_cannot_be_an_account_is_refused_and_nothing_is_stored(
    shell: Shell,
    cast: Any,
    db: Database,
    email: str,
    role: str,
    more: list[str],
    password: str,
    complaint: str,
) -> None:
    before = everybody(db)
    ended = shell.add(email, role, *more, password=password)

    assert complaint in ended.complaint
    assert not password or password not in ended.err
    assert everybody(db) == before
    assert log(db) == []


def test_without_a_terminal_the_password_has_to_come_on_stdin(shell: Shell, cast: Any) -> None:
    ended = shell("user", "add", "eve@example.org", "--role", "reader", "--name", "Eve")
    assert "--password-stdin" in ended.complaint


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["user", "add"], "Missing argument 'EMAIL'"),
        (["user", "add", "e@example.org", "--name", "E"], "Missing option '--role'"),
        (["user", "add", "e@example.org", "--role", "reader"], "Missing option '--name'"),
        (["user", "add", "e@example.org", "--name", "E", "--role", "king"], "'king' is not one of"),
        (["user", "list", "--role", "king"], "'king' is not one of"),
        (["user", "list", "everybody"], "unexpected extra argument"),
        (["user", "lst"], "Did you mean 'list'?"),
    ],
)
def test_what_is_typed_wrong_is_explained(
    shell: Shell, cast: Any, arguments: list[str], complaint: str
) -> None:
    ended = shell(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert complaint in ended.err
    assert "--help" in ended.err


# Who acts --------------------------------------------------------------------------------------


def test_two_admins_have_to_say_who_acts(shell: Shell, cast: Any, db: Database) -> None:
    shell.add("eve@example.org", "admin")
    eve = find_user(db, "eve@example.org")

    assert "--as EMAIL" in shell("user", "list").complaint
    assert "--as EMAIL" in shell.add("finn@example.org", "reader").complaint
    assert shell("user", "list", "--as", "EVE@example.org").code == 0
    assert shell.add("finn@example.org", "reader", "--as", "eve@example.org").code == 0
    finn = find_user(db, "finn@example.org")
    assert log(db)[1:] == [
        (eve.id, "listed_users", None, "cli, role any"),
        (eve.id, "added_user", finn.id, "cli, role reader"),
    ]


def test_who_acts_can_also_be_named_by_the_environment(
    shell: Shell, cast: Any, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.add("eve@example.org", "admin")
    monkeypatch.setenv("READWATCH_ADMIN", "eve@example.org")
    shell("user", "list")
    shell("user", "list", "--as", "dora@example.org")
    assert [who for who, *_ in log(db)[1:]] == [find_user(db, "eve@example.org").id, cast.dora.id]


@pytest.mark.parametrize(
    "acting",
    [
        "cara@example.org",
        "ann@example.org",
        "eve@example.org",
        "finn@example.org",
        "nobody@example.org",
        "",
    ],
)
def test_only_an_active_admin_acts_and_the_error_names_the_address(
    shell: Shell, cast: Any, db: Database, acting: str
) -> None:
    shell.add("eve@example.org", "admin")
    shell.add("finn@example.org", "admin", "--as", "dora@example.org")
    db.execute_sql("UPDATE users SET is_active = FALSE WHERE email = 'eve@example.org'")
    db.execute_sql("UPDATE users SET deleted_at = created_at WHERE email = 'finn@example.org'")
    before = everybody(db), log(db)

    calls = [shell("user", "list", "--as", acting)]
    calls.append(shell.add("gus@example.org", "reader", "--as", acting))

    complaint = f"there is no active admin {acting!r}; name one with --as EMAIL"
    assert [ended.complaint for ended in calls] == [complaint] * 2
    assert (everybody(db), log(db)) == before


def test_without_an_admin_nobody_acts(shell: Shell) -> None:
    assert "readwatch init" in shell("user", "list").complaint


# No log entry, no access ------------------------------------------------------------------------


def without_log(db: Database) -> None:
    """Make the access log refuse new entries, with personal data in the engine's message."""
    told = "(SELECT min(email) FROM users)"
    if is_sqlite(db):
        db.execute_sql(
            "CREATE TRIGGER full BEFORE INSERT ON consultant_access_log BEGIN"
            f" SELECT RAISE(ABORT, {told}); END"
        )
        return
    db.execute_sql(
        "CREATE FUNCTION is_full() RETURNS trigger LANGUAGE plpgsql AS"
        f" 'BEGIN RAISE EXCEPTION USING MESSAGE = {told}; END'"
    )
    db.execute_sql(
        "CREATE TRIGGER is_full BEFORE INSERT ON consultant_access_log"
        " FOR EACH ROW EXECUTE FUNCTION is_full()"
    )


def internal_error(ended: Ended) -> str:
    """Return the one line of an unexpected exception."""
    assert (ended.code, ended.out) == (70, "")
    assert ended.err.startswith("readwatch: internal error: ")
    assert ended.err.count("\n") == 1
    return ended.err


def test_what_cannot_be_logged_is_not_done_and_the_error_shows_no_personal_data(
    shell: Shell, cast: Any, db: Database
) -> None:
    without_log(db)
    before = everybody(db)
    refused = [shell("user", words, "ann@example.org") for words in ("show", "suspend")]
    refused.append(shell("user", "delete", "ann@example.org", "--yes"))
    for ended in (shell("user", "list"), shell.add("eve@example.org", "reader"), *refused):
        line = internal_error(ended)
        assert "example.org" not in line
        assert "Archer" not in line
    assert everybody(db) == before
