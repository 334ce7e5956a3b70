"""The page about exports: its commands run as they stand there, and its columns are those."""

import csv
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from conftest import Cast

from readwatch.domain.activities import Activity
from readwatch.store.engine.connections import Database
from readwatch.store.identity.sessions import open_session
from readwatch.store.identity.tokens import hash_token
from readwatch.store.recording.activities import record_activities
from readwatch.store.reports import week
from readwatch.store.reports.exports import PAGE_LENGTH, ExportKind, Selection

PAGE = (Path(__file__).parents[1] / "docs" / "exports.md").read_text(encoding="utf-8")
(COMMANDS,) = re.findall(r"```bash\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_the_commands_do_what_the_page_says(
    url: str, cast: Cast, db: Database, tmp_path: Path
) -> None:
    at = datetime(2026, 11, 10, 12, tzinfo=UTC)
    with db.atomic():
        session = open_session(db, cast.ann, hash_token("x"), at)
        record_activities(db, session, [Activity("page_read", "momo", "Momo", 5, 60)], at)
    done = subprocess.run(
        ["bash", "-c", f"set -euo pipefail\n{COMMANDS}"],
        cwd=tmp_path,
        env={
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "READWATCH_DATABASE": url,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    with (tmp_path / "november.csv").open(newline="", encoding="utf-8") as file:
        assert [row["content_title"] for row in csv.DictReader(file)] == ["Momo"]
    assert len((tmp_path / "readers.jsonl").read_text("utf-8").splitlines()) == 2
    assert (tmp_path / "week.html").read_text("utf-8").startswith("<!DOCTYPE html>")
    assert "\nWeek 2026-W10: 2 to 8 March 2026\n" in done.stdout
    assert "readers online now" in done.stdout


@pytest.mark.parametrize("kind", ExportKind)
def test_the_page_has_the_columns_of_each_export(kind: ExportKind) -> None:
    (columns,) = re.findall(rf"^\| `{kind}` \| `\w+` \| (.+) \|$", PAGE, re.MULTILINE)
    assert tuple(re.findall(r"`(\w+)`", columns)) == Selection(kind).columns


def test_the_numbers_on_the_page_are_those_of_the_program() -> None:
    assert f"pages of\n  {PAGE_LENGTH:,} rows" in PAGE
    assert f"at most {week.MAX_READERS} readers and {week.MAX_CASES} cases" in PAGE
    assert week.MAX_TITLES == 10
    assert "the ten titles" in PAGE
