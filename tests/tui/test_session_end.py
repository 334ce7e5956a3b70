"""A console's session ends by itself when the account behind it is not what it was."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from conftest import COST, ENGINES, NOON, PASSWORD, Cast, StillClock
from reading_app import AccessLog, ReadingApp, add_readers
from tui.console_pilot import TIMEOUT_SECONDS, OpenConsole, console_pilot
from tui.test_connection_loss import await_workers
from tui.test_exporting import exports

from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.monitor.settings import ConsoleSettings
from readwatch.store.audit.log import append_in_transaction
from readwatch.store.engine.connections import Database, close_all, open_database
from readwatch.store.engine.privileges import Role
from readwatch.store.identity import accounts, edits
from readwatch.store.identity.passwords import hash_password
from readwatch.tui import exporting
from readwatch.tui.app import Console


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """Both: here the console does what each of them has its own way for."""
    return request.param


Change = Callable[[Database, int], object]


def suspend(db: Database, user_id: int) -> None:
    accounts.suspend(db, user_id, NOON)


def delete(db: Database, user_id: int) -> None:
    accounts.delete(db, user_id, NOON)


def set_password(db: Database, user_id: int) -> None:
    with db.atomic():
        append_in_transaction(db, AuditEvent(user_id, AuditAction.SET_PASSWORD, user_id), NOON)
        accounts.set_password(db, user_id, hash_password("another password", COST), NOON)


def demote(db: Database, user_id: int) -> None:
    db.execute_sql(f"UPDATE users SET user_role = 'reader' WHERE id = {user_id}")


def change_email(db: Database, user_id: int) -> None:
    edits.save_edit(db, edits.Edit(user_id=user_id, email="cara.cook@example.org"), NOON)


CHANGES = [
    pytest.param(suspend, "this account is suspended", id="suspended"),
    pytest.param(delete, "this account was deleted", id="deleted"),
    pytest.param(demote, "the role of this account was changed; log in again", id="demoted"),
    pytest.param(
        set_password, "the password of this account was changed; log in again", id="password"
    ),
    pytest.param(
        change_email,
        "the e-mail of this account was changed; log in with the new one",
        id="e-mail",
    ),
]


@pytest.mark.parametrize(("change", "reason"), CHANGES)
async def test_a_console_without_access_shows_nothing_even_if_no_key_is_pressed(
    open_console: OpenConsole,
    cast: Cast,
    ann: ReadingApp,
    db: Database,
    change: Change,
    reason: str,
) -> None:
    ann.reads("Dracula")
    # Also where no new picture is due.
    async with open_console(refresh=timedelta(hours=1)) as pilot:
        await pilot.sees("Ann Archer", "Dracula")
        await pilot.presses("enter")
        await pilot.sees("ann@example.org")
        with db.atomic():
            change(db, cast.cara.id)
        await pilot.sees("E-mail", "Password")
        assert reason in " ".join(word for word in pilot.screen.split() if word != "│")
        assert "Ann" not in pilot.screen


async def test_an_export_ends_with_the_session_and_leaves_no_file(
    url: str,
    db: Database,
    cast: Cast,
    clock: StillClock,
    access_log: AccessLog,
    tmp_path: Path,
) -> None:
    add_readers(db, clock, 1200)  # more than two chunks
    others, changes = open_database(url, Role.OWNER), [suspend]
    folder = tmp_path / "exports"
    folder.mkdir()

    def clock_of_an_eventful_day() -> datetime:
        is_writing = threading.current_thread().name == "monitor" and [*folder.iterdir()]
        if is_writing and changes:
            with others.connection_context():
                changes.pop()(others, cast.cara.id)
        return clock()

    settings = ConsoleSettings(url, view="readers")
    async with console_pilot(
        Console(settings, consultant=cast.cara, clock=clock_of_an_eventful_day)
    ) as cara:
        await cara.sees("Titles", "Zoe", "● LIVE")
        await exports(cara, str(folder / "all.csv"))
        await cara.sees("E-mail", "this account is suspended")
        assert "Zoe" not in cara.screen
    close_all(others)
    assert [*folder.iterdir()] == []
    assert [entry.did for entry in access_log()] == ["exported_view"]


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_a_console_that_is_left_leaves_no_half_of_an_export(
    url: str,
    db: Database,
    cast: Cast,
    clock: StillClock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exporting, "CLOSE_SECONDS", 0.1)
    add_readers(db, clock, 1200)
    folder, begun, left = tmp_path / "exports", threading.Event(), threading.Event()
    folder.mkdir()

    def clock_that_stops_while_somebody_leaves() -> datetime:
        if threading.current_thread().name == "monitor" and [*folder.iterdir()]:
            begun.set()
            left.wait(TIMEOUT_SECONDS)
        return clock()

    console = Console(
        ConsoleSettings(url, view="readers"),
        consultant=cast.cara,
        clock=clock_that_stops_while_somebody_leaves,
    )
    async with console_pilot(console) as cara:
        await cara.sees("Titles", "Zoe", "● LIVE")
        await exports(cara, str(folder / "all.csv"))
        await cara.until(begun.is_set)
    left.set()
    await_workers()
    assert [*folder.iterdir()] == []


async def test_who_has_the_new_password_comes_back(
    open_console: OpenConsole, cast: Cast, db: Database
) -> None:
    async with open_console() as pilot:
        await pilot.sees("● LIVE")
        with db.atomic():
            set_password(db, cast.cara.id)
        await pilot.sees("E-mail")
        await pilot.logs_in(cast.cara.email, PASSWORD)
        await pilot.sees("wrong e-mail or password")
        await pilot.types("another password")
        await pilot.presses("enter")
        await pilot.sees("● LIVE")


async def test_a_consultant_who_is_suspended_sees_nothing_more(
    open_console: OpenConsole, cast: Cast, ann: ReadingApp, db: Database
) -> None:
    ann.reads("Dracula")
    async with open_console() as pilot:
        await pilot.sees("Ann Archer", "Dracula")
        db.execute_sql(f"UPDATE users SET is_active = FALSE WHERE id = {cast.cara.id}")
        await pilot.presses("enter")
        await pilot.sees("this account is suspended")
        assert "Ann" not in "\n".join(pilot.lines)
    looks = db.execute_sql(
        "SELECT count(*) FROM consultant_access_log WHERE action_type = 'viewed_reader_profile'"
    ).fetchone()
    assert looks == (0,)
