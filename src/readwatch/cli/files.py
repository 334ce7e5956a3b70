"""New files of a command, which are complete or absent."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import IO, TextIO

import click

from readwatch.domain.errors import ReadwatchError, conflict, invalid
from readwatch.domain.files import (
    atomic_file,
    atomic_text_file,
    make_private_folders,
    named_draft,
)

FILE = click.Path(dir_okay=False, path_type=Path)


@contextmanager
def new_file(file: Path) -> Iterator[IO[bytes]]:
    """Create a file that only its owner can read; a failure leaves no file."""
    with _file_errors(file), atomic_file(file, replace=False) as binary:
        yield binary


@contextmanager
def new_text_file(file: Path) -> Iterator[TextIO]:
    """Create a file for text in UTF-8, as `new_file` does."""
    with _file_errors(file), atomic_text_file(file, replace=False) as text:
        yield text


@contextmanager
def draft_of_copy(file: Path) -> Iterator[Path]:
    """Yield the path of an empty draft beside `file`, for a copy of a database."""
    with _file_errors(file):
        try:
            with named_draft(file) as draft:
                yield draft
        except BlockingIOError:
            raise conflict(
                f"another copy is being written to {file.parent}; wait until it is complete"
            ) from None


def private_folder(folder: Path) -> None:
    """Create a folder that only its owner can open, with its missing parents; keep an existing
    one."""
    try:
        make_private_folders(folder)
    except OSError as error:
        raise unwritable(folder, error) from None


@contextmanager
def text_output(file: Path | None) -> Iterator[TextIO]:
    """Write text in UTF-8 to a new file as `new_text_file` does or, without one, to stdout."""
    with _standard_output() if file is None else new_text_file(file) as text:
        yield text


@contextmanager
def _standard_output() -> Iterator[TextIO]:
    sys.stdout.flush()
    binary = sys.stdout.buffer
    text = TextIOWrapper(binary, "utf-8", newline="")
    try:
        yield text
        text.flush()
    except BrokenPipeError:
        # The program behind the pipe has ended: discard what is buffered, without a message. Click
        # ends the process.
        os.dup2(os.open(os.devnull, os.O_WRONLY), binary.fileno())
        raise
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), binary.fileno())
        raise invalid(f"the output cannot be written: {error.strerror}") from None
    finally:
        text.detach()


@contextmanager
def _file_errors(file: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError:
        raise conflict(f"{file} already exists; name a new file") from None
    except OSError as error:
        raise unwritable(file, error) from None


def unwritable(file: Path, error: OSError) -> ReadwatchError:
    """Return the error for a file that cannot be written."""
    return invalid(f"{file} cannot be written: {error.strerror}")
