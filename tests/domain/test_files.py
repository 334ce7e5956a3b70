"""Files are for their owner alone, and whole or not there at all."""

import os
from pathlib import Path

import pytest

from readwatch.domain.files import atomic_file, atomic_text_file, make_private_folders


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a" / "report.csv"


@pytest.fixture(autouse=True)
def folder(file: Path) -> Path:
    file.parent.mkdir()
    return file.parent


@pytest.mark.parametrize("replace", [True, False])
def test_a_file_is_its_owners_and_whole(file: Path, folder: Path, replace: bool) -> None:
    with atomic_text_file(file, replace=replace) as opened:
        opened.write("Büro\r\n")
        assert not file.exists()
    assert file.read_bytes() == "Büro\r\n".encode()
    assert file.stat().st_mode & 0o777 == 0o600
    assert os.listdir(folder) == [file.name]


def fail_in_the_middle(file: Path, *, replace: bool) -> None:
    with atomic_file(file, replace=replace) as opened:
        opened.write(b"half")
        opened.flush()
        raise ZeroDivisionError


@pytest.mark.parametrize("replace", [True, False])
def test_what_fails_in_the_middle_leaves_nothing(file: Path, folder: Path, replace: bool) -> None:
    with pytest.raises(ZeroDivisionError):
        fail_in_the_middle(file, replace=replace)
    assert os.listdir(folder) == []


def test_one_that_is_there_stays_as_it_is_unless_it_may_be_replaced(
    file: Path, folder: Path
) -> None:
    file.write_text("mine")
    with pytest.raises(FileExistsError), atomic_file(file, replace=False):
        pytest.fail("nothing is lent")
    with pytest.raises(ZeroDivisionError):
        fail_in_the_middle(file, replace=True)
    assert file.read_text() == "mine"
    with atomic_file(file, replace=True) as opened:
        opened.write(b"new")
    assert file.read_bytes() == b"new"
    assert os.listdir(folder) == [file.name]


@pytest.mark.parametrize("replace", [True, False])
def test_a_name_can_be_as_long_as_the_system_lets_it(folder: Path, replace: bool) -> None:
    file = folder / f"{'r' * 251}.csv"
    with atomic_file(file, replace=replace) as opened:
        opened.write(b"new")
    assert (file.read_bytes(), os.listdir(folder)) == (b"new", [file.name])
    with pytest.raises(OSError, match="too long"), atomic_file(folder / ("r" * 256), replace=False):
        pytest.fail("nothing is lent")
    assert os.listdir(folder) == [file.name]


@pytest.mark.parametrize("without_links", [True, False])
def test_a_name_that_somebody_took_meanwhile_stays_theirs(
    file: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, without_links: bool
) -> None:
    if without_links:
        monkeypatch.setattr(os, "link", refuse_to_link)
    with pytest.raises(FileExistsError):
        write_while_somebody_takes_the_name(file)
    assert (file.read_text(), os.listdir(folder)) == ("theirs", [file.name])


def write_while_somebody_takes_the_name(file: Path) -> None:
    with atomic_file(file, replace=False) as opened:
        opened.write(b"mine")
        file.write_text("theirs")


def refuse_to_link(*_: object, **__: object) -> None:
    """Do as a file system that has no hard links."""
    raise PermissionError


def test_a_new_file_is_whole_also_where_there_are_no_hard_links(
    file: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", refuse_to_link)
    with atomic_file(file, replace=False) as opened:
        opened.write(b"new")
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"new", 0o600)
    assert os.listdir(folder) == [file.name]


def test_new_folders_are_their_owners_and_existing_ones_stay_as_they_are(folder: Path) -> None:
    folder.chmod(0o755)
    for _ in range(2):
        make_private_folders(folder / "b" / "c")
    folders = (folder, folder / "b", folder / "b" / "c")
    assert [made.stat().st_mode & 0o777 for made in folders] == [0o755, 0o700, 0o700]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs Linux")
def test_new_folders_are_on_disk_with_their_names(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_disk = []
    put_on_disk = os.fsync

    def fsync(descriptor: int) -> None:
        put_on_disk(descriptor)
        on_disk.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")))

    monkeypatch.setattr(os, "fsync", fsync)
    make_private_folders(folder / "b" / "c")
    assert on_disk == [folder, folder / "b"]


def test_where_a_file_is_no_folder_is_made(file: Path) -> None:
    file.write_text("mine")
    with pytest.raises(OSError, match="Not a directory"):
        make_private_folders(file / "b")
