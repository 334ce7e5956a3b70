"""Files that a command leaves behind: new ones, whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, TextIO

import click

from readwatch.domain.errors import ReadwatchError, conflict, invalid
from readwatch.domain.files import whole_file, whole_text_file
from readwatch.domain.text import spreadsheet_cell

FILE = click.Path(dir_okay=False, path_type=Path)


@contextmanager
def new_file(file: Path) -> Iterator[IO[bytes]]:
    """Make a file that only its owner can read, whole or not at all."""
    with _file_errors(file), whole_file(file, replace=False) as opened:
        yield opened


@contextmanager
def new_text_file(file: Path) -> Iterator[TextIO]:
    """Do the same for text in UTF-8."""
    with _file_errors(file), whole_text_file(file, replace=False) as text:
        yield text


@contextmanager
def _file_errors(file: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError:
        raise conflict(f"{file} is there already; name a new file") from None
    except OSError as error:
        raise unwritable(file, error) from None


def unwritable(file: Path, error: OSError) -> ReadwatchError:
    """Return what is said of a file that cannot be written."""
    return invalid(f"{file} cannot be written: {error.strerror}")


def cell(value: object) -> object:
    """Return a value for a CSV file, so that no spreadsheet takes it for a formula."""
    if isinstance(value, datetime):
        return value.isoformat()
    return spreadsheet_cell(value) if isinstance(value, str) else value
