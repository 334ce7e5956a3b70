"""`readwatch maintenance purge`: what it deletes, what stays, and what an interruption leaves."""

import json
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pexpect
import pytest
from cli.shell import Shell, log
from conftest import Cast
from reading_app import ReadingApp

from readwatch.cli.settings import default_anchor_log
from readwatch.domain.audit import GENESIS, AuditAction, AuditEvent, columns_hash
from readwatch.domain.audit_chain import Anchor, append_anchor, read_anchors
from readwatch.domain.clock import system_clock
from readwatch.store.audit.cuts import COPIED, newest_cut
from readwatch.store.audit.heads import current_head
from readwatch.store.audit.log import append_all_in_transaction
from readwatch.store.engine.connections import Database, driver_connection, is_sqlite
from readwatch.store.engine.exclusive import exclusive_maintenance
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.sqlite import sqlite_path

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

SECURITY = Path(__file__).parents[2] / "docs" / "security.md"

DAY = timedelta(days=1)
CUT = ("maintenance", "purge", "--access-log", "1y", "--yes")


@pytest.fixture
def today() -> datetime:
    return system_clock()


def append(db: Database, cast: Cast, at: datetime, *details: str) -> None:
    events = (
        AuditEvent(cast.cara.id, AuditAction.VIEWED_READER_PROFILE, cast.ann.id, text)
        for text in details
    )
    with db.atomic():
        append_all_in_transaction(db, events, at)


@pytest.fixture
def six_old_looks(db: Database, cast: Cast, today: datetime) -> None:
    """Six entries are 400 days old, and three of yesterday."""
    append(db, cast, today - 400 * DAY, *(f"page {number}" for number in range(6)))
    append(db, cast, today - DAY, "page 6", "page 7", "page 8")


@pytest.fixture
def three_old_logins(db: Database, cast: Cast, today: datetime) -> Callable[[], datetime]:
    """Ann read in three sessions that ended more than a year ago, and in one of yesterday."""
    at = [today - 500 * DAY]

    def clock() -> datetime:
        return at[0]

    app = ReadingApp(db, cast.ann, clock)
    for day in (500, 450, 400, 1):
        at[0] = today - day * DAY
        app.reads("Dracula", progress=10)
        at[0] += timedelta(minutes=5)
        app.logs_out()
    return clock


def numbers(db: Database, sql: str) -> list[int]:
    return [number for (number,) in db.execute_sql(sql).fetchall()]


def ids(db: Database) -> list[int]:
    return numbers(db, "SELECT id FROM consultant_access_log ORDER BY id")


def sessions(db: Database) -> list[int]:
    return numbers(db, "SELECT id FROM reader_sessions ORDER BY id")


# Sessions ---------------------------------------------------------------------------------------


@pytest.mark.usefixtures("three_old_logins")
def test_old_sessions_go_and_totals_and_activities_stay(
    shell: Shell, cast: Cast, db: Database
) -> None:
    profile = "SELECT total_sessions, last_login, total_reading_seconds FROM reader_profiles"
    before = db.execute_sql(f"{profile} WHERE user_id = {cast.ann.id}").fetchall()
    purged = shell("maintenance", "purge", "--sessions", "1y", "--yes")

    assert (purged.code, purged.err) == (0, "")
    assert purged.out.startswith("deleted 2 reader sessions that ended before ")
    assert sessions(db) == [3, 4], "the last one from before stays, for the next login"
    assert db.execute_sql(f"{profile} WHERE user_id = {cast.ann.id}").fetchall() == before
    activities = "SELECT session_id FROM reader_activities ORDER BY id"
    assert db.execute_sql(activities).fetchall() == [(None,), (None,), (3,), (4,)]
    who, action, whom, details = log(db)[0]
    assert (who, action, whom) == (cast.dora.id, "purged_sessions", None)
    assert details.startswith("cli, 2 reader sessions that ended before ")
    assert shell("db", "health").code == 0
    assert "nothing was changed" in shell("db", "rebuild").out
    assert shell("maintenance", "purge", "--sessions", "1y").out == "nothing is old enough\n"


@pytest.mark.usefixtures("three_old_logins")
def test_a_second_purge_adds_to_the_totals_of_the_first(
    shell: Shell, cast: Cast, db: Database
) -> None:
    for age in ("470d", "1y"):
        shell("maintenance", "purge", "--sessions", age, "--yes")
    totals = "SELECT total_sessions FROM archived_totals"
    assert numbers(db, totals) == [2]
    assert "nothing was changed" in shell("db", "rebuild").out


