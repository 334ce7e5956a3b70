"""Purges for tests: old entries, and a purge to which something happens."""

import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

from cli.shell import Shell
from conftest import Cast

from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.store.audit.log import append_all_in_transaction
from readwatch.store.engine.connections import Database

DAY = timedelta(days=1)
CUT = ("maintenance", "purge", "--access-log", "1y", "--yes")


def append(db: Database, cast: Cast, at: datetime, *details: str) -> None:
    events = (
        AuditEvent(cast.cara.id, AuditAction.VIEWED_READER_PROFILE, cast.ann.id, text)
        for text in details
    )
    with db.atomic():
        append_all_in_transaction(db, events, at)


def numbers(db: Database, sql: str) -> list[int]:
    return [number for (number,) in db.execute_sql(sql).fetchall()]


def ids(db: Database) -> list[int]:
    return numbers(db, "SELECT id FROM consultant_access_log ORDER BY id")


def sessions(db: Database) -> list[int]:
    return numbers(db, "SELECT id FROM reader_sessions ORDER BY id")


FAULTY = """
import os, signal, sys
from importlib import import_module
from pathlib import Path
module, name, when, fault = sys.argv.pop(1).split(":")
module = import_module(module)
work = getattr(module, name)
def happen():
    if fault == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    Path(os.environ["READWATCH_TEST_DISK_IS_FULL"]).touch()
def faulty(*values, **named):
    if when == "before":
        happen()
    result = work(*values, **named)
    if when == "during":
        return chunks(result)
    if when == "after":
        happen()
    return result
def chunks(all_of_them):
    yield next(all_of_them)
    happen()
    yield from all_of_them
setattr(module, name, faulty)
from readwatch.cli.main import main
main()
"""
"""A purge to which something happens before, during or after a function."""


def happens(
    fault: str, shell: Shell, tmp_path: Path, *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Run `readwatch maintenance purge` until a fault such as `module:function:before:killed`."""
    environment = {
        "PYTHONPATH": str(Path(__file__).parents[1] / "endurance" / "full_disk"),
        "READWATCH_TEST_DISK_IS_FULL": str(tmp_path / "full"),
    }
    command = [sys.executable, "-c", FAULTY, fault, "--database", shell.url, "maintenance", "purge"]
    return subprocess.run(
        [*command, *arguments, "--yes"],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
