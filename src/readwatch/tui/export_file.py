"""Export files: the rows of a table, as a CSV or JSON file that only its owner can read."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from readwatch.domain.errors import ReadwatchError, conflict, invalid
from readwatch.domain.files import atomic_text_file
from readwatch.domain.table_files import WRITERS
from readwatch.monitor.build import id_chunks
from readwatch.monitor.snapshots import View
from readwatch.tui.format.cells import Row, cell_text
from readwatch.tui.format.columns import Column


@dataclass(frozen=True, slots=True)
class Sheet:
    """The texts of a table: the visible columns of all rows."""

    titles: tuple[str, ...]
    rows: Iterable[tuple[str, ...]]


ReadRows = Callable[[Sequence[int]], Iterable[Row]]
"""Reads rows by their keys, in any order."""


@dataclass(frozen=True, slots=True)
class TableExport:
    """A table at one time: the columns with the indexes of their cells, the keys of all rows, and
    the loaded rows.
    """

    columns: Sequence[tuple[int, Column]]
    keys: Sequence[int]
    rows: Mapping[int, Row]

    def sheet(self, read: ReadRows | None = None) -> Sheet:
        """Return the texts of all rows; rows that are not loaded are read in chunks, and a row
        that no longer exists is left out.
        """
        return Sheet(tuple(column.title for _, column in self.columns), self._texts(read))

    def _texts(self, read: ReadRows | None) -> Iterator[tuple[str, ...]]:
        for keys in id_chunks(self.keys):
            by_key = {key: self.rows[key] for key in keys if key in self.rows}
            if read:
                missing = [key for key in keys if key not in by_key]
                by_key |= {row.key: row for row in read(missing)}
            yield from (self._cells(by_key[key]) for key in keys if key in by_key)

    def as_text(self, row: Row) -> str:
        """Return a row as one line of text."""
        return "  ".join(filter(None, self._cells(row)))

    def _cells(self, row: Row) -> tuple[str, ...]:
        return tuple(cell_text(row.cells[index]) for index, _ in self.columns)


@dataclass(frozen=True, slots=True)
class Source:
    """A table that can be exported, and its name in the access log.

    The rows of a view are read again; in a frozen view only rows that are not loaded are read. A
    reader's page has no `view`: all its rows are loaded. `readers` are the readers of all rows, if
    they are few. `at` is the time of the past that the rows show.
    """

    table: TableExport
    origin: str
    view: View | None = None
    at: datetime | None = None
    readers: frozenset[int] = frozenset()
    is_frozen: bool = False

    def readers_of(self, row: Row) -> Iterable[int | None]:
        """Return the reader whose data a row is."""
        return self.readers if self.view is None else (row.reader_id,)

    @property
    def exported(self) -> TableExport:
        """The table with the rows that are not read again."""
        is_loaded = self.is_frozen or self.view is None
        return self.table if is_loaded else replace(self.table, rows={})


def checked_file(name: str, *, replace: bool) -> Path:
    """Return the path of a name; refuse other formats and, unless `replace`, existing files."""
    try:
        file = Path(name.strip()).expanduser()
        exists = file.exists()
    except (OSError, RuntimeError):
        raise invalid("this is not a valid file name") from None
    if format_of(file) not in WRITERS:
        raise invalid("the name must end in .csv or .json")
    if exists and not replace:
        raise _file_exists()
    return file


def format_of(file: Path) -> str:
    """Return the format of a file by the suffix of its name."""
    return file.suffix.lower().lstrip(".")


def write(sheet: Sheet, file: Path, *, replace: bool) -> int:
    """Write a file that only its owner can read; return the number of rows. An error leaves no
    file."""
    try:
        with atomic_text_file(file, replace=replace) as text:
            return WRITERS[format_of(file)](text, sheet.titles, sheet.rows)
    except FileExistsError:
        raise _file_exists() from None
    except OSError as error:
        raise invalid(f"the file cannot be written: {error.strerror}") from None


def _file_exists() -> ReadwatchError:
    return conflict("this file exists; press enter again to replace it")