@pytest.mark.usefixtures("three_old_logins")
def test_a_session_that_a_device_can_resume_stays(
    shell: Shell, cast: Cast, db: Database, connected: Callable[[Role], Database], today: datetime
) -> None:
    with db.atomic():
        for token, session in (("valid", 1), ("expired", 2)):
            db.execute_sql(
                "INSERT INTO resume_tokens (family_hash, token_hash, user_id, session_id,"
                f" expires_at) VALUES ('{token}', '{token}', {cast.ann.id}, {session},"
                f" '{(today + (DAY if token == 'valid' else -DAY)):%Y-%m-%d %H:%M:%S}.000')"
            )
    assert shell("maintenance", "purge", "--sessions", "1y", "--yes").code == 0
    assert sessions(db) == [1, 3, 4]
    assert db.execute_sql("SELECT family_hash FROM resume_tokens").fetchall() == [("valid",)]
    db.execute_sql("UPDATE resume_tokens SET session_id = 4, predecessor_session_id = 1")
    assert shell("maintenance", "purge", "--sessions", "1y").out == "nothing is old enough\n"


def test_old_staff_sessions_go(shell: Shell, cast: Cast, db: Database, today: datetime) -> None:
    for number, (day, is_active) in enumerate([(400, False), (1, False), (400, True)]):
        at = f"{today - day * DAY:%Y-%m-%d %H:%M:%S}.000"
        db.execute_sql(
            "INSERT INTO staff_sessions (user_id, session_token, started_at, ended_at, is_active)"
            f" VALUES ({cast.cara.id}, '{number}', '{at}', {'NULL' if is_active else repr(at)},"
            f" {is_active})"
        )
    report = json.loads(
        shell("maintenance", "purge", "--staff-sessions", "1y", "--yes", "--json").out
    )
    assert (report["staff_sessions"], report["sessions"]) == (1, None)
    assert numbers(db, "SELECT id FROM staff_sessions ORDER BY id") == [2, 3]
    assert log(db)[0][3].startswith("cli, 1 staff session that ended before ")


# What is asked ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("six_old_looks", "three_old_logins")
def test_a_dry_run_says_what_would_go_and_deletes_and_logs_nothing(
    shell: Shell, db: Database
) -> None:
    what = ("--sessions", "1y", "--staff-sessions", "1y", "--access-log", "1y", "--dry-run")
    ended = shell("maintenance", "purge", *what)
    assert (ended.code, ended.err) == (0, "")
    assert [line.partition(" that ended")[0] for line in ended.out.splitlines()] == [
        "would delete 2 reader sessions",
        "would delete 0 staff sessions",
        "would delete 6 entries of the access log, up to entry 6",
    ]
    report = json.loads(shell("maintenance", "purge", *what, "--json").out)
    assert (report["dry_run"], report["sessions"], report["staff_sessions"]) == (True, 2, 0)
    assert report["access_log"]["entries"] == 6
    assert report["access_log"]["head"]["id"] == 6
    assert ids(db) == [*range(1, 10)]
    assert sessions(db) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "say what to delete: --sessions AGE"),
        (["--access-log", "1y"], "name a file for the removed entries"),
        (["--sessions", "1 year"], "'1 year' is not an age such as 1y, 18mo, 12w or 90d"),
    ],
)
def test_what_is_typed_wrong_is_explained(
    shell: Shell, arguments: list[str], complaint: str
) -> None:
    ended = shell("maintenance", "purge", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert complaint in ended.err


@pytest.mark.usefixtures("cast")
@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (
            ["--access-log", "89d", "--without-copy"],
            "89d is too short: at least 90 days; the access log keeps what is newer",
        ),
        (
            ["--staff-sessions", "2mo"],
            "2mo is too short: at least 90 days; pages and reports of readers show twelve weeks",
        ),
        (["--sessions", "99999y"], "99999y is longer ago than there are dates"),
    ],
)
def test_what_is_too_young_or_too_old_is_refused(
    shell: Shell, arguments: list[str], complaint: str
) -> None:
    assert shell("maintenance", "purge", *arguments).complaint == complaint


@pytest.mark.usefixtures("three_old_logins")
def test_without_a_terminal_and_without_yes_nothing_is_deleted(shell: Shell, db: Database) -> None:
    ended = shell("maintenance", "purge", "--sessions", "1y")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.endswith("readwatch: there is no terminal to ask on; use --yes\n")
    assert sessions(db) == [1, 2, 3, 4]
    assert log(db) == []


