"""Files that people leave behind: for their owner alone, whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EEXIST
from io import TextIOWrapper
from pathlib import Path
from secrets import token_hex
from typing import IO, Any, TextIO


@contextmanager
def atomic_file(file: Path, *, replace: bool) -> Iterator[IO[bytes]]:
    """Lend a file that is in its place, for its owner alone, once all of it is on disk.

    Unless it may `replace` one, FileExistsError where its name is taken, or was in the meantime.
    """
    if not replace:
        _require_free(file)
    draft = file.with_name(f".{token_hex(8)}.draft")
    try:
        with open(draft, "xb", opener=owner_only_opener) as draft_file:
            yield draft_file
            sync(draft_file)
        if replace:
            draft.replace(file)
        else:
            _take_name(draft, file)
    finally:
        draft.unlink(missing_ok=True)
    _sync_folder(file.parent)


@contextmanager
def atomic_text_file(file: Path, *, replace: bool) -> Iterator[TextIO]:
    """Do the same for text in UTF-8."""
    with atomic_file(file, replace=replace) as binary_file:
        text = TextIOWrapper(binary_file, "utf-8", newline="")
        try:
            yield text
        finally:
            text.detach()


def owner_only_opener(path: str, flags: int) -> int:
    """Open a file for `open`; a new one can be read by its owner alone."""
    return os.open(path, flags, 0o600)


def sync(file: IO[Any]) -> None:
    """Wait until what was written is on disk."""
    file.flush()
    os.fsync(file.fileno())


def _require_free(file: Path) -> None:
    try:
        file.lstat()
    except FileNotFoundError:
        return
    raise FileExistsError(EEXIST, os.strerror(EEXIST), str(file))


def _take_name(draft: Path, file: Path) -> None:
    """Give a draft a name that nobody has, which renaming it would not see to."""
    try:
        file.hardlink_to(draft)
    except FileExistsError:
        raise
    except OSError:  # some file systems have no such links
        open(file, "xb", opener=owner_only_opener).close()
        try:
            draft.replace(file)
        except OSError:
            file.unlink()
            raise


def _sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on disk, where the system lets one."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
