"""An open reader's page: each picture reads only what can be new since the one before."""

from datetime import UTC, date, datetime, timedelta, tzinfo

from readwatch.domain.activities import RecordedActivity
from readwatch.domain.clock import zone_of
from readwatch.domain.reading import DayOfReading, Span, days_of_reading, first_day, start_of
from readwatch.domain.sessions import Session
from readwatch.monitor.snapshots import LiveStats, ReaderSnapshot
from readwatch.store import reader_data
from readwatch.store.audit.log import Permit
from readwatch.store.engine.connections import Database

PAGE = 100
"""How many activities are read at once."""

KEPT = 5_000
"""The most activities that a page has, however far back somebody goes and however long it is open.
"""

_LONGEST_SESSION = timedelta(days=1)
"""One that began so long before the days that are shown may reach into them."""


class ReaderPage:
    """One opening of a reader's page, with the permit that its entry in the access log gave."""

    def __init__(self, request_id: int, permit: Permit) -> None:
        self.opening = request_id
        self._permit = permit
        self._spans: tuple[Span, ...] = ()
        self._spans_until: date | None = None
        self._activities: tuple[RecordedActivity, ...] = ()
        self._has_older = False
        self._reads_on = False

    def read_on(self, oldest: int) -> bool:
        """Let the next picture go further back than `oldest`; False if one did so already, or the
        page has as many as it keeps.
        """
        goes_on = self._has_older and len(self._activities) < KEPT
        self._reads_on = goes_on and self._activities[-1].id == oldest
        return self._reads_on

    def snapshot(self, db: Database, pulse: LiveStats) -> ReaderSnapshot:
        """Return the picture of the reader at the moment of `pulse`."""
        user = reader_data.account(db, self._permit)
        profile = reader_data.profile(db, self._permit)
        sessions = reader_data.sessions(db, self._permit)
        self._take_newest(reader_data.activities(db, self._permit, length=PAGE))
        if self._reads_on:
            self._read_older(db)
        zone = zone_of(profile.timezone)
        return ReaderSnapshot(
            request_id=self.opening,
            stats=pulse,
            user=user,
            profile=profile,
            zone=zone,
            contents=reader_data.contents(db, self._permit),
            sessions=sessions,
            activities=self._activities,
            has_older=self._has_older,
            days=self._days(db, sessions, pulse.taken_at, zone or UTC),
        )

    def _read_older(self, db: Database) -> None:
        """Read on below the oldest activity that is known."""
        self._reads_on = False
        if self._has_older:
            before = self._activities[-1].id
            older = reader_data.activities(db, self._permit, length=PAGE, before=before)
            self._has_older = len(older) == PAGE
            self._keep(self._activities + older)

    def _take_newest(self, newest: tuple[RecordedActivity, ...]) -> None:
        """Put the newest activities before those that are known.

        Where there may be others between them, those known are left: they can be read again.
        """
        oldest = newest[-1].id if newest else 0
        if self._activities and self._activities[0].id >= oldest:
            newest += tuple(known for known in self._activities if known.id < oldest)
        else:
            self._has_older = len(newest) == PAGE
        self._keep(newest)

    def _keep(self, activities: tuple[RecordedActivity, ...]) -> None:
        self._has_older = self._has_older or len(activities) > KEPT
        self._activities = activities[:KEPT]

    def _days(
        self, db: Database, sessions: tuple[Session, ...], now: datetime, zone: tzinfo
    ) -> tuple[DayOfReading, ...]:
        """Return the days of the last weeks.

        The sessions of all of them are read once a day: what moves are the latest, which each
        picture has, and time that is told twice counts once.
        """
        today = now.astimezone(zone).date()
        first = first_day(today)
        if self._spans_until != today:
            since = start_of(first, zone) - _LONGEST_SESSION
            self._spans, self._spans_until = reader_data.spans(db, self._permit, since), today
        latest = (session.span for session in sessions)
        return days_of_reading((*self._spans, *latest), zone, first, today)