# Python 3.12 and later say so whenever a process with threads is forked, as pexpect does it.
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.usefixtures("three_old_logins")
@on_sqlite
def test_on_a_terminal_it_asks_and_no_is_no(shell: Shell, db: Database) -> None:
    for answer, code, left in (("n", 1, 4), ("y", 0, 2)):
        asking = pexpect.spawn(
            sys.executable,
            ["-m", "readwatch", "--database", shell.url, *CUT[:2], "--sessions", "1y"],
            encoding="utf-8",
            timeout=30,
        )
        asking.expect("to delete: 2 reader sessions")
        asking.expect("This cannot be undone")
        asking.sendline(answer)
        asking.expect(pexpect.EOF)
        asking.close()
        assert (asking.exitstatus, len(sessions(db))) == (code, left)


def test_one_run_at_a_time(shell: Shell, cast: Cast, connected: Callable[[Role], Database]) -> None:
    for command in (("purge", "--sessions", "1y"), ("sweep",), ("run",)):
        with exclusive_maintenance(connected(Role.PURGE)):
            complaint = shell("maintenance", *command).complaint
        assert complaint.startswith("another command archives, purges, exports or erases data")
        assert shell("maintenance", *command).code == 0


@on_sqlite
def test_a_folder_that_cannot_be_written_is_refused(shell: Shell, cast: Cast) -> None:
    sqlite_path(f"{shell.url}.maintenance").mkdir()
    complaint = shell("maintenance", "purge", "--sessions", "1y").complaint
    assert complaint.endswith("readwatch.db.maintenance cannot be opened: Is a directory")


def test_a_clock_that_has_jumped_deletes_nothing(
    shell: Shell, cast: Cast, db: Database, today: datetime
) -> None:
    append(db, cast, today - 400 * DAY, "page 1")
    append(db, cast, today - 40 * DAY, "page 2")
    for command in (("purge", "--access-log", "1y", "--without-copy"), ("sweep",), ("run",)):
        complaint = shell("maintenance", *command).complaint
        assert complaint.startswith(f"the clock of this machine says {today:%Y-%m-%d}, but the ")
    assert ids(db) == [1, 2]


# The access log ---------------------------------------------------------------------------------


def chain_of(file: Path) -> list[dict[str, object]]:
    """The entries of a copy, whose chain is verified as anybody could."""
    entries = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    for entry in entries:
        assert columns_hash([entry[name] for name in COPIED[1:-1]]) == entry["row_hash"]
    hashes = [entry["row_hash"] for entry in entries]
    assert [entry["prev_hash"] for entry in entries[1:]] == hashes[:-1]
    return entries


@pytest.mark.usefixtures("six_old_looks")
def test_old_entries_are_copied_and_removed_and_the_rest_is_verified(
    shell: Shell, cast: Cast, db: Database, tmp_path: Path
) -> None:
    copy = tmp_path / "removed.jsonl"
    purged = shell(*CUT, "--to", str(copy))
    assert (purged.code, purged.err) == (0, "")
    assert purged.out == (
        f"removed 6 entries of the access log, up to entry 6; they are in {copy}\n"
    )
    assert ids(db) == [7, 8, 9, 10, 11]
    removed = chain_of(copy)
    assert [entry["action_details"] for entry in removed] == [f"page {n}" for n in range(6)]
    assert removed[0]["prev_hash"] == GENESIS
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    cut = newest_cut(db)
    assert cut is not None
    assert (cut.head.entries, cut.head.id, cut.entry_id) == (6, 6, 11)
    assert cut.head.row_hash == removed[-1]["row_hash"]
    assert log(db)[-2:] == [
        (cast.dora.id, "exported_access_log", None, "cli, purge, jsonl, rows 6"),
        (
            *(cast.dora.id, "cut_access_log", None),
            f"cli, 6 entries up to 6 with the hash {cut.head.row_hash}, copied to removed.jsonl",
        ),
    ]
    assert read_anchors(default_anchor_log(shell.url)) == (
        Anchor(cut.cut_at.replace(microsecond=0), cut.head, is_of_cut=True),
    )
    verified = shell("audit", "verify")
    assert (verified.code, verified.err) == (0, "")
    assert verified.out.splitlines()[:3] == [
        "the access log is intact",
        f"CUT: {cut.sentence}",
        "11 entries",
    ]
    report = json.loads(shell("audit", "verify", "--json").out)
    assert report["cut"]["head"]["id"] == report["cut"]["head"]["entries"] == 6
    assert (report["head"]["entries"], report["head"]["id"]) == (11, 11)


