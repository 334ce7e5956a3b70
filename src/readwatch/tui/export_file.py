"""Exports: what a table shows, as a CSV or JSON file that only its owner can read."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

from readwatch.domain.errors import ReadwatchError, conflict, invalid
from readwatch.domain.files import whole_text_file
from readwatch.domain.text import spreadsheet_cell
from readwatch.monitor.build import chunks
from readwatch.monitor.snapshots import View
from readwatch.tui.format.cells import Row, cell_text
from readwatch.tui.format.columns import Column


@dataclass(frozen=True, slots=True)
class Sheet:
    """The columns that a table shows, in words, of all its rows, also of those out of sight."""

    titles: tuple[str, ...]
    rows: Iterable[tuple[str, ...]]


ReadRows = Callable[[Sequence[int]], Iterable[Row]]
"""Reads rows by their keys, in any order."""


def counted(rows: int) -> str:
    """Say how many rows there are."""
    return "1 row" if rows == 1 else f"{rows} rows"


@dataclass(frozen=True, slots=True)
class TableExport:
    """What a table shows at a moment: columns with their places in a row's cells, the keys of all
    rows, and the rows that are known.
    """

    columns: Sequence[tuple[int, Column]]
    keys: Sequence[int]
    rows: Mapping[int, Row]

    def sheet(self, read: ReadRows | None = None) -> Sheet:
        """Return the sheet of the rows that are known and of the others as they are read, a portion
        at a time as they are taken; what is gone is left out.
        """
        return Sheet(tuple(column.title for _, column in self.columns), self._texts(read))

    def _texts(self, read: ReadRows | None) -> Iterator[tuple[str, ...]]:
        for keys in chunks(self.keys):
            by_key = {key: self.rows[key] for key in keys if key in self.rows}
            if read:
                lacking = [key for key in keys if key not in by_key]
                by_key |= {row.key: row for row in read(lacking)}
            yield from (self._words(by_key[key]) for key in keys if key in by_key)

    def in_words(self, row: Row) -> str:
        """Return what is shown of a row."""
        return "  ".join(filter(None, self._words(row)))

    def _words(self, row: Row) -> tuple[str, ...]:
        return tuple(cell_text(row.cells[at]) for at, _ in self.columns)


@dataclass(frozen=True, slots=True)
class Source:
    """What is in front, and as what the access log knows it.

    The rows of a list are read from its `view`, if it `is_held` only those that are not known; a
    reader's page has none, knows all its rows, and each of them is about `reader_id`.
    """

    draft: TableExport
    seen_in: str
    view: View | None = None
    reader_id: int | None = None
    is_held: bool = False

    @property
    def exported(self) -> TableExport:
        """What an export takes for known already."""
        is_known = self.is_held or self.view is None
        return self.draft if is_known else replace(self.draft, rows={})


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


def write(sheet: Sheet, file: Path, *, replace: bool) -> int:
    """Write a file that only its owner can read, as a whole or not at all; return how many rows."""
    try:
        with whole_text_file(file, replace=replace) as opened:
            return _WRITE[format_of(file)](opened, sheet)
    except FileExistsError:
        raise _is_there() from None
    except OSError as error:
        raise invalid(f"the file cannot be written: {error.strerror}") from None


def _write_csv(opened: TextIO, sheet: Sheet) -> int:
    written, rows = 0, csv.writer(opened)
    rows.writerow(sheet.titles)
    for row in sheet.rows:
        rows.writerow(spreadsheet_cell(text) for text in row)
        written += 1
    return written


def _write_json(opened: TextIO, sheet: Sheet) -> int:
    written = 0
    for row in sheet.rows:
        told = json.dumps(dict(zip(sheet.titles, row, strict=True)), ensure_ascii=False)
        opened.write(f"{',' if written else '['}\n{told}")
        written += 1
    opened.write("\n]\n" if written else "[]\n")
    return written


_WRITE = {"csv": _write_csv, "json": _write_json}


def _is_there() -> ReadwatchError:
    return conflict("this file is there already: enter once more replaces it")
