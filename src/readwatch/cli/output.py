"""The output of commands: tables for people, JSON for scripts."""

import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

import click

from readwatch.domain.clock import rfc3339
from readwatch.domain.text import clean

T = TypeVar("T")

_NO_TERMINAL_WIDTH = 10_000
_MAX_LENGTH = 10_000

_TERMINAL_CONTROLS = re.compile(
    "[\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]"
)
"""Characters that JSON leaves as they are, and that control a terminal or its text direction."""


def print_line(text: str, *, err: bool = False) -> None:
    """Print one line, without characters that control a terminal: a name of a file or an argument
    can contain some."""
    click.echo(clean(text, limit=_MAX_LENGTH), err=err)


def print_json(value: Any) -> None:
    """Print a value as JSON; times in RFC 3339 with milliseconds."""
    text = json.dumps(value, indent=2, ensure_ascii=False, default=rfc3339)
    click.echo(_TERMINAL_CONTROLS.sub(lambda control: f"\\u{ord(control[0]):04x}", text))


def local_time(time: datetime | None) -> str:
    """Return a time in the time zone of this machine, to the minute; an empty text for None."""
    return f"{time.astimezone():%Y-%m-%d %H:%M}" if time else ""


def with_progress(steps: Iterable[T], description: str, total: int | None = None) -> Iterable[T]:
    """Return the steps of some work, with a progress bar if stderr is a terminal.

    `total` is the number of steps if `steps` has no length.
    """
    if not sys.stderr.isatty():
        return steps
    from rich.console import Console
    from rich.progress import track

    return track(steps, description, total=total, console=Console(stderr=True), transient=True)


@contextmanager
def busy(description: str) -> Iterator[None]:
    """Show that work without steps goes on, if stderr is a terminal; print nothing meanwhile."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(f"{description} ..."):
        yield


def print_table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under headings; without a terminal, print each row as one complete line."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    on_terminal = sys.stdout.isatty()
    table = Table(box=SIMPLE_HEAD if on_terminal else None, pad_edge=False)
    for heading in headings:
        table.add_column(Text(clean(heading)), overflow="fold", no_wrap=not on_terminal)
    for row in rows:
        table.add_row(*(Text(clean(cell, limit=_MAX_LENGTH)) for cell in row))
    Console(width=None if on_terminal else _NO_TERMINAL_WIDTH).print(table)
