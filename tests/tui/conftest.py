"""Fixtures for tests of the console, and its readers."""

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any

import pytest
from reading_app import AccessLog, Entry, ReadingApp
from textual.css.stylesheet import Stylesheet
from textual.notifications import Notification
from tui.console_pilot import SMALL, ConsolePilot, OpenConsole, console_pilot

from readwatch.domain.clock import Clock
from readwatch.domain.users import User
from readwatch.monitor import current_view, refresh_policy, retry, worker
from readwatch.monitor.settings import ConsoleSettings
from readwatch.store.engine.connections import Database
from readwatch.tui.app import Console

AT_ONCE = timedelta(seconds=0.05)


@pytest.fixture(params=["sqlite"])
def engine(request: pytest.FixtureRequest) -> str:
    """SQLite, where what the console shows does not depend on the engine.

    Where it does, in how it asks, loses, records and refuses, a test is `on_both_engines`.
    """
    return request.param


@pytest.fixture(autouse=True, scope="session")
def style_sheets_parsed_once() -> Iterator[None]:
    """Each console parses the same style sheets: they are parsed once for all of them."""
    parse, parsed = Stylesheet._parse_rules, dict[Any, Any]()

    def parse_once(sheet: Stylesheet, css: str, *where: Any, **how: Any) -> Any:
        key = (css, *where, *how.items(), *sheet._variables.items())
        if key not in parsed:
            parsed[key] = parse(sheet, css, *where, **how)
        return parsed[key]

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(Stylesheet, "_parse_rules", parse_once)
        yield


@pytest.fixture(autouse=True)
def fast_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker polls, refreshes and retries at shorter intervals."""
    monkeypatch.setattr(worker, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(worker, "ACCOUNT_CHECK_SECONDS", 0.05)
    monkeypatch.setattr(refresh_policy, "PAUSE_FACTOR", 1)
    monkeypatch.setattr(retry, "LONGEST_PAUSE_SECONDS", 0.1)
    monkeypatch.setattr(current_view, "ATTENTION_SECONDS", 0.0)


@pytest.fixture(autouse=True)
def toasts_that_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Notifications do not expire, also where the tests run slowly."""
    monkeypatch.setattr(Notification, "time_left", 3600.0)


@pytest.fixture
def open_console(url: str, clock: Clock, cast: Any) -> OpenConsole:
    """Open a console of Cara or `who`, with the login form unless `logged_in`."""

    def open_console(
        *,
        size: tuple[int, int] = SMALL,
        logged_in: bool = True,
        who: User | None = None,
        **how: Any,
    ) -> AbstractAsyncContextManager[ConsolePilot]:
        who = (who or cast.cara) if logged_in else None
        return console_pilot(
            Console(
                ConsoleSettings(url, **{"refresh": AT_ONCE, **how}), consultant=who, clock=clock
            ),
            size,
        )

    return open_console


@pytest.fixture
def ann(db: Database, cast: Any, clock: Clock) -> ReadingApp:
    return ReadingApp(db, cast.ann, clock)


@pytest.fixture
def ben(db: Database, cast: Any, clock: Clock) -> ReadingApp:
    return ReadingApp(db, cast.ben, clock)


@pytest.fixture
def access_log(db: Database) -> AccessLog:
    """What is on record, oldest first."""

    def read() -> list[Entry]:
        rows = db.execute_sql(
            "SELECT consultant_user_id, action_type, target_user_id, action_details"
            " FROM consultant_access_log ORDER BY id"
        )
        return [Entry(*row) for row in rows]

    return read
