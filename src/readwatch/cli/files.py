"""Files that a command leaves behind: new ones, whole or not at all, with rows as CSV or JSON."""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import IO, TextIO

import click

from readwatch.domain.errors import ReadwatchError, conflict, invalid
from readwatch.domain.files import atomic_file, atomic_text_file
from readwatch.domain.text import spreadsheet_cell

FILE = click.Path(dir_okay=False, path_type=Path)


@contextmanager
def new_file(file: Path) -> Iterator[IO[bytes]]:
    """Make a file that only its owner can read, whole or not at all."""
    with _file_errors(file), atomic_file(file, replace=False) as opened:
        yield opened


@contextmanager
def new_text_file(file: Path) -> Iterator[TextIO]:
    """Do the same for text in UTF-8."""
    with _file_errors(file), atomic_text_file(file, replace=False) as text:
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


Row = Sequence[int | float | str | datetime | None]


def write_csv(
    text: TextIO, columns: Sequence[str], portions: Iterable[Iterable[Row]]
) -> Iterator[None]:
    """Write rows below the names of their columns, and yield after each portion."""
    rows, known = csv.writer(text), lru_cache(1000, typed=True)(_cell)  # names come again and again
    rows.writerow(columns)
    for portion in portions:
        rows.writerows(map(known, row) for row in portion)
        yield


def write_json(
    text: TextIO, columns: Sequence[str], portions: Iterable[Iterable[Row]]
) -> Iterator[None]:
    """Write one array with a row in each line, and yield after each portion."""
    separator = "[\n"
    for portion in portions:
        for row in portion:
            text.write(separator + _encode(dict(zip(columns, row, strict=True))))
            separator = ",\n"
        yield
    text.write("[]\n" if separator == "[\n" else "\n]\n")


_encode = json.JSONEncoder(ensure_ascii=False, default=datetime.isoformat).encode


def _cell(value: object) -> object:
    """Return a value for a CSV file, so that no spreadsheet takes it for a formula."""
    if isinstance(value, datetime):
        return value.isoformat()
    return spreadsheet_cell(value) if isinstance(value, str) else value
