"""Readers who have read more than a year ago, for the tests of archives."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cli.shell import Shell
from conftest import Cast, StillClock
from reading_app import ReadingApp

from readwatch.domain.archive_files import lines_of, user_of
from readwatch.domain.clock import system_clock
from readwatch.store.engine.connections import Database

OLD = 30
"""So many activities of each reader are old; the last one of them stays if there is no newer."""


@dataclass(frozen=True)
class OldHistory:
    """What was made: Ann has read 400 days ago and today, Ben only 400 days ago."""

    folder: Path
    archived: int = 2 * OLD - 1


def make_old_history(db: Database, cast: Cast, clock: StillClock, folder: Path) -> OldHistory:
    now = system_clock()
    clock.moment = now - timedelta(days=400)
    ann, ben = ReadingApp(db, cast.ann, clock), ReadingApp(db, cast.ben, clock)
    for number in range(OLD):
        clock.advance(hours=1)
        ann.reads("Dracula", number, event_id=f"ann {number}", metadata='{"note":"secret note"}')
        ben.reads("Momo", number)
    ann.logs_out()
    ben.logs_out()
    clock.moment = now
    ann.reads("Emma", 5)
    return OldHistory(folder)


def archive(shell: Shell, history: OldHistory, *more: str) -> str:
    arguments = ("--older-than", "1y", "--to", str(history.folder), "--yes", *more)
    ended = shell("maintenance", "archive", *arguments)
    assert (ended.code, ended.err) == (0, ""), ended
    return ended.out


def archived_users(folder: Path) -> dict[int | None, int]:
    """The number of lines of each user in all files of a folder."""
    users: dict[int | None, int] = {}
    for file in folder.glob("*.jsonl.gz"):
        for line in lines_of(file):
            users[user_of(line)] = users.get(user_of(line), 0) + 1
    return users
