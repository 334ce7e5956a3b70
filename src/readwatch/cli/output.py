"""What commands print: tables for people, JSON for scripts."""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

import click

T = TypeVar("T")

_NO_TERMINAL_WIDTH = 10_000


def print_json(value: Any) -> None:
    """Print a value as JSON; moments as RFC 3339."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=datetime.isoformat))


def local(moment: datetime | None) -> str:
    """Return a moment as people read it, in their own time zone; nothing for none."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M}" if moment else ""


def with_progress(work: Iterable[T], doing: str, total: int | None = None) -> Iterable[T]:
    """Return the pieces of some work; a terminal shows on stderr how far it is.

    `total` is how many pieces there are, where the work does not know.
    """
    from rich.console import Console
    from rich.progress import track

    return track(
        work,
        doing,
        total=total,
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )


def print_table(titles: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under titles; when the output is no terminal, one plain line each, never cut."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    on_terminal = sys.stdout.isatty()
    table = Table(box=SIMPLE_HEAD if on_terminal else None, pad_edge=False)
    for title in titles:
        table.add_column(title, overflow="fold", no_wrap=not on_terminal)
    for row in rows:
        table.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    Console(width=None if on_terminal else _NO_TERMINAL_WIDTH).print(table)
