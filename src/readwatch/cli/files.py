"""New files, complete or not at all, with rows as CSV or JSON."""

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
from readwatch.domain.files import whole_file, whole_text_file
from readwatch.domain.text import spreadsheet_cell

FILE = click.Path(dir_okay=False, path_type=Path)


@contextmanager
def new_file(file: Path) -> Iterator[IO[bytes]]:
    """Create a file that only its owner can read; a failure leaves no file."""
    with _file_errors(file), whole_file(file, replace=False) as opened:
        yield opened


@contextmanager
def new_text_file(file: Path) -> Iterator[TextIO]:
    """Create such a file for text in UTF-8."""
    with _file_errors(file), whole_text_file(file, replace=False) as text:
        yield text


@contextmanager
def _file_errors(file: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError:
        raise conflict(f"{file} already exists; name a new file") from None
    except OSError as error:
        raise unwritable(file, error) from None


def unwritable(file: Path, error: OSError) -> ReadwatchError:
    """Return the error for a file that cannot be written."""
    return invalid(f"{file} cannot be written: {error.strerror}")


Row = Sequence[int | float | str | datetime | None]


def write_csv(
    text: TextIO, columns: Sequence[str], chunks: Iterable[Iterable[Row]]
) -> Iterator[None]:
    """Write the names of the columns and the rows, and yield after each chunk."""
    writer, cell = csv.writer(text), lru_cache(1000, typed=True)(_cell)  # names are repeated
    writer.writerow(columns)
    for chunk in chunks:
        writer.writerows(map(cell, row) for row in chunk)
        yield


def write_json(
    text: TextIO, columns: Sequence[str], chunks: Iterable[Iterable[Row]]
) -> Iterator[None]:
    """Write one array with a row on each line, and yield after each chunk."""
    separator = "[\n"
    for chunk in chunks:
        for row in chunk:
            text.write(separator + _encode(dict(zip(columns, row, strict=True))))
            separator = ",\n"
        yield
    text.write("[]\n" if separator == "[\n" else "\n]\n")


_encode = json.JSONEncoder(ensure_ascii=False, default=datetime.isoformat).encode


def _cell(value: object) -> object:
    """Return a value for a CSV file that no spreadsheet runs as a formula."""
    if isinstance(value, datetime):
        return value.isoformat()
    return spreadsheet_cell(value) if isinstance(value, str) else value
