"""A cache of the principals of readers' tokens, so that most requests need no query."""

import threading
from datetime import datetime, timedelta

from readwatch.domain.clock import MAX_CLOCK_DIFFERENCE
from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.domain.sessions import Principal
from readwatch.store.audit.log import RunInTransaction
from readwatch.store.engine.connections import Database, connection
from readwatch.store.identity.resume_tokens import has_predecessor, remove_predecessor
from readwatch.store.identity.sessions import find_principal, invalid_tokens, users_deleted

CHECK_EVERY = timedelta(seconds=2)
"""The interval in which the cache discards sessions that any process has ended."""

MAX_CACHED = 200_000


class SessionCache:
    """Finds principals by the hash of their token; safe to use from many threads.

    Staff are not cached: they see the data of all readers, so each request queries the database.
    The first use of a session that came from a resume token invalidates that token; `commit` runs
    the change in a transaction.
    """

    def __init__(self, db: Database, commit: RunInTransaction) -> None:
        self._db = db
        self._commit = commit
        self._principals: dict[str, Principal] = {}
        self._checking = threading.Lock()
        self._checked_at: datetime | None = None

    def __len__(self) -> int:
        return len(self._principals)

    def find(self, token_hash: str, now: datetime) -> Principal | None:
        """Return the principal of a token hash; None unless session and account are active."""
        self._discard_invalid(now)
        principal = self._principals.get(token_hash)
        if principal is not None:
            return principal
        with connection(self._db) as db:
            principal = find_principal(db, token_hash, now)
            if principal is None or principal.user_role.is_staff:
                return principal
            is_first_use = has_predecessor(db, principal)
        if not is_first_use or self._remove_predecessor(principal):
            if len(self._principals) >= MAX_CACHED:
                self._principals.clear()
            self._principals[token_hash] = principal
        return principal

    def discard(self, token_hash: str) -> None:
        """Remove a token from the cache: its next request queries the database."""
        self._principals.pop(token_hash, None)

    def _remove_predecessor(self, principal: Principal) -> bool:
        """Invalidate the resume token from which a session came; tell whether it is done.

        While the database cannot be written, nobody can resume either; the next request tries
        again.
        """
        try:
            self._commit(lambda db: remove_predecessor(db, principal))
        except ReadwatchError as error:
            if error.kind is not ErrorKind.UNAVAILABLE:
                raise
            return False
        return True

    def _discard_invalid(self, now: datetime) -> None:
        """Discard ended sessions once per interval; one thread does it, others do not wait."""
        checked_at = self._checked_at
        if checked_at is not None and abs(now - checked_at) < CHECK_EVERY:
            return
        if not self._checking.acquire(blocking=False):
            return
        try:
            since = (checked_at or now) - MAX_CLOCK_DIFFERENCE
            with connection(self._db) as db:
                tokens, deleted_users = invalid_tokens(db, since), users_deleted(db, since)
            if deleted_users:
                tokens += [
                    token
                    for token, principal in self._principals.copy().items()
                    if principal.user_id in deleted_users
                ]
            for token_hash in tokens:
                self._principals.pop(token_hash, None)
            self._checked_at = now
        finally:
            self._checking.release()
