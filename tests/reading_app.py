"""Readers' apps for tests, without the network."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import count
from typing import Any

from readwatch.domain.activities import Activity
from readwatch.domain.clock import Clock
from readwatch.domain.sessions import Principal
from readwatch.domain.users import User, UserRole
from readwatch.store.engine.connections import Database
from readwatch.store.identity import sessions
from readwatch.store.identity.users import NewUser, add_user
from readwatch.store.recording.activities import record_activities
from readwatch.store.recording.heartbeats import record_heartbeat


class ReadingApp:
    """A reader's app, without the network."""

    _tokens = count()

    def __init__(self, db: Database, user: User, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._session: Principal | None = None
        self.user = user

    def logs_in(self, device_type: str = "phone") -> None:
        with self._db.atomic():
            self._session = sessions.open_session(
                self._db,
                self.user,
                f"token {next(self._tokens)}",
                self._clock(),
                device_type=device_type,
            )

    def reads(self, title: str = "Dracula", progress: int | None = 10, **more: Any) -> None:
        """Log in if the app is not logged in, and post an activity."""
        if self._session is None:
            self.logs_in()
        fields: dict[str, Any] = {
            "activity_type": "page_read",
            "content_id": title[:255],
            "content_title": title,
            "progress_percentage": progress,
            "duration_seconds": 45,
        }
        with self._db.atomic():
            activity = Activity(**{**fields, **more})
            record_activities(self._db, self._principal, [activity], self._clock())

    def reads_all(self, titles: Iterable[str]) -> None:
        """Log in, and post an activity for each title at once."""
        self.logs_in()
        with self._db.atomic():
            pages = [Activity("page_read", content_title=title) for title in titles]
            record_activities(self._db, self._principal, pages, self._clock())

    def sends_a_heartbeat(self) -> None:
        with self._db.atomic():
            record_heartbeat(self._db, self._principal, self._clock())

    def logs_out(self) -> None:
        with self._db.atomic():
            sessions.end_session(self._db, self._principal, self._clock())
        self._session = None

    @property
    def _principal(self) -> Principal:
        assert self._session is not None, "the reader is not logged in"
        return self._session


def add_readers(db: Database, clock: Clock, number: int, name: str = "Zoe") -> None:
    """Add readers who never logged in: Zoe 0000, Zoe 0001 ..."""
    with db.atomic():
        for n in range(number):
            new = NewUser(
                email=f"{name}{n}@example.org",
                full_name=f"{name} {n:04}",
                user_role=UserRole.READER,
                password_hash="-",
            )
            add_user(db, new, clock())


@dataclass(frozen=True)
class Entry:
    who: int
    did: str
    whom: int | None
    where: str


AccessLog = Callable[[], list[Entry]]
