"""The cut of the access log by `maintenance purge`: what stays, and what a fault leaves."""

import json
import re
import signal
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest
from cli.purging import CUT, DAY, append, happens, ids
from cli.shell import Shell, log
from conftest import Cast

from readwatch.cli.database import database
from readwatch.cli.settings import default_anchor_log
from readwatch.domain.audit import GENESIS, AuditAction, AuditEvent, columns_hash
from readwatch.domain.audit_chain import Anchor, append_anchor, read_anchors
from readwatch.domain.audit_cuts import details_of_cut
from readwatch.domain.clock import system_clock
from readwatch.store.audit import chain, cuts
from readwatch.store.audit.cuts import COPIED, newest_cut
from readwatch.store.audit.heads import current_head
from readwatch.store.engine.connections import Database, driver_connection, is_sqlite
from readwatch.store.engine.privileges import Role

SECURITY = Path(__file__).parents[3] / "docs" / "security.md"

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@pytest.fixture
def today() -> datetime:
    return system_clock()


@pytest.fixture
def six_old_looks(db: Database, cast: Cast, today: datetime) -> None:
    """Six entries are 400 days old, and three of yesterday."""
    append(db, cast, today - 400 * DAY, *(f"page {number}" for number in range(6)))
    append(db, cast, today - DAY, "page 6", "page 7", "page 8")


# What is removed --------------------------------------------------------------------------------


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
@pytest.fixture
def long_old_log(db: Database, cast: Cast, today: datetime) -> None:
    """1005 old entries and one of yesterday: more than a chunk is to be deleted."""
    append(db, cast, today - 400 * DAY, *(f"page {number}" for number in range(1005)))
    append(db, cast, today - DAY, "page 1006")


STEPS = [
    "readwatch.cli.maintenance.access_log_cut:_write_copy:before",
    "readwatch.cli.maintenance.access_log_cut:_append:before",
    "readwatch.cli.maintenance.access_log_cut:_append:after",
    "readwatch.store.audit.cuts:record_cut:after",
    "readwatch.store.audit.cuts:delete_before:during",
]


@pytest.mark.usefixtures("long_old_log")
@pytest.mark.parametrize("step", STEPS)
def test_a_purge_that_is_killed_leaves_an_intact_log_and_can_be_run_again(
    step: str, shell: Shell, db: Database, tmp_path: Path
) -> None:
    copies = [tmp_path / "first.jsonl", tmp_path / "second.jsonl"]
    purge = ("--access-log", "1y", "--to", str(copies[0]))
    assert happens(f"{step}:killed", shell, tmp_path, *purge).returncode == -signal.SIGKILL
    verified = shell("audit", "verify")
    assert verified.code == 0, verified
    assert ("left to delete" in verified.out) == ("cuts" in step)
    again = shell(*CUT, "--to", str(copies[1]))
    assert again.code == 0, again
    assert min(ids(db)) == 1006
    assert shell("audit", "verify").code == 0
    copy = next(file for file in reversed(copies) if file.exists())
    assert len(chain_of(copy)) == 1005


@pytest.mark.usefixtures("long_old_log")
@pytest.mark.parametrize(
    ("step", "left"),
    [
        ("readwatch.cli.maintenance.access_log_cut:_require_intact:after", 1006),
        ("readwatch.cli.maintenance.access_log_cut:_append:after", 1006),
        ("readwatch.store.audit.cuts:delete_before:during", 7),
    ],
)
@on_sqlite
def test_a_full_disk_under_the_database_leaves_an_intact_log_and_the_next_purge_goes_on(
    step: str, left: int, shell: Shell, db: Database, tmp_path: Path
) -> None:
    failed = happens(f"{step}:full", shell, tmp_path, "--access-log", "1y", "--without-copy")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr == "readwatch: the disk of the database is full\n"
    assert shell("audit", "verify").code == 0
    assert len(ids(db)) == left
    assert shell(*CUT, "--without-copy").code == 0
    assert min(ids(db)) == 1006


@pytest.mark.usefixtures("long_old_log")
def test_a_log_is_found_intact_while_a_purge_removes_entries(
    shell: Shell, cast: Cast, db: Database, monkeypatch: pytest.MonkeyPatch, today: datetime
) -> None:
    monkeypatch.setattr(chain, "CHUNK_ENTRIES", 50)
    monkeypatch.setattr(cuts, "CHUNK_ENTRIES", 5)

    def purge() -> int:
        with database(shell.url, Role.PURGE) as own:
            head = cuts.place_of_cut(own, today - 365 * DAY, ())
            assert head is not None
            event = AuditEvent(
                cast.dora.id, AuditAction.CUT_ACCESS_LOG, None, f"{details_of_cut(head)}, no copy"
            )
            return sum(cuts.delete_before(own, cuts.record_cut(own, head, event, today)))

    with ThreadPoolExecutor(1) as thread:
        purging, verified = thread.submit(purge), [shell("audit", "verify")]
        while not purging.done():
            verified.append(shell("audit", "verify"))
        assert purging.result() == 1005
    assert [ended for ended in verified if ended.code != 0] == []


@pytest.mark.usefixtures("six_old_looks")
def test_a_file_of_anchors_that_cannot_be_written_stops_a_cut(
    shell: Shell, db: Database, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    anchors = str(tmp_path / "file" / "anchors")
    complaint = shell(*CUT, "--without-copy", "--anchor-log", anchors).complaint
    assert complaint.startswith(f"{anchors} cannot be ")
    assert complaint.endswith("Not a directory")
    assert ids(db) == [*range(1, 10)]


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
