"""The thread that anchors the access log: at the start, each hour and at the end of the service.

An anchor is a line in the log of the service and in a file outside of the database. Entries up to
there cannot be removed or rewritten undetected by somebody who cannot write that file too.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from readwatch.domain.audit_chain import Anchor, append_anchor, missing_anchor, read_anchors
from readwatch.domain.clock import Clock
from readwatch.domain.errors import ReadwatchError
from readwatch.domain.files import make_private_folders
from readwatch.store.audit import cuts, heads
from readwatch.store.audit.quick_check import quick_check
from readwatch.store.engine.connections import Database, connection

ANCHOR_SECONDS = 3600.0

_log = logging.getLogger(__name__)


class AnchorThread:
    """Checks the access log at the start; writes anchors at the start, each hour and at the end.

    Findings and failures are logged, and the service continues: only an admin can say what is to be
    done.
    """

    def __init__(self, db: Database, clock: Clock, file: Path) -> None:
        self._db = db
        self._clock = clock
        self._file = file
        self.anchored_at: datetime | None = None
        self._attempt(self._check)
        self._attempt(self._anchor)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="anchoring", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop the thread and write the last anchor."""
        self._closing.set()
        self._thread.join()
        self._attempt(self._anchor)

    def _run(self) -> None:
        while not self._closing.wait(ANCHOR_SECONDS):
            self._attempt(self._anchor)
        self._db.close()  # otherwise it is open until some time after the end of the thread

    def _attempt(self, work: Callable[[], None]) -> None:
        try:
            work()
        except OSError as error:
            _log.error("no anchor of the access log in its file: %s", error.strerror)
        except ReadwatchError as error:
            _log.warning("the access log is not anchored: %s", error.message)
        except Exception as error:  # noqa: BLE001 - the next hour tries again, and no data is logged
            _log.error("the access log is not anchored: %s", type(error).__name__)

    def _check(self) -> None:
        with connection(self._db) as db:
            findings = [*quick_check(db), *self._missing_anchor(db)]
        for finding in findings:
            _log.error("access log: %s; run: readwatch audit verify", finding)

    def _missing_anchor(self, db: Database) -> Iterator[str]:
        anchors = read_anchors(self._file) if self._file.exists() else ()
        of_ends = [anchor for anchor in anchors if not anchor.is_of_cut]
        if of_ends and cuts.is_missing(db, of_ends[-1]):
            yield missing_anchor(of_ends[-1])

    def _anchor(self) -> None:
        with connection(self._db) as db:
            anchor = Anchor(self._clock(), heads.current_head(db))
        _log.info("access log anchored: %s", anchor.line.rstrip())
        make_private_folders(self._file.parent)
        append_anchor(self._file, anchor)
        self.anchored_at = anchor.anchored_at