def test_entries_go_on_counting_and_a_second_cut_goes_further(
    shell: Shell, cast: Cast, db: Database, today: datetime, tmp_path: Path
) -> None:
    append(db, cast, today - 400 * DAY, "page 1", "page 2")
    append(db, cast, today - 380 * DAY, "page 3", "page 4", "page 5")
    append(db, cast, today - DAY, "page 6")
    first = shell("maintenance", "purge", "--access-log", "390d", "--yes", "--without-copy")
    assert first.out == "removed 2 entries of the access log, up to entry 2\n"
    assert ids(db) == [3, 4, 5, 6, 7]
    second = shell(*CUT, "--to", str(tmp_path / "removed.jsonl"))
    assert second.out.startswith("removed 3 entries of the access log, up to entry 5; ")
    assert [entry["id"] for entry in chain_of(tmp_path / "removed.jsonl")] == [3, 4, 5]
    append(db, cast, today - 399 * DAY, "page 7")  # by a clock that went back
    assert shell(*CUT, "--without-copy").out == "nothing is old enough\n"
    verified = shell("audit", "verify")
    assert verified.code == 0
    assert "\nCUT: 5 entries were removed, up to entry 5: entry 9 says" in verified.out
    assert "\n10 entries\n" in verified.out


def test_the_cut_is_at_an_anchor_if_one_is_near(
    shell: Shell, cast: Cast, db: Database, today: datetime
) -> None:
    file = default_anchor_log(shell.url)
    file.parent.mkdir(parents=True)
    append(db, cast, today - 402 * DAY, "page 1", "page 2")
    append_anchor(file, Anchor(today - 401 * DAY, anchored := current_head(db)))
    append(db, cast, today - 400 * DAY, "page 3")
    append(db, cast, today - DAY, "page 4")
    append_anchor(file, Anchor(today - DAY, current_head(db)))
    assert "up to entry 2\n" in shell(*CUT, "--without-copy").out
    cut = newest_cut(db)
    assert cut is not None
    assert cut.head == anchored
    verified = shell("audit", "verify").out
    assert "the access log is intact" in verified
    assert "no longer comparable" not in verified, "that of the cut is comparable"


def test_anchors_before_the_cut_are_counted_and_compared_no_more(
    shell: Shell, cast: Cast, db: Database, today: datetime, tmp_path: Path
) -> None:
    file, named = default_anchor_log(shell.url), tmp_path / "anchors"
    file.parent.mkdir(parents=True)
    append(db, cast, today - 420 * DAY, "page 1")
    append_anchor(file, Anchor(today - 420 * DAY, current_head(db)))
    append_anchor(named, Anchor(today - 420 * DAY, current_head(db)))
    append(db, cast, today - 400 * DAY, "page 2")
    append(db, cast, today - DAY, "page 3")
    assert shell(*CUT, "--without-copy").code == 0
    verified = shell("audit", "verify")
    assert verified.code == 0
    assert verified.out.endswith("before the cut, no longer comparable: 1 of them\n")
    # A file of somebody else gets the anchor of the cut with the next anchor.
    assert shell("audit", "verify", "--anchor", str(named)).code == 0
    assert shell("audit", "anchor", str(named)).code == 0
    marks = [anchor.is_of_cut for anchor in read_anchors(named)]
    assert marks == [False, True, False]
    file.unlink()
    assert shell("audit", "verify", "--anchor", str(named)).code == 0


