"""Exports: what a table shows, as a CSV or JSON file that only its owner can read."""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from readwatch.domain.errors import ReadwatchError, conflict, invalid
from readwatch.domain.files import whole_text_file
from readwatch.domain.text import spreadsheet_cell
from readwatch.tui.columns import Column
from readwatch.tui.rows import Row, said


@dataclass(frozen=True, slots=True)
class Sheet:
    """The columns that a table shows, in words, of all its rows, also of those out of sight."""

    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def counted(rows: int) -> str:
    """Say how many rows there are."""
    return "1 row" if rows == 1 else f"{rows} rows"


@dataclass(frozen=True, slots=True)
class Draft:
    """What a sheet is made of: columns with their places in a row's cells, the keys of all rows,
    and the rows that are known.
    """

    columns: Sequence[tuple[int, Column]]
    keys: Sequence[int]
    rows: Mapping[int, Row]

    @property
    def lacking(self) -> tuple[int, ...]:
        """The keys of the rows that are not known yet."""
        return tuple(key for key in self.keys if key not in self.rows)

    def sheet(self, more: Iterable[Row] = ()) -> Sheet:
        """Return the sheet, with the rows that were lacking; one that is gone is left out."""
        rows = {**self.rows, **{row.key: row for row in more}}
        return Sheet(
            tuple(column.title for _, column in self.columns),
            tuple(
                tuple(said(rows[key].cells[at]) for at, _ in self.columns)
                for key in self.keys
                if key in rows
            ),
        )


def checked_file(name: str, *, replace: bool) -> Path:
    """Return the file that somebody named; refuse other formats, and one that is there already."""
    try:
        file = Path(name.strip()).expanduser()
        is_there = file.exists()
    except (OSError, RuntimeError):
        raise invalid("a file cannot have this name") from None
    if format_of(file) not in _WRITE:
        raise invalid("an export is a .csv or a .json file")
    if is_there and not replace:
        raise _is_there()
    return file


def format_of(file: Path) -> str:
    """Return the format that the name of a file says."""
    return file.suffix.lower().lstrip(".")


def write(sheet: Sheet, file: Path, *, replace: bool) -> None:
    """Write a file that only its owner can read, as a whole or not at all."""
    try:
        with whole_text_file(file, replace=replace) as opened:
            _WRITE[format_of(file)](opened, sheet)
    except FileExistsError:
        raise _is_there() from None
    except OSError as error:
        raise invalid(f"the file cannot be written: {error.strerror}") from None


def _write_csv(opened: TextIO, sheet: Sheet) -> None:
    rows = csv.writer(opened)
    rows.writerow(sheet.titles)
    rows.writerows([spreadsheet_cell(text) for text in row] for row in sheet.rows)


def _write_json(opened: TextIO, sheet: Sheet) -> None:
    rows = [dict(zip(sheet.titles, row, strict=True)) for row in sheet.rows]
    json.dump(rows, opened, ensure_ascii=False, indent=1)
    opened.write("\n")


_WRITE = {"csv": _write_csv, "json": _write_json}


def _is_there() -> ReadwatchError:
    return conflict("this file is there already: enter once more replaces it")
