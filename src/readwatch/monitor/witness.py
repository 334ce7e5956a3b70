"""A console as a witness: it keeps the end of the access log that it has seen.

Who cuts off or rewrites the log can write the database, and perhaps the anchors of the service, but
not the files of all consultants.
"""

from contextlib import suppress
from datetime import datetime
from pathlib import Path

from readwatch.domain.audit_chain import Anchor, missing_anchor, parsed_anchors
from readwatch.domain.errors import ReadwatchError
from readwatch.domain.files import atomic_text_file, make_private_folders
from readwatch.store.audit import cuts, heads
from readwatch.store.engine.connections import Database
from readwatch.store.engine.fingerprint import url_fingerprint


class Witness:
    """The last head that one consultant has seen, as an anchor in a file of their own.

    Without a folder, or if the file cannot be read or written, nothing is reported as missing.
    """

    def __init__(self, folder: Path | None, database_url: str, consultant_id: int) -> None:
        name = f"witness-{url_fingerprint(database_url, consultant_id)}.txt"
        self._file = folder and folder / name

    def missing(self, db: Database) -> str | None:
        """Return a sentence if what this consultant saw last is no longer in the log."""
        anchor = self._read()
        return missing_anchor(anchor) if anchor and cuts.is_missing(db, anchor) else None

    def see(self, db: Database, now: datetime) -> None:
        """Keep the current head of the log instead of the last one."""
        if self._file is None:
            return
        line = Anchor(now, heads.current_head(db)).line
        with suppress(OSError):
            make_private_folders(self._file.parent)
            with atomic_text_file(self._file, replace=True) as text:
                text.write(line)

    def _read(self) -> Anchor | None:
        if self._file is None:
            return None
        try:
            anchors = parsed_anchors(self._file.read_text(encoding="ascii", errors="replace"))
        except (OSError, ReadwatchError):
            return None
        return anchors[-1] if anchors else None
