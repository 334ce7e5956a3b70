"""The command line on a real database."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cli.old_history import OldHistory, make_old_history
from cli.shell import Shell
from conftest import Cast, StillClock

from readwatch.store.engine.connections import Database, close_all, connection, open_database
from readwatch.store.engine.privileges import Role


@pytest.fixture
def new_shell(
    empty_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    """A command line without a database."""
    return Shell(empty_url, monkeypatch, capsys)


@pytest.fixture
def shell(url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """A command line with a database."""
    return Shell(url, monkeypatch, capsys)


@pytest.fixture
def made(new_shell: Shell) -> Iterator[Database]:
    """The database that a call has created."""
    db = open_database(new_shell.url, Role.OWNER)
    with connection(db):
        pass
    yield db
    db.close()
    close_all(db)


@pytest.fixture
def old_history(db: Database, cast: Cast, clock: StillClock, tmp_path: Path) -> OldHistory:
    """Ann and Ben have read more than a year ago."""
    return make_old_history(db, cast, clock, tmp_path / "archive")