@pytest.mark.usefixtures("six_old_looks")
@on_sqlite
def test_the_page_says_how_to_verify_a_copy(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert shell(*CUT, "--to", "removed.jsonl").code == 0
    (program,) = re.findall(r"```python\n(.+?)```", SECURITY.read_text("utf-8"), re.DOTALL)
    exec(program)  # noqa: S102
    copy = tmp_path / "removed.jsonl"
    copy.write_text(copy.read_text().replace("page 3", "page 4"))
    with pytest.raises(AssertionError, match="4"):
        exec(program)  # noqa: S102


@pytest.mark.usefixtures("six_old_looks")
def test_a_log_that_is_not_intact_is_not_cut(
    shell: Shell, cast: Cast, db: Database, today: datetime
) -> None:
    file = default_anchor_log(shell.url)
    file.parent.mkdir(parents=True)
    head = current_head(db)
    append_anchor(file, Anchor(today, type(head)(head.entries, head.id, "f" * 64)))
    complaint = shell(*CUT, "--without-copy").complaint
    assert complaint.startswith("the access log was not cut, because it is not intact: entry 9, ")
    assert ids(db) == [*range(1, 10)]
    assert newest_cut(db) is None


@pytest.mark.usefixtures("six_old_looks")
def test_lists_exports_and_backups_go_on_after_a_cut(
    shell: Shell, db: Database, tmp_path: Path
) -> None:
    assert shell(*CUT, "--without-copy").code == 0
    assert len(shell("audit", "list").out.splitlines()) == 6
    assert shell("audit", "export", str(tmp_path / "log.json")).code == 0
    assert len(json.loads((tmp_path / "log.json").read_text())) == 5
    if not is_sqlite(db):
        return
    assert shell("db", "backup", str(tmp_path / "b.db")).code == 0
    db.close()
    restored = shell("db", "restore", str(tmp_path / "b.db"), "--yes")
    assert restored.code == 0, restored
    verified = shell("audit", "verify")
    assert verified.code == 0, verified
    assert "\nCUT: 6 entries were removed, up to entry 6: entry 10 says" in verified.out
    assert "\nGAP: " in verified.out


# Faults -----------------------------------------------------------------------------------------

KILLED = """
import os, signal, sys
from importlib import import_module
place, name, when = sys.argv.pop(1).split(":")
module = import_module(place)
work, calls = getattr(module, name), []
def killed(*values, **named):
    if when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    result = work(*values, **named)
    if when == "after":
        os.kill(os.getpid(), signal.SIGKILL)
    return first_chunk(result)
def first_chunk(chunks):
    yield next(chunks)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(module, name, killed)
from readwatch.cli.main import main
main()
"""

STEPS = [
    "readwatch.cli.access_log_cut:_write_copy:before",
    "readwatch.cli.access_log_cut:_append:before",
    "readwatch.cli.access_log_cut:_append:after",
    "readwatch.store.audit.cuts:record_cut:after",
    "readwatch.store.audit.cuts:delete_before:during",
]


@pytest.mark.parametrize("step", STEPS)
def test_a_purge_that_is_killed_leaves_an_intact_log_and_can_be_run_again(
    step: str, shell: Shell, cast: Cast, db: Database, today: datetime, tmp_path: Path
) -> None:
    append(db, cast, today - 400 * DAY, *(f"page {number}" for number in range(1005)))
    append(db, cast, today - DAY, "page 1006")
    copies = [tmp_path / "first.jsonl", tmp_path / "second.jsonl"]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, step, "--database", shell.url, *CUT, "--to", copies[0]],
        check=False,
        timeout=60,
    )
    assert killed.returncode == -signal.SIGKILL
    verified = shell("audit", "verify")
    assert verified.code == 0, verified
    assert ("left to delete" in verified.out) == ("cuts" in step)
    again = shell(*CUT, "--to", str(copies[1]))
    assert again.code == 0, again
    assert min(ids(db)) == 1006
    assert shell("audit", "verify").code == 0
    copy = next(file for file in reversed(copies) if file.exists())
    assert len(chain_of(copy)) == 1005


@pytest.mark.usefixtures("three_old_logins")
def test_a_purge_of_sessions_that_is_killed_keeps_the_totals_right(
    shell: Shell, db: Database
) -> None:
    step = "readwatch.store.lifecycle.purge:purge_sessions:during"
    command = [sys.executable, "-c", KILLED, step, "--database", shell.url]
    killed = subprocess.run(
        [*command, "maintenance", "purge", "--sessions", "1y", "--yes"], check=False, timeout=60
    )
    assert killed.returncode == -signal.SIGKILL
    assert "nothing was changed" in shell("db", "rebuild").out
    assert shell("maintenance", "purge", "--sessions", "1y", "--yes").code == 0
    assert sessions(db) == [3, 4]


SMALL_FILES = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
from readwatch.cli.main import main
main()
"""


def test_a_full_disk_under_the_copy_removes_nothing(
    shell: Shell, cast: Cast, db: Database, today: datetime, tmp_path: Path
) -> None:
    append(db, cast, today - 400 * DAY, *(f"page {number}" for number in range(400)))
    append(db, cast, today - DAY, "page 401")
    if is_sqlite(db):
        driver_connection(db).execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    copy = tmp_path / "removed.jsonl"
    failed = subprocess.run(
        [sys.executable, "-c", SMALL_FILES, "--database", shell.url, *CUT, "--to", copy],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr == f"readwatch: {copy} cannot be written: File too large\n"
    assert [file.name for file in tmp_path.glob("*.jsonl")] == []
    assert len(ids(db)) == 402
    assert newest_cut(db) is None
    assert (
        not default_anchor_log(shell.url).exists()
        or read_anchors(default_anchor_log(shell.url)) == ()
    )
