"""Databases for measurements; they are deleted at the end, unless a URL is given."""

import argparse
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

TESTS = Path(__file__).parents[2] / "tests"


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Yield a folder in /tmp; at the end, even after ctrl+c, delete it and stop servers."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit("stopped"))
    with tempfile.TemporaryDirectory(prefix="readwatch-benchmark-") as folder:
        yield Path(folder)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for the database engine."""
    engine = parser.add_mutually_exclusive_group()
    engine.add_argument(
        "--database", metavar="URL", help="an empty database; it is not deleted afterwards"
    )
    engine.add_argument("--postgresql", action="store_true", help="use a PostgreSQL of its own")


@contextmanager
def chosen(settings: argparse.Namespace, folder: Path) -> Iterator[str]:
    """Yield the URL of an empty database."""
    if settings.postgresql:
        with postgresql() as url:
            yield url
    else:
        yield settings.database or sqlite_in(folder)


def process_of(url: str) -> int | None:
    """Return the main process of a PostgreSQL on this machine; None for any other database."""
    if not url.startswith("postgresql:"):
        return None
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT current_setting('data_directory')").fetchone()
    try:
        return int((Path(row[0]) / "postmaster.pid").read_text().split()[0]) if row else None
    except OSError:
        return None


def sqlite_in(folder: Path, name: str = "benchmark") -> str:
    """Return the URL of a SQLite file in a folder."""
    return f"sqlite:///{folder}/{name}.db"


@contextmanager
def postgresql() -> Iterator[str]:
    """Yield the URL of an empty database of a PostgreSQL that runs until the end."""
    sys.path.append(str(TESTS))
    from postgres import drop_database, new_database, server

    with server(durable=True) as running:
        name = new_database(running)
        yield running.url(name)
        drop_database(running, name)
