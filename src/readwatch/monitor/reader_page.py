"""The data of a reader's page: each snapshot reads only data that can be new."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from readwatch.domain.activities import RecordedActivity
from readwatch.domain.attention import Case
from readwatch.domain.clock import zone_of
from readwatch.domain.group_figures import Peers, has_figures, peers_of, weeks_until
from readwatch.domain.reading import DayOfReading, Span, days_of_reading, first_day, start_of
from readwatch.domain.sessions import Session
from readwatch.monitor.groups import READ_AGAIN_AFTER
from readwatch.monitor.snapshots import LiveStats, ReaderSnapshot
from readwatch.store import case_notes, group_totals, reader_data
from readwatch.store.audit.log import Permit
from readwatch.store.audit.scope import Scope
from readwatch.store.engine.connections import Database
from readwatch.store.identity import groups

PAGE_LENGTH = 100
"""The number of activities that one query reads."""

MAX_ACTIVITIES = 5_000
"""The maximum number of activities on a page."""

MAX_NOTES = 100
"""The maximum number of notes on a page."""

_LONGEST_SESSION = timedelta(days=1)
"""The longest time between the start of a session and the first day, for the session to count."""


@dataclass(frozen=True, slots=True)
class _ReadPeers:
    """The reader beside one of some groups, as it was read at a time."""

    group_ids: tuple[int, ...]
    read_at: datetime
    peers: Peers | None

    def is_old(self, group_ids: tuple[int, ...], now: datetime) -> bool:
        return group_ids != self.group_ids or abs(now - self.read_at) >= READ_AGAIN_AFTER


class ReaderPage:
    """A reader's page, opened by one request, with the permit from the access log."""

    def __init__(self, request_id: int, permit: Permit) -> None:
        self.request_id = request_id
        self._permit = permit
        self._spans: tuple[Span, ...] = ()
        self._spans_until: date | None = None
        self._activities: tuple[RecordedActivity, ...] = ()
        self._has_older = False
        self._is_older_requested = False
        self._peers: _ReadPeers | None = None

    @property
    def reader_id(self) -> int:
        """The id of the reader."""
        return self._permit.subject_id

    def read_older(self, oldest: int) -> bool:
        """Let the next snapshot include activities older than `oldest`; return False if they are
        on the page already, or if the page has its maximum of activities.
        """
        has_room = len(self._activities) < MAX_ACTIVITIES
        is_oldest = self._has_older and self._activities[-1].id == oldest
        self._is_older_requested = has_room and is_oldest
        return self._is_older_requested

    def snapshot(
        self, db: Database, scope: Scope, stats: LiveStats, case: Case | None
    ) -> ReaderSnapshot:
        """Return the snapshot of the page at the time of `stats`, with the reader's case."""
        user = reader_data.account(db, self._permit)
        profile = reader_data.profile(db, self._permit)
        sessions = reader_data.sessions(db, self._permit)
        self._add_newest(reader_data.activities(db, self._permit, length=PAGE_LENGTH))
        if self._is_older_requested:
            self._read_older(db)
        zone = zone_of(profile.timezone)
        return ReaderSnapshot(
            request_id=self.request_id,
            stats=stats,
            user=user,
            profile=profile,
            zone=zone,
            contents=reader_data.contents(db, self._permit),
            sessions=sessions,
            activities=self._activities,
            has_older=self._has_older,
            days=self._days(db, sessions, stats.taken_at, zone or UTC),
            peers=self._peers_of(db, scope, stats.taken_at),
            notes=case_notes.notes(db, self._permit, length=MAX_NOTES),
            case=case,
        )

    def _read_older(self, db: Database) -> None:
        """Add activities that are older than all on the page."""
        self._is_older_requested = False
        if self._has_older:
            oldest = self._activities[-1].id
            older = reader_data.activities(db, self._permit, length=PAGE_LENGTH, before=oldest)
            self._has_older = len(older) == PAGE_LENGTH
            self._set_activities(self._activities + older)

    def _add_newest(self, newest: tuple[RecordedActivity, ...]) -> None:
        """Put the newest activities above the activities on the page.

        If there may be others in between, the activities on the page are dropped; they can be read
        again.
        """
        oldest = newest[-1].id if newest else 0
        if self._activities and self._activities[0].id >= oldest:
            newest += tuple(item for item in self._activities if item.id < oldest)
        else:
            self._has_older = len(newest) == PAGE_LENGTH
        self._set_activities(newest)

    def _set_activities(self, activities: tuple[RecordedActivity, ...]) -> None:
        self._has_older = self._has_older or len(activities) > MAX_ACTIVITIES
        self._activities = activities[:MAX_ACTIVITIES]

    def _peers_of(self, db: Database, scope: Scope, now: datetime) -> Peers | None:
        """Return the reader beside the first group that has figures of these weeks and that the
        scope has; the weeks are read again at intervals."""
        ids = [group.id for group in groups.groups_of_reader(db, self._permit)]
        named = [
            group
            for group in group_totals.named_groups(db, scope, ids)
            if has_figures(group.readers)
        ]
        group_ids = tuple(group.id for group in named)
        if self._peers is None or self._peers.is_old(group_ids, now):
            weeks = weeks_until(now.astimezone().date())
            candidates = (
                peers_of(
                    self.reader_id,
                    group.name,
                    weeks,
                    group_totals.seconds_by_week(db, group.id, weeks),
                )
                for group in named
            )
            peers = next((it for it in candidates if it is not None), None)
            self._peers = _ReadPeers(group_ids, now, peers)
        return self._peers.peers

    def _days(
        self, db: Database, sessions: tuple[Session, ...], now: datetime, zone: tzinfo
    ) -> tuple[DayOfReading, ...]:
        """Return the days of the last weeks.

        The sessions of these weeks are read once a day, because only the latest sessions change,
        and each snapshot reads those. Overlapping spans count once.
        """
        today = now.astimezone(zone).date()
        first = first_day(today)
        if self._spans_until != today:
            since = start_of(first, zone) - _LONGEST_SESSION
            self._spans, self._spans_until = reader_data.spans(db, self._permit, since), today
        latest = (session.span for session in sessions)
        return days_of_reading((*self._spans, *latest), zone, first, today)
