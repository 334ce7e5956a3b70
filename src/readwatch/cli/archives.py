"""Where the files of archived activities are, for the commands that read or change them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from readwatch.domain.archive_files import Archive
from readwatch.domain.errors import invalid
from readwatch.store.engine.connections import Database
from readwatch.store.lifecycle import archives

F = TypeVar("F", bound=Callable[..., Any])


def archives_options(command: F) -> F:
    """Add the options that say where archives are: `archive_folders` and `archives_gone`."""
    command = click.option(
        "--archives-gone",
        is_flag=True,
        help="Go on without archives that are not there: they exist no more.",
    )(command)
    return click.option(
        "--archives",
        "archive_folders",
        type=click.Path(file_okay=False, path_type=Path),
        metavar="FOLDER",
        multiple=True,
        help="Where archives are now, if they were moved; can be repeated.",
    )(command)


def available_archives(
    db: Database, folders: Sequence[Path], *, without_missing: bool
) -> tuple[Archive, ...]:
    """Return the archives of a database, each where it is now; refuse if a file is not there.

    With `without_missing`, leave out those that are not there.
    """
    listed = archives.moved_to(archives.archives(db), own_folders(db, folders))
    if not without_missing:
        archives.refuse_missing(listed)
    gone = archives.missing(listed)
    return tuple(archive for archive in listed if archive not in gone)


def own_folders(db: Database, folders: Sequence[Path]) -> list[Path]:
    """Return folders as the database lists them; refuse one with the archives of another."""
    resolved = [folder.expanduser().resolve() for folder in folders]
    for folder in resolved:
        _refuse_undecodable(folder)
        archives.refuse_folder_of_another(db, folder)
    return resolved


def _refuse_undecodable(folder: Path) -> None:
    """Refuse a name that the database cannot store."""
    try:
        str(folder).encode()
    except UnicodeEncodeError:
        raise invalid(f"the name {folder} is not UTF-8; use a folder with another name") from None
