"""The page about backups: its drill goes as it stands there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cli.shell import Shell, log
from conftest import Cast
from ingest.process import TIMEOUT

from readwatch.store.engine.connections import Database

PAGE = (Path(__file__).parents[1] / "docs" / "backup.md").read_text(encoding="utf-8")
(DRILL,) = re.findall(r"```bash\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.fixture
def engine() -> str:
    """The page is about SQLite."""
    return "sqlite"


def test_the_drill_restores_what_was_backed_up_and_touches_nothing_else(
    url: str, cast: Cast, db: Database, tmp_path: Path
) -> None:
    folder = tmp_path / "drill"
    folder.mkdir()
    done = subprocess.run(
        ["bash", "-c", f"set -euo pipefail\n{DRILL}"],
        cwd=folder,
        env={
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "READWATCH_DATABASE": url,
        },
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("note: it is not known who was erased since the backup")
    assert "restored " in done.stdout
    assert "4 accounts, 0 activities, 1 entry of the access log" in done.stdout
    assert "the access log is intact" in done.stdout
    assert cast.ann.email in done.stdout
    assert [each.name for each in folder.iterdir()] == ["backups"]
    assert [entry[1] for entry in log(db)] == ["backed_up_database", "checked_backup"]


def test_the_commands_for_a_server_back_up_and_restore(
    url: str,
    cast: Cast,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    shell = Shell(url, monkeypatch, capsys)
    backup, restore = re.findall(r"readwatch-admin (db .*)", PAGE)
    assert shell(*backup.replace("/var/backups", str(tmp_path)).split()).code == 0
    (made,) = tmp_path.glob("readwatch/readwatch-*.db")
    *words, file = restore.split()
    assert re.sub(r"\d", "0", Path(file).name) == re.sub(r"\d", "0", made.name)
    assert shell(*words, str(made), "--yes").code == 0
