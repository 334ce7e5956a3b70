"""Tables as CSV and JSON text, written row by row."""

import csv
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache, partial
from typing import Final, TextIO

from readwatch.domain.clock import rfc3339
from readwatch.domain.text import spreadsheet_cell

TableRow = Sequence[int | float | str | datetime | None]

WriteTable = Callable[[TextIO, Sequence[str], Iterable[TableRow]], int]
"""Writes rows with the names of their columns, and returns the number of rows."""


def write_csv(
    text: TextIO, columns: Sequence[str], rows: Iterable[TableRow], *, line_end: str = "\r\n"
) -> int:
    """Write a header and one line for each row; return the number of rows."""
    writer = csv.writer(text, lineterminator=line_end)
    cell = lru_cache(1000, typed=True)(_csv_cell)  # values repeat
    writer.writerow(columns)
    count = 0
    for row in rows:
        writer.writerow([value if _is_plain(value) else cell(value) for value in row])
        count += 1
    return count


def write_json(text: TextIO, columns: Sequence[str], rows: Iterable[TableRow]) -> int:
    """Write an array with one object per row, each on its own line; return the number of rows."""
    count = 0
    for row in rows:
        text.write(f"{',' if count else '['}\n{_encode(dict(zip(columns, row, strict=True)))}")
        count += 1
    text.write("\n]\n" if count else "[]\n")
    return count


def write_json_lines(text: TextIO, columns: Sequence[str], rows: Iterable[TableRow]) -> int:
    """Write one object per row, each on its own line; return the number of rows."""
    count = 0
    for row in rows:
        text.write(f"{_encode(dict(zip(columns, row, strict=True)))}\n")
        count += 1
    return count


WRITERS: Final[Mapping[str, WriteTable]] = {"csv": write_csv, "json": write_json}
"""The writer of each format, by the suffix of the file."""

STREAM_WRITERS: Final[Mapping[str, WriteTable]] = {
    "csv": partial(write_csv, line_end="\n"),
    "jsonl": write_json_lines,
}
"""The writers for pipes, by format: other programs read each line by itself."""

_encode = json.JSONEncoder(ensure_ascii=False, default=rfc3339).encode


def _is_plain(value: object) -> bool:
    """Tell whether a value is written to a CSV file as it is: most are."""
    return type(value) is int or (type(value) is str and value[:1].isalnum())


def _csv_cell(value: object) -> object:
    """Return a value for a CSV file that no spreadsheet evaluates as a formula."""
    if isinstance(value, datetime):
        return rfc3339(value)
    return spreadsheet_cell(value) if isinstance(value, str) else value
