"""Files that people leave behind: for their owner alone, whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from secrets import token_hex
from typing import IO, Any, TextIO


@contextmanager
def whole_file(file: Path, *, replace: bool) -> Iterator[IO[bytes]]:
    """Lend a file that is in its place, for its owner alone, once all of it is on disk.

    Unless it may `replace` one, its name is taken at once; FileExistsError if somebody has it.
    """
    if not replace:
        open(file, "xb", opener=for_its_owner).close()
    draft = file.with_name(f".{file.name}.{token_hex(4)}")
    try:
        with open(draft, "xb", opener=for_its_owner) as opened:
            yield opened
            put_on_disk(opened)
        draft.replace(file)
    except BaseException:
        draft.unlink(missing_ok=True)
        if not replace:
            file.unlink(missing_ok=True)
        raise


@contextmanager
def whole_text_file(file: Path, *, replace: bool) -> Iterator[TextIO]:
    """Do the same for text in UTF-8."""
    with whole_file(file, replace=replace) as opened:
        text = TextIOWrapper(opened, "utf-8", newline="")
        try:
            yield text
        finally:
            text.detach()


def for_its_owner(path: str, flags: int) -> int:
    """Open a file for `open`; a new one can be read by its owner alone."""
    return os.open(path, flags, 0o600)


def put_on_disk(opened: IO[Any]) -> None:
    """Wait until what was written is on disk."""
    opened.flush()
    os.fsync(opened.fileno())
