"""Files for users: readable by their owner alone, and complete or absent."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EEXIST
from io import TextIOWrapper
from pathlib import Path
from secrets import token_hex
from typing import IO, Any, TextIO

_DRAFT = ".readwatch-copy-"


@contextmanager
def atomic_file(file: Path, *, replace: bool) -> Iterator[IO[bytes]]:
    """Open a file for writing; it gets its name when all of it is on disk.

    Without `replace`, an existing file raises FileExistsError, even one that was created while
    this file was written.
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
    """Open a text file in UTF-8 as `atomic_file` does."""
    with atomic_file(file, replace=replace) as binary_file:
        text = TextIOWrapper(binary_file, "utf-8", newline="")
        try:
            yield text
        finally:
            text.detach()


@contextmanager
def named_draft(file: Path) -> Iterator[Path]:
    """Yield the path of an empty draft in the folder of `file`, for a program that writes by name.

    `keep_draft` gives it the name of the file. One program at a time has such a draft in a folder,
    otherwise BlockingIOError is raised. Drafts that an interrupted program has left are deleted.
    """
    with _locked_folder(file.parent):
        _delete_drafts(file.parent)
        draft = file.with_name(f"{_DRAFT}{token_hex(8)}")
        try:
            os.close(os.open(draft, os.O_CREAT | os.O_EXCL, 0o600))
            yield draft
        finally:
            _delete_drafts(file.parent)
        _sync_folder(file.parent)


def keep_draft(draft: Path, file: Path) -> None:
    """Give a draft that is on disk the name of a new file; FileExistsError if it is not free."""
    _require_free(file)
    _take_name(draft, file)


def replace_with_draft(draft: Path, file: Path) -> None:
    """Put a draft that is on disk in the place of a file."""
    draft.replace(file)
    _sync_folder(file.parent)


def left_drafts(folder: Path) -> tuple[Path, ...]:
    """Return the drafts of `named_draft` in a folder that an interrupted program has left; none
    while another program has a draft there."""
    try:
        with _locked_folder(folder):
            return tuple(folder.glob(f"{_DRAFT}*"))
    except BlockingIOError:
        return ()


def delete_left_drafts(folder: Path) -> int:
    """Delete the drafts of `left_drafts`, and return their number; BlockingIOError while another
    program has a draft in the folder."""
    if not any(folder.glob(f"{_DRAFT}*")):
        return 0
    with _locked_folder(folder):
        return _delete_drafts(folder)


@contextmanager
def _locked_folder(folder: Path) -> Iterator[None]:
    """Keep other programs from having a draft in a folder; BlockingIOError if one has."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _delete_drafts(folder: Path) -> int:
    """Delete the drafts in a folder, with the files that SQLite makes beside a database."""
    drafts = tuple(folder.glob(f"{_DRAFT}*"))
    for draft in drafts:
        draft.unlink(missing_ok=True)
    return len(drafts)


def make_private_folders(folder: Path) -> None:
    """Create a folder and its missing parents, which only their owner can open; keep others.

    Their names are on disk when this returns.
    """
    missing = [above for above in (folder, *folder.parents) if not above.exists()]
    for new in reversed(missing):
        new.mkdir(mode=0o700, exist_ok=True)
        _sync_folder(new.parent)


def owner_only_opener(path: str, flags: int) -> int:
    """Open a file, as the `opener` of `open`; a new file can be read by its owner only."""
    return os.open(path, flags, 0o600)


def sync(file: IO[Any]) -> None:
    """Wait until the written data is on disk."""
    file.flush()
    os.fsync(file.fileno())


def _require_free(file: Path) -> None:
    try:
        file.lstat()
    except FileNotFoundError:
        return
    raise FileExistsError(EEXIST, os.strerror(EEXIST), str(file))


def _take_name(draft: Path, file: Path) -> None:
    """Give a draft its final name, which must be free; a rename would replace an existing file.

    The draft may keep its own name too.
    """
    try:
        file.hardlink_to(draft)
    except FileExistsError:
        raise
    except OSError:  # some file systems have no hard links
        open(file, "xb", opener=owner_only_opener).close()
        try:
            draft.replace(file)
        except OSError:
            file.unlink()
            raise


def _sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on disk, if the system supports it."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
