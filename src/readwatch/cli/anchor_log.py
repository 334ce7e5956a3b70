"""Files of anchors, for the commands that read them or are going to append one."""

from pathlib import Path

from readwatch.cli.files import unwritable
from readwatch.domain.audit_chain import Anchor, read_anchors
from readwatch.domain.errors import invalid
from readwatch.domain.files import make_private_folders, owner_only_opener


def anchors_in(file: Path, *, may_be_missing: bool = True) -> tuple[Anchor, ...]:
    """Return the anchors in a file; none without one, if it may be missing."""
    try:
        return read_anchors(file)
    except OSError as error:
        if may_be_missing and isinstance(error, FileNotFoundError):
            return ()
        raise invalid(f"{file} cannot be read: {error.strerror}") from None


def open_anchor_log(file: Path) -> None:
    """Refuse an anchor log that cannot be written, before anything is changed."""
    try:
        make_private_folders(file.parent)
        open(file, "ab", opener=owner_only_opener).close()
    except OSError as error:
        raise unwritable(file, error) from None
