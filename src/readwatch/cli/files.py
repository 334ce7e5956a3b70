"""Files that a command leaves behind: new ones, for their owner alone, whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any, TextIO

import click

from readwatch.domain.errors import ReadwatchError, conflict, invalid
from readwatch.domain.text import spreadsheet_cell

FILE = click.Path(dir_okay=False, path_type=Path)


@contextmanager
def new_file(file: Path) -> Iterator[IO[bytes]]:
    """Make a file that only its owner can read, whole or not at all."""
    try:
        with open(file, "xb", opener=for_the_owner) as opened:
            try:
                yield opened
                put_on_disk(opened)
            except BaseException:
                file.unlink()
                raise
    except FileExistsError:
        raise conflict(f"{file} is there already; name a new file") from None
    except OSError as error:
        raise unwritable(file, error) from None


@contextmanager
def new_text_file(file: Path) -> Iterator[TextIO]:
    """Do the same for text in UTF-8."""
    with new_file(file) as opened:
        text = TextIOWrapper(opened, "utf-8", newline="")
        try:
            yield text
        finally:
            text.detach()


def for_the_owner(path: str, flags: int) -> int:
    """Open a file for `open`; a new one can be read by its owner alone."""
    return os.open(path, flags, 0o600)


def put_on_disk(opened: IO[Any]) -> None:
    """Wait until what was written is on disk."""
    opened.flush()
    os.fsync(opened.fileno())


def unwritable(file: Path, error: OSError) -> ReadwatchError:
    """Return what is said of a file that cannot be written."""
    return invalid(f"{file} cannot be written: {error.strerror}")


def cell(value: object) -> object:
    """Return a value for a CSV file, so that no spreadsheet takes it for a formula."""
    if isinstance(value, datetime):
        return value.isoformat()
    return spreadsheet_cell(value) if isinstance(value, str) else value
