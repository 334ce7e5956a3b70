"""Exports of a table to a CSV or JSON file that only its owner can read."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from readwatch.domain.errors import ReadwatchError, conflict, invalid
from readwatch.domain.files import whole_text_file
from readwatch.domain.table_files import WRITERS
from readwatch.monitor.build import chunks
from readwatch.monitor.snapshots import View
from readwatch.tui.format.cells import Row, cell_text
from readwatch.tui.format.columns import Column


@dataclass(frozen=True, slots=True)
class Sheet:
    """The visible columns of all rows of a table, as plain text."""

    titles: tuple[str, ...]
    rows: Iterable[tuple[str, ...]]


ReadRows = Callable[[Sequence[int]], Iterable[Row]]
"""Reads rows by their keys, in any order."""


def row_count_text(rows: int) -> str:
    """Return the number of rows in words."""
    return "1 row" if rows == 1 else f"{rows} rows"


@dataclass(frozen=True, slots=True)
class TableExport:
    """What a table shows: visible columns with the index of their cells, the keys of all rows, and
    the rows that are loaded.
    """

    columns: Sequence[tuple[int, Column]]
    keys: Sequence[int]
    rows: Mapping[int, Row]

    def sheet(self, read: ReadRows | None = None) -> Sheet:
        """Return the sheet; rows that are not loaded are read in chunks while it is iterated, and
        those that no longer exist are omitted.
        """
        return Sheet(tuple(column.title for _, column in self.columns), self._texts(read))

    def _texts(self, read: ReadRows | None) -> Iterator[tuple[str, ...]]:
        for keys in chunks(self.keys):
            by_key = {key: self.rows[key] for key in keys if key in self.rows}
            if read:
                missing = [key for key in keys if key not in by_key]
                by_key |= {row.key: row for row in read(missing)}
            yield from (self._words(by_key[key]) for key in keys if key in by_key)

    def in_words(self, row: Row) -> str:
        """Return the visible cells of a row as one line."""
        return "  ".join(filter(None, self._words(row)))

    def _words(self, row: Row) -> tuple[str, ...]:
        return tuple(cell_text(row.cells[at]) for at, _ in self.columns)


@dataclass(frozen=True, slots=True)
class Source:
    """The table to export or copy from, with what the access log says about it.

    The rows of a list are read anew from its `view`; of a frozen list (`is_held`) only those that
    are not loaded. A reader's page has no `view`; all its rows are loaded, and are of `reader_id`.
    """

    table: TableExport
    details: str
    view: View | None = None
    reader_id: int | None = None
    is_held: bool = False

    @property
    def exported(self) -> TableExport:
        """The table with the rows that an export need not read."""
        is_loaded = self.is_held or self.view is None
        return self.table if is_loaded else replace(self.table, rows={})


def checked_file(name: str, *, replace: bool) -> Path:
    """Return the file of a typed name; refuse other formats, and existing files."""
    try:
        file = Path(name.strip()).expanduser()
        exists = file.exists()
    except (OSError, RuntimeError):
        raise invalid("this is not a valid file name") from None
    if format_of(file) not in WRITERS:
        raise invalid("the name must end in .csv or .json")
    if exists and not replace:
        raise _exists()
    return file


def format_of(file: Path) -> str:
    """Return the suffix of a file name, in lower case and without the dot."""
    return file.suffix.lower().lstrip(".")


def write(sheet: Sheet, file: Path, *, replace: bool) -> int:
    """Write a file that only its owner can read, whole or not at all; return the number of rows."""
    try:
        with whole_text_file(file, replace=replace) as text:
            return WRITERS[format_of(file)](text, sheet.titles, sheet.rows)
    except FileExistsError:
        raise _exists() from None
    except OSError as error:
        raise invalid(f"the file cannot be written: {error.strerror}") from None


def _exists() -> ReadwatchError:
    return conflict("this file exists; press enter again to replace it")
