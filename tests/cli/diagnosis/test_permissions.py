"""Who can open the files of a database."""

import os
import stat
from pathlib import Path

import pytest

from readwatch.cli.diagnosis.permissions import (
    database_file_findings,
    folder_findings,
    private_file_findings,
    user_findings,
    user_name,
)
from readwatch.domain.findings import Severity


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "readwatch.db"
    path.touch(0o600)
    return path


@pytest.mark.parametrize(
    ("mode", "words"), [(0o600, "its owner only"), (0o660, "its owner and its group")]
)
def test_the_owner_and_a_group_may_open_the_database(path: Path, mode: int, words: str) -> None:
    path.chmod(mode)
    [finding] = database_file_findings(path)
    assert finding.severity is Severity.OK
    assert words in finding.text


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
def test_nobody_else_may_and_the_repair_takes_that_away(path: Path, suffix: str) -> None:
    file = path.with_name(f"{path.name}{suffix}")
    file.touch()
    file.chmod(0o664)
    [finding] = database_file_findings(path)
    assert (finding.severity, finding.fix) == (Severity.ERROR, f"chmod o= {file}")
    assert finding.repair
    assert finding.repair() == f"{file} has the mode 660"
    assert stat.S_IMODE(file.stat().st_mode) == 0o660
    assert [each.severity for each in database_file_findings(path)] == [Severity.OK]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_wal_of_another_user_is_an_error_and_root_is_told_whose_database_it_is(
    path: Path,
) -> None:
    wal = path.with_name("readwatch.db-wal")
    wal.touch(0o600)
    os.chown(path, 65534, -1)
    first, _ = database_file_findings(path)
    assert first.severity is Severity.ERROR
    assert first.text == f"{wal} belongs to root, the database to {user_name(65534)}"
    [finding] = user_findings(path, 0)
    assert finding.severity is Severity.WARNING
    assert finding.fix == f"sudo -u {user_name(65534)} readwatch doctor"


def test_the_owner_of_the_database_is_the_right_user(path: Path) -> None:
    assert list(user_findings(path, path.stat().st_uid)) == []


def test_a_folder_in_which_everybody_can_replace_files_is_an_error(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(0o1777)
    assert list(folder_findings(folder)) == [], "as in /tmp only owners can replace files"
    folder.chmod(0o777)
    [finding] = folder_findings(folder)
    assert finding.severity is Severity.ERROR
    assert finding.repair
    finding.repair()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o775


def test_a_private_file_is_for_its_owner_and_a_missing_one_is_fine(tmp_path: Path) -> None:
    file = tmp_path / "a backup.db"
    assert list(private_file_findings(file)) == []
    file.touch(0o600)
    assert list(private_file_findings(file)) == []
    file.chmod(0o640)
    [finding] = private_file_findings(file)
    assert (finding.severity, finding.fix) == (Severity.WARNING, f"chmod 600 '{file}'")
    assert finding.repair
    finding.repair()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_user_without_a_name_has_a_number() -> None:
    assert user_name(4_000_000) == "user 4000000"
