"""`readwatch session`: who is logged in where, and the end of sessions."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from cli.shell import Shell, log
from conftest import NOON, Cast
from tui.real_terminal import READWATCH, terminal

from readwatch.domain.clock import rfc3339
from readwatch.domain.sessions import Principal
from readwatch.domain.users import User
from readwatch.store.engine.connections import Database
from readwatch.store.identity.resume_tokens import save_resume_token
from readwatch.store.identity.sessions import find_principal, open_session
from readwatch.store.identity.tokens import hash_token, new_resume_token
from readwatch.store.lifecycle.retention import end_silent_sessions

ANN = "ann@example.org"
Enter = Callable[[User, str], Principal]


@pytest.fixture
def enter(db: Database) -> Enter:
    """`enter(user, device)` logs in; the name of the device is the token."""

    def enter(user: User, device: str) -> Principal:
        with db.atomic():
            caller = open_session(
                db, user, hash_token(device), NOON, ip_address="2001:db8::7", device_type=device
            )
            if not user.user_role.is_staff:
                save_resume_token(db, caller, new_resume_token(), NOON)
        return caller

    return enter


def logged_in(db: Database, *devices: str) -> list[str]:
    return [device for device in devices if find_principal(db, hash_token(device), NOON)]


def resumable(db: Database) -> list[int]:
    query = "SELECT session_id FROM resume_tokens ORDER BY session_id"
    return [row[0] for row in db.execute_sql(query)]


def test_open_sessions_are_listed_and_the_list_is_logged(
    shell: Shell, cast: Cast, db: Database, enter: Enter
) -> None:
    ann, ben = enter(cast.ann, "tablet"), enter(cast.ben, "phone")
    enter(cast.cara, "desk")
    shell("session", "revoke", str(ben.session_id))

    lines = shell("session", "list").out.splitlines()
    assert [line.split()[0] for line in lines] == ["id", str(ann.session_id)]
    assert all(words in lines[1] for words in ("Ann Archer", "tablet", "2001:db8::7"))
    (session,) = json.loads(shell("session", "list", "--json").out)
    assert (session["id"], session["user_id"]) == (ann.session_id, cast.ann.id)
    assert session["last_heartbeat"] == rfc3339(NOON)
    assert log(db)[1:] == [(cast.dora.id, "listed_sessions", None, "cli")] * 2


def test_one_reader_s_sessions_are_listed_also_those_that_ended(
    shell: Shell, cast: Cast, db: Database, enter: Enter
) -> None:
    tablet, phone = enter(cast.ann, "tablet"), enter(cast.ann, "phone")
    enter(cast.ben, "elsewhere")
    shell("session", "revoke", str(tablet.session_id))

    sessions = json.loads(shell("session", "list", "--reader", ANN, "--json").out)
    assert [(it["id"], it["is_active"]) for it in sessions] == [
        (phone.session_id, True),
        (tablet.session_id, False),
    ]
    assert "elsewhere" not in shell("session", "list", "--reader", ANN).out
    assert log(db)[1:] == [(cast.dora.id, "viewed_reader_sessions", cast.ann.id, "cli")] * 2
    assert "is not a reader" in shell("session", "list", "--reader", cast.cara.email).complaint
    assert len(log(db)) == 3


def test_a_revoked_session_is_over_and_cannot_be_resumed(
    shell: Shell, cast: Cast, db: Database, enter: Enter
) -> None:
    tablet, phone = enter(cast.ann, "tablet"), enter(cast.ann, "phone")
    number = str(tablet.session_id)
    assert shell("session", "revoke", number).out == f"revoked session {number}\n"

    assert logged_in(db, "tablet", "phone") == ["phone"]
    assert resumable(db) == [phone.session_id]
    entry = (cast.dora.id, "revoked_sessions", cast.ann.id, f"cli, session {number}")
    assert log(db) == [entry]
    for gone in (number, "4711"):
        assert f"no session {gone}" in shell("session", "revoke", gone).complaint
    assert log(db) == [entry]


def test_a_session_that_ended_by_silence_can_be_revoked_while_it_could_be_resumed(
    shell: Shell, cast: Cast, db: Database, enter: Enter
) -> None:
    tablet = enter(cast.ann, "tablet")
    with db.atomic():
        end_silent_sessions(db, NOON + timedelta(hours=2), timedelta(hours=1))
    assert resumable(db) == [tablet.session_id]
    assert shell("session", "revoke", str(tablet.session_id)).code == 0
    assert resumable(db) == []


def test_all_sessions_of_a_user_are_revoked_at_once(
    shell: Shell, cast: Cast, db: Database, enter: Enter
) -> None:
    for user, device in ((cast.ann, "tablet"), (cast.ann, "phone"), (cast.cara, "desk")):
        enter(user, device)
    ended = shell("session", "revoke", "--user", ANN)
    assert ended.out == "revoked all sessions, 2 of them open\n"
    assert (logged_in(db, "tablet", "phone", "desk"), resumable(db)) == (["desk"], [])
    shell("session", "revoke", "--user", cast.cara.email)
    assert logged_in(db, "desk") == []
    assert log(db) == [
        (cast.dora.id, "revoked_sessions", user.id, "cli, all") for user in (cast.ann, cast.cara)
    ]


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize("words", [[], ["1", "--user", ANN], ["0"]])
def test_one_session_or_one_user_has_to_be_named(
    shell: Shell, cast: Cast, words: list[str]
) -> None:
    assert shell("session", "revoke", *words).code == 2


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_terminal_of_80_columns_has_a_line_for_a_session(
    url: str, cast: Cast, enter: Enter
) -> None:
    enter(cast.ann, "tablet")
    with terminal([*READWATCH, "--database", url, "session", "list"]) as window:
        assert window.ends() == 0
        line = window.line("Ann Archer")
        assert all(words in line for words in ("tablet", "2001:db8::7", "2026-11-22")), (
            window.screen
        )
