"""An archive or an erasure that is killed at any line of the program loses and doubles nothing."""

import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from random import Random

from conftest import Cast, StillClock
from endurance.length import short_and_long
from endurance.test_kill import Crowd, a_port
from endurance.truth import assert_healthy, assert_no_fault
from ingest.api import fetch_all
from ingest.process import TIMEOUT, serving
from reading_app import ReadingApp

from readwatch.domain.archive_files import lines_of, parsed_line
from readwatch.domain.clock import system_clock
from readwatch.domain.health import RollupMismatches
from readwatch.store.engine.connections import Database
from readwatch.store.lifecycle import archives
from readwatch.store.recording.rollup_sample import rollups_of

TOTALS = ("reader_profiles", "reader_content_progress", "reader_quizzes")
DAYS = 40

# The program kills itself before a line of the code that archives; files and chunks are small.
PROGRAM = """
import os
import signal
import sys
from readwatch.cli.main import main
from readwatch.store.lifecycle import archiving

lines = int(sys.argv.pop(1))
archiving.FILE_ROWS, archiving.CHUNK_ROWS, archiving._PAGE_ROWS = 30, 9, 11
PARTS = ("archiving.py", "archives.py", "archive_files.py", "erasure.py", "user_erase.py")

def trace(frame, event, argument):
    global lines
    if not frame.f_code.co_filename.endswith((*PARTS, "domain/files.py")):
        return None
    lines -= event == "line"
    if lines == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return trace

sys.settrace(trace)
main()
"""
NEVER = 10**9


def run(url: str, lines: int, *words: str) -> int:
    """Run a command that kills itself after so many lines; return its exit code."""
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(lines), "--database", url, *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT,
    )
    assert ended.returncode in (0, -signal.SIGKILL), ended.stderr
    return ended.returncode


def archive(url: str, folder: Path, lines: int = NEVER) -> int:
    words = ("maintenance", "archive", "--older-than", "1y", "--to", str(folder), "--yes")
    return run(url, lines, *words)


def make_history(db: Database, cast: Cast, clock: StillClock, name: str = "") -> None:
    """Let Ann and Ben read more than a year ago, and Ann today."""
    now = system_clock()
    clock.moment = now - timedelta(days=400)
    ann, ben = ReadingApp(db, cast.ann, clock), ReadingApp(db, cast.ben, clock)
    for day in range(DAYS):
        clock.moment = now - timedelta(days=400, hours=day)
        ann.reads(f"Book {day % 3}", day, event_id=f"old {name}{day}")
        ben.reads("Momo", day, activity_type="quiz_completed", metadata=f'{{"score":{day}}}')
    ann.logs_out()
    ben.logs_out()
    clock.moment = now
    ann.reads("Emma", 5, event_id=f"new {name}")


def totals(db: Database) -> dict[str, list[tuple[object, ...]]]:
    return {table: sorted(fetch_all(db, f"SELECT * FROM {table}"), key=repr) for table in TOTALS}


def in_files(folder: Path) -> Counter[int]:
    return Counter(
        parsed_line(line)["id"] for file in folder.glob("*.jsonl.gz") for line in lines_of(file)
    )


def in_database(db: Database) -> Counter[int]:
    return Counter(id_ for (id_,) in fetch_all(db, "SELECT id FROM reader_activities"))


def lines_at_most(folder: Path) -> int:
    """The more files there are, the more lines run before an activity moves."""
    return 2500 + 60 * len(list(folder.glob("*.gz")))


@short_and_long("rounds", 3, 60)
def test_an_archive_that_is_killed_at_any_line_loses_and_doubles_nothing(
    url: str,
    cast: Cast,
    db: Database,
    clock: StillClock,
    tmp_path: Path,
    rng: Random,
    rounds: int,
    proved: Callable[[str], None],
) -> None:
    folder, kills = tmp_path / "archive", 0
    while kills < rounds:
        make_history(db, cast, clock, f"{kills} ")
        before, every = totals(db), in_database(db) + in_files(folder)
        while archive(url, folder, rng.randrange(1, lines_at_most(folder))) != 0:
            kills += 1
            assert totals(db) == before
            assert set(every) == set(in_database(db)) | set(in_files(folder))
            assert_healthy(db)
        assert totals(db) == before
        assert in_database(db) + in_files(folder) == every, "each activity once"
        assert_healthy(db)
    assert [defect for _, defect in archives.verify(archives.archives(db)) if defect] == []
    assert not list(folder.glob(".*"))
    proved(f"{kills} kills of an archive: each of {len(every)} activities is there once")


@short_and_long("rounds", 3, 100)
def test_an_erasure_that_is_killed_at_any_line_is_ended_by_the_next_one(
    url: str,
    cast: Cast,
    db: Database,
    clock: StillClock,
    tmp_path: Path,
    rng: Random,
    rounds: int,
    proved: Callable[[str], None],
) -> None:
    make_history(db, cast, clock)
    every, folder, kills = in_database(db), tmp_path / "archive", 0
    of_ann = dict(fetch_all(db, "SELECT id, user_id FROM reader_activities"))
    others = Counter({id_: 1 for id_ in every if of_ann[id_] != cast.ann.id})
    archive(url, folder, rng.randrange(300, 900))  # so that some files are not listed or moved
    for _ in range(rounds):
        if run(url, rng.randrange(1, 500), "user", "erase", email(db), "--yes") == 0:
            break
        kills += 1
        assert set(others) <= set(in_database(db)) | set(in_files(folder))
        (of_ben,) = rollups_of([cast.ben.id])
        assert of_ben.compare(db) == RollupMismatches()
    assert run(url, NEVER, "user", "erase", email(db), "--yes") == 0
    clock.moment = system_clock()
    ReadingApp(db, cast.ben, clock).reads("Emma")
    newest = max(in_database(db))
    assert archive(url, folder) == 0
    assert in_database(db) + in_files(folder) == others + Counter({newest: 1})
    assert_healthy(db)
    assert [defect for _, defect in archives.verify(archives.archives(db)) if defect] == []
    proved(f"{kills} kills of an erasure: nothing of the reader is left, and all of the other one")


def email(db: Database) -> str:
    """The e-mail of Ann, or her pseudonym."""
    ((text,),) = fetch_all(db, "SELECT email FROM users WHERE id = 1")
    return str(text)


@short_and_long("rounds", 1, 30)
def test_an_archive_under_load_loses_no_activity_that_was_acknowledged(
    url: str,
    cast: Cast,
    db: Database,
    clock: StillClock,
    tmp_path: Path,
    rng: Random,
    rounds: int,
    proved: Callable[[str], None],
) -> None:
    make_history(db, cast, clock)
    old, folder = in_database(db), tmp_path / "archive"
    port = a_port(rng)
    with Crowd(port, rng) as crowd, serving(url, port) as server:
        crowd.start()
        for _ in range(rounds):
            archive(url, folder, rng.randrange(1, 900))
            crowd.check()
        assert archive(url, folder) == 0
        crowd.finish()
        code, _, log = server.stop()
    assert code == 0
    assert_no_fault(log)
    stored = fetch_all(db, "SELECT user_id, event_id, id FROM reader_activities")
    events = {(user_id, event_id): id_ for user_id, event_id, id_ in stored}
    assert crowd.told.activities.items() <= events.items()
    posted = Counter(crowd.told.activities.values())
    assert in_database(db) + in_files(folder) - posted == old
    assert_healthy(db)
    proved(f"{rounds} archives beside {len(posted)} posts: everything is there once")
