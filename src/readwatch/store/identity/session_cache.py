"""Who is behind a token; readers are remembered, so that a request need not ask the database."""

import threading
from datetime import datetime, timedelta

from readwatch.domain.sessions import Principal
from readwatch.store.engine.connections import Database, connection
from readwatch.store.identity.sessions import find_principal, tokens_gone, users_deleted

CHECK_EVERY = timedelta(seconds=2)
"""How soon a session that was ended anywhere, by whatever process, is forgotten here."""

_OVERLAP = timedelta(seconds=30)
"""Other machines' clocks may be behind by that much."""

MAX_REMEMBERED = 200_000


class SessionCache:
    """Finds callers by the hash of their token; safe to use from many threads.

    Staff are few and see everybody, so each of their requests asks the database.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: dict[str, Principal] = {}
        self._checking = threading.Lock()
        self._checked_at: datetime | None = None

    def __len__(self) -> int:
        return len(self._known)

    def find(self, session_token: str, now: datetime) -> Principal | None:
        """Return who is behind a token's hash; None when its session or account is not active."""
        self._forget_the_gone(now)
        caller = self._known.get(session_token)
        if caller is not None:
            return caller
        with connection(self._db) as db:
            caller = find_principal(db, session_token, now)
        if caller is not None and not caller.user_role.is_staff:
            if len(self._known) >= MAX_REMEMBERED:
                self._known.clear()
            self._known[session_token] = caller
        return caller

    def forget(self, session_token: str) -> None:
        """Do not trust a token any more without asking."""
        self._known.pop(session_token, None)

    def _forget_the_gone(self, now: datetime) -> None:
        """Look every now and then which sessions ended; one thread does it, others go on."""
        checked_at = self._checked_at
        if checked_at is not None and abs(now - checked_at) < CHECK_EVERY:
            return
        if not self._checking.acquire(blocking=False):
            return
        try:
            since = (checked_at or now) - _OVERLAP
            with connection(self._db) as db:
                gone, deleted = tokens_gone(db, since), users_deleted(db, since)
            if deleted:
                gone += [token for token, it in self._known.copy().items() if it.user_id in deleted]
            for session_token in gone:
                self._known.pop(session_token, None)
            self._checked_at = now
        finally:
            self._checking.release()
