"""The disk of a SQLite file."""

import fcntl
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from readwatch.cli.diagnosis.disk import (
    MAX_COPY_AGE,
    draft_findings,
    file_system,
    file_system_findings,
    old_copy_findings,
    room_findings,
)
from readwatch.domain.disk_room import Room
from readwatch.domain.errors import ReadwatchError
from readwatch.domain.findings import Severity
from readwatch.domain.health import MIN_FREE_BYTES

MOUNTS = r"""22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
28 27 0:26 / /srv/my\040books rw - nfs4 server:/books rw
29 27 0:27 / /srv/books rw,nosuid shared:2 master:3 - overlay overlay rw
30 27 0:28 / /srv/books/fast rw - tmpfs tmpfs rw
not a line of the kernel
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/readwatch/readwatch.db", "ext4"),
        ("/srv/my books/readwatch.db", "nfs4"),
        ("/srv/books/readwatch.db", "overlay"),
        ("/srv/bookshelf/readwatch.db", "ext4"),
        ("/srv/books/fast/readwatch.db", "tmpfs"),
    ],
)
def test_the_file_system_is_that_of_the_innermost_mount(path: str, kind: str) -> None:
    assert file_system(Path(path), MOUNTS) == kind


def test_without_mounts_nothing_is_known_and_nothing_is_said() -> None:
    assert file_system(Path("/a"), "") is None
    assert list(file_system_findings(Path("/a"), "")) == []


@pytest.mark.parametrize(
    ("path", "severity", "words"),
    [
        ("/var/readwatch.db", Severity.OK, "ext4, a disk"),
        ("/srv/my books/readwatch.db", Severity.ERROR, "on a network (nfs4)"),
        ("/srv/books/readwatch.db", Severity.WARNING, "layer of a container"),
        ("/srv/books/fast/readwatch.db", Severity.WARNING, "in memory (tmpfs)"),
    ],
)
def test_a_network_a_container_and_memory_are_findings(
    path: str, severity: Severity, words: str
) -> None:
    [finding] = file_system_findings(Path(path), MOUNTS)
    assert finding.severity is severity
    assert words in finding.text


def test_room_for_a_second_copy_and_a_vacuum_is_wanted(tmp_path: Path) -> None:
    free = os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize
    if free > 2 * MIN_FREE_BYTES:  # otherwise the disk is a finding of its own
        [fine] = room_findings(tmp_path, 0, ())
        assert fine.severity is Severity.OK
        [tight] = room_findings(tmp_path, 2 * free, ())
        assert "too little for a backup" in tight.text
        [vacuum] = room_findings(tmp_path, 0, [Room(tmp_path, 9, 10), Room(tmp_path, 9, 8)])
        assert vacuum.text == f"9 B is needed in {tmp_path}, where 8 B is free"
        assert {tight.severity, vacuum.severity} == {Severity.WARNING}


def test_parts_of_copies_are_deleted_unless_one_is_being_written(tmp_path: Path) -> None:
    assert list(draft_findings(tmp_path)) == []
    (tmp_path / ".readwatch-copy-1").write_text("half")
    (tmp_path / "notes.txt").touch()
    [finding] = draft_findings(tmp_path)
    assert finding.text.startswith("an interrupted command has left 1 part of a copy (4 B) in ")
    assert finding.repair
    folder = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    assert list(draft_findings(tmp_path)) == [], "it is the draft of a program that runs"
    with pytest.raises(ReadwatchError, match="another copy is being written"):
        finding.repair()
    os.close(folder)
    assert finding.repair() == f"deleted 1 file of interrupted copies in {tmp_path}"
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("name", ["rw.db.replaced-20260101", "readwatch-schema-6-20260101.db"])
def test_a_copy_of_long_ago_that_no_command_deletes_is_named(tmp_path: Path, name: str) -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    file = tmp_path / name
    file.touch()
    for age, number in ((-timedelta(days=1), 0), (timedelta(days=1), 1)):
        at = (now - MAX_COPY_AGE - age).timestamp()
        os.utime(file, (at, at))
        findings = list(old_copy_findings(tmp_path / "rw.db", now))
        assert [finding.fix for finding in findings] == [
            f"if you no longer need it: rm {file}"
        ] * number
