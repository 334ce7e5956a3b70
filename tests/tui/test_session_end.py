"""A console's session ends by itself when the account behind it is not what it was."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from conftest import COST, NOON, PASSWORD, Cast
from tui.people import ReadingApp
from tui.seat import Sit

from readwatch.store import accounts
from readwatch.store.database import Database
from readwatch.store.passwords import hash_password

Change = Callable[[Database, int], object]


def suspend(db: Database, user_id: int) -> None:
    accounts.suspend(db, user_id, NOON)


def delete(db: Database, user_id: int) -> None:
    accounts.delete(db, user_id, NOON)


def set_password(db: Database, user_id: int) -> None:
    accounts.set_password(db, user_id, hash_password("another password", COST), NOON)


def demote(db: Database, user_id: int) -> None:
    db.execute_sql(f"UPDATE users SET user_role = 'reader' WHERE id = {user_id}")


CHANGES = [
    pytest.param(suspend, "this account is suspended", id="suspended"),
    pytest.param(delete, "this account was deleted", id="deleted"),
    pytest.param(demote, "the role of this account was changed; sign in again", id="demoted"),
    pytest.param(
        set_password, "the password of this account was changed; sign in again", id="password"
    ),
]


@pytest.mark.parametrize(("change", "reason"), CHANGES)
async def test_who_may_not_look_any_more_sees_nothing_more_without_a_key(
    sit: Sit,
    cast: Cast,
    ann: ReadingApp,
    db: Database,
    change: Change,
    reason: str,
) -> None:
    ann.reads("Dracula")
    # Also where no new picture is due.
    async with sit(refresh=timedelta(hours=1)) as seat:
        await seat.sees("Ann Archer", "Dracula")
        await seat.presses("enter")
        await seat.sees("ann@example.org")
        with db.atomic():
            change(db, cast.cara.id)
        await seat.sees("E-mail", "Password")
        assert reason in " ".join(word for word in seat.screen.split() if word != "│")
        assert "Ann" not in seat.screen


async def test_who_has_the_new_password_comes_back(sit: Sit, cast: Cast, db: Database) -> None:
    async with sit() as seat:
        await seat.sees("● LIVE")
        with db.atomic():
            set_password(db, cast.cara.id)
        await seat.sees("E-mail")
        await seat.signs_in(cast.cara.email, PASSWORD)
        await seat.sees("wrong e-mail or password")
        await seat.types("another password")
        await seat.presses("enter")
        await seat.sees("● LIVE")


async def test_a_consultant_who_is_suspended_sees_nothing_more(
    sit: Sit, cast: Cast, ann: ReadingApp, db: Database
) -> None:
    ann.reads("Dracula")
    async with sit() as seat:
        await seat.sees("Ann Archer", "Dracula")
        db.execute_sql(f"UPDATE users SET is_active = FALSE WHERE id = {cast.cara.id}")
        await seat.presses("enter")
        await seat.sees("this account is suspended")
        assert "Ann" not in "\n".join(seat.lines)
    looks = db.execute_sql(
        "SELECT count(*) FROM consultant_access_log WHERE action_type = 'viewed_reader_profile'"
    ).fetchone()
    assert looks == (0,)
