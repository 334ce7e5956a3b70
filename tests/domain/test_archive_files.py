"""Files of archived activities: written once, read back, and never half."""

import gzip
import os
from dataclasses import replace
from datetime import UTC, datetime
from fcntl import LOCK_EX, flock
from pathlib import Path

import pytest

from readwatch.domain.archive_files import (
    MANIFEST,
    Archive,
    Written,
    database_of,
    free_name,
    intact,
    is_archive_name,
    line_of,
    lines_of,
    parsed_line,
    read_manifest,
    rewrite,
    sha256_of,
    user_of,
    write_manifest,
    write_new,
)
from readwatch.domain.errors import ReadwatchError

AT = datetime(2025, 3, 14, 15, 9, 26, tzinfo=UTC)
NAME = "activities-2025-03-000000000007.jsonl.gz"


def line(id_: int, user_id: int = 1) -> bytes:
    return line_of((id_, user_id, None, "page_read", *(None,) * 6, "at", "at"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / NAME


@pytest.fixture
def archive(file: Path) -> Archive:
    written = write_new(file, [line(7), line(8, 2), line(9)])
    return Archive(str(file.parent), NAME, 7, 9, written.activities, AT, AT, written.sha256)


def test_a_line_is_one_object_in_ascii_and_tells_its_user() -> None:
    text = line_of((7, 42, None, "page_read", "ö\u2028\n", *(None,) * 5, "at", "at"))
    assert text.isascii()
    assert text.count(b"\n") == 1
    assert parsed_line(text)["content_id"] == "ö\u2028\n"
    assert user_of(text) == 42
    assert user_of(b'{"user_id":42,"id":7}\n') is None
    hostile = line_of((7, 1, None, '{"id":7,"user_id":42,', *(None,) * 6, "at", "at"))
    assert user_of(hostile) == 1


def test_the_same_lines_make_the_same_bytes(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    assert write_new(first, [line(7)]) == write_new(second, [line(7)])
    assert first.read_bytes() == second.read_bytes()
    assert gzip.decompress(first.read_bytes()) == line(7)


def test_an_existing_file_is_not_replaced_and_a_failure_leaves_nothing(file: Path) -> None:
    file.write_text("mine")
    with pytest.raises(ReadwatchError, match="already exists"):
        write_new(file, [line(7)])
    assert file.read_text() == "mine"
    file.unlink()
    with pytest.raises(ZeroDivisionError):
        write_new(file, (line(1 // 0) for _ in "x"))
    assert list(file.parent.iterdir()) == []


def test_one_program_at_a_time_writes_to_a_folder(file: Path) -> None:
    folder = os.open(file.parent, os.O_RDONLY)
    flock(folder, LOCK_EX)
    with pytest.raises(ReadwatchError, match="another copy is being written"):
        write_new(file, [line(7)])
    os.close(folder)
    assert write_new(file, [line(7)]).activities == 1


def test_a_folder_that_cannot_be_written_is_named() -> None:
    with pytest.raises(ReadwatchError, match=r"/proc/.* cannot be written"):
        write_new(Path("/proc") / NAME, [line(7)])


def test_a_file_is_rewritten_with_the_lines_that_stay(archive: Archive) -> None:
    told: list[Written] = []
    written = rewrite(archive.path, lambda it: user_of(it) == 1, told.append)
    assert told == [written]
    assert [parsed_line(it)["id"] for it in lines_of(archive.path)] == [7, 9]
    assert written.sha256 == sha256_of(archive.path) != archive.sha256
    assert archive.path.stat().st_mode & 0o777 == 0o600


def test_a_rewriting_that_fails_leaves_the_old_file(archive: Archive) -> None:
    def fail(_written: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        rewrite(archive.path, lambda _: False, fail)
    assert sha256_of(archive.path) == archive.sha256
    assert list(archive.path.parent.iterdir()) == [archive.path]


@pytest.mark.parametrize("damage", ["cut", "changed", "empty", "no gzip"])
def test_a_damaged_file_is_an_error(archive: Archive, damage: str) -> None:
    content = bytearray(archive.path.read_bytes())
    content[40] ^= 0xFF
    archive.path.write_bytes(
        {
            "cut": archive.path.read_bytes()[:-9],
            "changed": bytes(content),
            "empty": b"",
            "no gzip": b'{"id":7}',
        }[damage]
    )
    with pytest.raises(ReadwatchError, match="is damaged; replace it by a copy"):
        intact(archive, None)
    if damage != "empty":
        with pytest.raises(ReadwatchError, match="is damaged; replace it by a copy"):
            list(lines_of(archive.path))


def test_a_file_is_as_the_database_or_as_the_manifest_has_it(archive: Archive) -> None:
    assert intact(archive, None) == archive
    older = replace(archive, activities=9, sha256="of an older backup")
    with pytest.raises(ReadwatchError, match="is damaged"):
        intact(older, {})
    write_manifest(archive.path.parent, "mine", [archive], {})
    assert intact(older, read_manifest(archive.path.parent)) == archive


def test_a_manifest_keeps_entries_of_others(archive: Archive) -> None:
    folder = archive.path.parent
    write_manifest(folder, "mine", [archive], {"another": {"name": "another", "sha256": "x"}})
    manifest = read_manifest(folder)
    assert manifest
    assert manifest["another"]["sha256"] == "x"
    assert manifest[NAME] == archive.entry
    assert database_of(folder) == "mine"
    assert database_of(folder / "nowhere") is None
    assert archive.entry["oldest_at"] == "2025-03-14T15:09:26.000+00:00"
    assert (folder / MANIFEST).stat().st_mode & 0o777 == 0o600


def test_names_have_month_and_id_and_are_not_taken() -> None:
    assert free_name((), AT, 7) == NAME
    second = free_name({NAME}, AT, 7)
    assert second == "activities-2025-03-000000000007-2.jsonl.gz"
    assert free_name({NAME, second}, AT, 7).endswith("-3.jsonl.gz")
    assert is_archive_name(NAME)
    assert is_archive_name(second)
    assert is_archive_name(free_name((), AT, 2**63 - 1))
    for other in (MANIFEST, "activities.jsonl.gz", f"x{NAME}", f"{NAME}.part", "."):
        assert not is_archive_name(other)
