"""Online, the reader's page, Attention and the API say the same of a reader, by one rule."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

import pytest
from conftest import NOON, Cast, StillClock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ingest.api import Api, ApiClient
from permits import LIST_ACCESS, ROW_ACCESS, permit_for

from readwatch.domain.activities import Activity
from readwatch.domain.arrivals import NO_ARRIVALS
from readwatch.domain.attention import DEFAULT_THRESHOLDS, Rule
from readwatch.domain.filters import Term
from readwatch.domain.presence import Presence, idle_since, presence_of
from readwatch.domain.sessions import Principal
from readwatch.domain.users import User, UserRole
from readwatch.ingest.app import create_app
from readwatch.ingest.services import Settings
from readwatch.monitor.attention import Attention
from readwatch.monitor.reader_page import ReaderPage
from readwatch.monitor.snapshots import LiveStats
from readwatch.store.audit.scope import ALL_READERS
from readwatch.store.engine.connections import Database
from readwatch.store.identity.sessions import end_session, open_session
from readwatch.store.identity.users import NewUser, add_user
from readwatch.store.lists import attention
from readwatch.store.lists.online import online_ids, online_rows
from readwatch.store.lists.query import ListQuery
from readwatch.store.recording.activities import record_activities
from readwatch.store.recording.heartbeats import record_heartbeat

tokens = count()


@dataclass(frozen=True)
class Step:
    """What one of a reader's devices does, so many seconds after the step before."""

    device: str
    action: str
    seconds: int
    late_by: int = 0


STEPS = st.builds(
    Step,
    st.sampled_from(["tablet", "phone"]),
    st.sampled_from(["logs in", "sends a heartbeat", "posts", "logs out"]),
    st.sampled_from([0, 10, 60, 150, 179, 180, 240, 299, 300, 900]),
    st.sampled_from([0, 0, 0, 170, 180, 3600]),
)


class Reader:
    """A reader on several devices, and what follows from what they did."""

    def __init__(self, db: Database, user: User, clock: StillClock) -> None:
        self.user = user
        self._db = db
        self._clock = clock
        self._devices: dict[str, Principal] = {}
        self._heartbeats: dict[str, datetime] = {}
        self._logins: list[datetime] = []
        self._occurred: list[datetime] = []

    def does(self, step: Step) -> None:
        now = self._clock.advance(seconds=step.seconds)
        with self._db.atomic():
            if step.action == "logs in" or step.device not in self._devices:
                self._log_in(step.device, now)
            principal = self._devices[step.device]
            if step.action == "posts":
                self._occurred.append(now - timedelta(seconds=step.late_by))
                page = Activity("page_read", "momo", occurred_at=self._occurred[-1])
                record_activities(self._db, principal, [page] * 3, now)
            record_heartbeat(self._db, principal, now)
            self._heartbeats[step.device] = now
            if step.action == "logs out":
                end_session(self._db, principal, now)
                del self._devices[step.device], self._heartbeats[step.device]

    @property
    def idle_since(self) -> datetime:
        since = idle_since(max(self._logins), max(self._occurred, default=None))
        assert since is not None
        return since

    def presence(self, now: datetime) -> Presence:
        return presence_of(max(self._heartbeats.values(), default=None), self.idle_since, now)

    def _log_in(self, device: str, now: datetime) -> None:
        if device in self._devices:
            end_session(self._db, self._devices[device], now)
        self._devices[device] = open_session(
            self._db, self.user, f"token {next(tokens)}", now, device_type=device
        )
        self._logins.append(now)


@pytest.fixture
def cara(url: str, cast: Cast, clock: StillClock) -> Iterator[ApiClient]:
    """A consultant's program at the API."""
    app = create_app(Settings(url, bcrypt_cost=4), clock)
    yield Api(app.test_client(), app=app).login("cara@example.org")
    app.extensions["readwatch"].close()


def new_reader(number: int) -> NewUser:
    return NewUser(
        email=f"{number}@example.org",
        full_name=f"Zoe {number}",
        user_role=UserRole.READER,
        password_hash="-",
    )


@pytest.fixture
def newcomers(db: Database) -> Iterator[User]:
    """Readers who were never here."""
    return (add_user(db, new_reader(n), NOON) for n in count())


Said = tuple[Presence, datetime | None]


def said_by_online(db: Database, reader_id: int, now: datetime) -> Said | None:
    rows = online_rows(db, ROW_ACCESS, [reader_id], now)
    return (rows[0].presence_at(now), rows[0].idle_since) if rows else None


