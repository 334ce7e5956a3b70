"""A console that misses what it saw last in the access log says so, and logs it."""

from pathlib import Path

from conftest import PASSWORD, Cast, StillClock
from reading_app import AccessLog, Entry
from tui.console_pilot import OpenConsole

from readwatch.store.engine.connections import Database

MISSING = (
    "the access log was cut off or rewritten: entry 1, its last one at 2026-11-22 12:00:00 UTC, "
    "is missing"
)


async def test_a_log_that_was_cut_off_is_reported_once_and_the_work_goes_on(
    open_console: OpenConsole,
    cast: Cast,
    access_log: AccessLog,
    db: Database,
    clock: StillClock,
    tmp_path: Path,
) -> None:
    folder = tmp_path / "state"
    async with open_console(logged_in=False, preferences_folder=folder) as pilot:
        await pilot.logs_in(cast.cara.email, PASSWORD)
        await pilot.until(lambda: list(folder.glob("witness-*.txt")))
        await pilot.sees("● LIVE")
        assert not pilot.app._notifications
    db.execute_sql("DROP TRIGGER consultant_access_log_keeps_rows")
    db.execute_sql("DELETE FROM consultant_access_log")
    clock.advance(minutes=1)  # the same entry at the same time has the same hash

    async with open_console(logged_in=False, preferences_folder=folder) as pilot:
        await pilot.logs_in(cast.cara.email, PASSWORD)
        await pilot.sees("the access log was cut off or", "● LIVE")
        await pilot.until(lambda: len(access_log()) == 2)
    assert access_log() == [
        Entry(cast.cara.id, "logged_in", None, "console"),
        Entry(cast.cara.id, "missed_entry", None, f"console, {MISSING}"),
    ]
    async with open_console(logged_in=False, preferences_folder=folder) as pilot:
        await pilot.logs_in(cast.cara.email, PASSWORD)
        await pilot.sees("● LIVE")
    assert [entry.did for entry in access_log()][2:] == ["logged_in"]
