"""`readwatch user invite`: codes are printed once, logged first, and can be revoked."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from cli.shell import Shell, log
from conftest import PASSWORD, Cast

from readwatch.store.engine.connections import Database
from readwatch.store.identity import invitations
from readwatch.store.identity.users import authenticate, find_user

ANN, CARA = "ann@example.org", "cara@example.org"


def invited(db: Database, code: str) -> str:
    """The e-mail of the account that a code invites."""
    return str(invitations.invited_user(db, code, datetime.now(UTC)).email)


def rows(db: Database) -> list[int]:
    return [id for (id,) in db.execute_sql("SELECT user_id FROM invitations ORDER BY 1")]


def test_each_person_gets_a_code_and_each_is_logged(shell: Shell, cast: Cast, db: Database) -> None:
    ended = shell("user", "invite", "ANN@example.org", CARA, ANN)

    assert (ended.code, ended.err) == (
        0,
        "the app sends the code and a password to POST /api/invitation\n",
    )
    headings, *lines, last = ended.out.splitlines()
    assert headings.split() == ["e-mail", "code"]
    assert last.startswith("valid until 2")
    codes = {line.split()[0]: line.split()[1] for line in lines}
    assert {email: invited(db, code) for email, code in codes.items()} == {ANN: ANN, CARA: CARA}
    assert log(db) == [
        (cast.dora.id, "invited_user", cast.ann.id, "cli"),
        (cast.dora.id, "invited_user", cast.cara.id, "cli"),
    ]
    assert authenticate(db, ANN, PASSWORD, cost=4).id == cast.ann.id, "until the code is used"


def test_as_json_the_codes_have_their_end(shell: Shell, cast: Cast, db: Database) -> None:
    began = datetime.now(UTC)
    ended = shell("user", "invite", ANN, "--json")
    (invitation,) = json.loads(ended.out)
    assert (invitation["email"], invited(db, invitation["code"])) == (ANN, ANN)
    valid_for = datetime.fromisoformat(invitation["expires_at"]) - began
    assert timedelta(hours=72) <= valid_for < timedelta(hours=73)
    assert ended.err == ""
    shown = json.loads(shell("user", "show", ANN, "--json").out)
    assert shown["invited_until"][:19] == invitation["expires_at"][:19]
    assert "not invited" in shell("user", "show", CARA).out


def test_a_new_code_replaces_the_one_before(shell: Shell, cast: Cast, db: Database) -> None:
    earlier, later = (
        json.loads(shell("user", "invite", ANN, "--json").out)[0]["code"] for _ in range(2)
    )
    assert earlier != later
    assert invited(db, later) == ANN
    assert rows(db) == [cast.ann.id]


def test_a_revoked_code_is_void_and_logged(shell: Shell, cast: Cast, db: Database) -> None:
    shell("user", "invite", ANN, CARA)
    assert shell("user", "invite", "--revoke", ANN, "ben@example.org").out == "revoked 1 code\n"
    assert rows(db) == [cast.cara.id]
    assert log(db)[2:] == [(cast.dora.id, "revoked_invitation", cast.ann.id, "cli")]
    revoked = json.loads(shell("user", "invite", "--revoke", "--json", ANN, CARA).out)
    assert revoked == [{"email": ANN, "revoked": False}, {"email": CARA, "revoked": True}]


@pytest.mark.parametrize(
    "command", [("passwd", "--password-stdin"), ("suspend",), ("delete", "--yes")]
)
def test_a_password_a_suspension_and_a_deletion_void_the_code(
    shell: Shell, cast: Cast, db: Database, command: tuple[str, ...]
) -> None:
    shell("user", "invite", ANN, CARA)
    assert shell("user", *command, ANN, stdin="a new password\n").code == 0
    assert rows(db) == [cast.cara.id]


def test_if_one_of_them_cannot_be_invited_nobody_is(shell: Shell, cast: Cast, db: Database) -> None:
    nobody = shell("user", "invite", ANN, "nobody@example.org").complaint
    assert nobody == "nothing was changed: there is no account 'nobody@example.org'"
    db.execute_sql("UPDATE users SET is_active = FALSE WHERE email = 'cara@example.org'")
    assert (
        "readwatch user activate cara@example.org" in shell("user", "invite", ANN, CARA).complaint
    )
    db.execute_sql("UPDATE users SET deleted_at = created_at WHERE email = 'cara@example.org'")
    assert "no account" in shell("user", "invite", ANN, CARA).complaint
    assert (rows(db), log(db)) == ([], [])
    assert shell("user", "invite").code == 2


def test_a_code_that_cannot_be_logged_is_not_made(shell: Shell, cast: Cast, db: Database) -> None:
    db.execute_sql("ALTER TABLE consultant_access_log RENAME COLUMN ip_address TO ip")
    ended = shell("user", "invite", ANN)
    assert ended.code != 0
    assert ended.out == ""
    assert rows(db) == []


# New accounts -----------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["reader", "consultant", "admin"])
def test_a_new_account_can_have_an_invitation_instead_of_a_password(
    shell: Shell, cast: Cast, db: Database, role: str
) -> None:
    ended = shell("user", "add", "eve@example.org", "--role", role, "--name", "Eve", "--invite")

    eve = find_user(db, "eve@example.org")
    assert ended.code == 0
    added, code = ended.out.splitlines()
    assert added == f"added {role} {eve.id}: eve@example.org"
    assert invited(db, code.rpartition(": ")[2]) == "eve@example.org"
    assert log(db) == [(cast.dora.id, "added_user", eve.id, f"cli, role {role}, invited")]
    (password_hash,) = db.execute_sql(
        f"SELECT password_hash FROM users WHERE id = {eve.id}"
    ).fetchone()
    assert password_hash == ""


def test_a_password_and_an_invitation_exclude_each_other(shell: Shell, cast: Cast) -> None:
    ended = shell.add("eve@example.org", "reader", "--invite")
    assert ended.code == 2
    assert "either --invite or --password-stdin" in ended.err