def said_by_the_page(db: Database, reader_id: int, now: datetime) -> Said:
    page = ReaderPage(1, permit_for(reader_id)).snapshot(
        db, ALL_READERS, LiveStats(now, 0, ()), case=None
    )
    return page.presence_at(now), page.idle_since


def said_by_attention(db: Database, reader_id: int, now: datetime) -> Said:
    (reader,) = attention.attention_readers(db, ROW_ACCESS, [reader_id], now)
    return reader.presence_at(now), reader.idle_since


def said_by_the_api(cara: ApiClient, reader_id: int) -> Said | None:
    for reader in cara.get("/api/readers/online").get_json()["readers"]:
        if reader["user_id"] == reader_id:
            return Presence(reader["presence"]), datetime.fromisoformat(reader["idle_since"])
    return None


def found_by_filter(db: Database, reader_id: int, now: datetime) -> list[Presence]:
    """Return the words for which `presence:` finds the reader."""
    return [
        presence
        for presence in Presence
        if reader_id
        in online_ids(
            db, LIST_ACCESS, ListQuery("presence", terms=(Term(presence, "presence"),)), now
        ).ids
    ]


def check_that_all_agree(db: Database, cara: ApiClient, reader: Reader, now: datetime) -> None:
    reader_id = reader.user.id
    expected = reader.presence(now), reader.idle_since
    is_online = expected[0] is not Presence.OFFLINE
    assert said_by_the_page(db, reader_id, now) == expected
    assert said_by_attention(db, reader_id, now) == expected
    assert said_by_online(db, reader_id, now) == (expected if is_online else None)
    assert said_by_the_api(cara, reader_id) == (expected if is_online else None)
    assert found_by_filter(db, reader_id, now) == ([expected[0]] if is_online else [])


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=st.lists(STEPS, min_size=1, max_size=8), pause=st.sampled_from([0, 10, 179, 180, 240]))
def test_all_places_agree_whatever_a_reader_does_on_several_devices(
    steps: list[Step],
    pause: int,
    db: Database,
    clock: StillClock,
    cara: ApiClient,
    newcomers: Iterator[User],
) -> None:
    clock.moment = NOON
    reader = Reader(db, next(newcomers), clock)
    for step in steps:
        reader.does(step)
    check_that_all_agree(db, cara, reader, clock.advance(seconds=pause))


def test_a_login_on_one_device_counts_while_another_is_heard_from(
    db: Database, clock: StillClock, cara: ApiClient, newcomers: Iterator[User]
) -> None:
    reader = Reader(db, next(newcomers), clock)
    reader.does(Step("tablet", "logs in", 0))
    reader.does(Step("phone", "logs in", 3600))
    reader.does(Step("tablet", "sends a heartbeat", 50))
    now = clock.advance(seconds=10)
    check_that_all_agree(db, cara, reader, now)
    assert (reader.presence(now), now - reader.idle_since) == ("reading", timedelta(minutes=1))


def test_a_batch_from_an_offline_device_does_not_hide_what_was_read_since(
    db: Database, clock: StillClock, cara: ApiClient, newcomers: Iterator[User]
) -> None:
    reader = Reader(db, next(newcomers), clock)
    reader.does(Step("tablet", "logs in", 0))
    reader.does(Step("phone", "posts", 3600))
    for _ in range(40):
        reader.does(Step("tablet", "posts", 0, late_by=1800))
    now = clock.advance(minutes=1)
    check_that_all_agree(db, cara, reader, now)
    assert (reader.presence(now), now - reader.idle_since) == ("reading", timedelta(minutes=1))


def test_a_batch_from_an_offline_device_shows_that_it_is_online_and_no_reading(
    db: Database, clock: StillClock, cara: ApiClient, newcomers: Iterator[User]
) -> None:
    reader = Reader(db, next(newcomers), clock)
    reader.does(Step("tablet", "logs in", 0))
    reader.does(Step("tablet", "posts", 3600, late_by=1700))
    now = clock()
    check_that_all_agree(db, cara, reader, now)
    assert reader.presence(now) is Presence.IDLE
    (row,) = online_rows(db, ROW_ACCESS, [reader.user.id], now)
    assert row.trace == (3, 0, 0, 0, 0, 0)
    found = Attention(DEFAULT_THRESHOLDS)
    found.refresh(db, LIST_ACCESS, now, NO_ARRIVALS)
    (item,) = found.items(db, ROW_ACCESS, [reader.user.id], now)
    assert [(it.rule, it.since) for it in item.case.reasons] == [(Rule.IDLE, reader.idle_since)]
