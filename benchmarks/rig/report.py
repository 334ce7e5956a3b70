"""Figures as a table for people, as Markdown and as JSON."""

import argparse
import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import apsw

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """A figure of each row: its key, its heading and its format."""

    key: str
    title: str
    form: str = ""

    def cell(self, row: Row) -> str:
        """Return the text of this column in a row."""
        value = row.get(self.key)
        return "" if value is None else format(value, self.form)


def parser(description: str) -> argparse.ArgumentParser:
    """Return a parser with the options of all benchmarks."""
    options = argparse.ArgumentParser(
        description=description.split("\n", 1)[0],
        epilog=dedent(description.split("\n", 1)[1]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    options.add_argument(
        "--json", metavar="FILE", type=Path, help="also write the figures to this file"
    )
    options.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    return options


def publish(
    settings: argparse.Namespace, columns: Sequence[Column], rows: Sequence[Row], *notes: str
) -> None:
    """Print the table with its notes; with --json, also write all figures to a file."""
    show(settings, columns, rows, *notes)
    keep(settings, rows, *notes)


def show(
    settings: argparse.Namespace, columns: Sequence[Column], rows: Sequence[Row], *notes: str
) -> None:
    """Print a table with its notes."""
    print((_as_markdown if settings.markdown else _as_text)(columns, rows))
    for note in notes:
        print(f"\n{note}")


def keep(settings: argparse.Namespace, rows: Sequence[Row], *notes: str) -> None:
    """With --json, write the figures to a file."""
    if settings.json:
        options = {name: value for name, value in vars(settings).items() if name != "json"}
        document = {
            "benchmark": Path(sys.argv[0]).stem,
            "machine": _machine(),
            "options": options,
            "notes": notes,
            "rows": rows,
        }
        settings.json.write_text(json.dumps(document, indent=2, default=str) + "\n")


def progress(text: str) -> None:
    """Print progress on stderr."""
    print(text, file=sys.stderr, flush=True)


def _machine() -> dict[str, object]:
    return {
        "cores": os.cpu_count(),
        "architecture": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "sqlite": apsw.sqlite_lib_version(),
    }


def _cells(columns: Sequence[Column], rows: Sequence[Row]) -> list[list[str]]:
    return [[column.title for column in columns]] + [
        [column.cell(row) for column in columns] for row in rows
    ]


def _as_text(columns: Sequence[Column], rows: Sequence[Row]) -> str:
    lines = _cells(columns, rows)
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _as_markdown(columns: Sequence[Column], rows: Sequence[Row]) -> str:
    heading, *lines = [f"| {' | '.join(line)} |" for line in _cells(columns, rows)]
    rule = f"|---|{'---:|' * (len(columns) - 1)}"
    return "\n".join([heading, rule, *lines])
