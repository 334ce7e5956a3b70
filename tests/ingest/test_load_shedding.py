"""While too many requests are in progress, because the database hangs, others are refused."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from queue import Queue
from threading import Event, Semaphore

import pytest
from ingest.api import Api, ApiClient, problem
from ingest.process import TIMEOUT

from readwatch.domain.errors import ErrorKind, ReadwatchError, unavailable
from readwatch.ingest import load_shedding
from readwatch.ingest.body_reads import MAX_DISCARDED
from readwatch.ingest.load_shedding import MAX_REQUESTS, STANDSTILL_SECONDS, RequestSlots
from readwatch.ingest.server import granian_server

PAGE = {"activity_type": "page_read"}
REFUSED = "too many requests are in progress"


@dataclass
class SetClock:
    """A clock that stands still until it is set."""

    now: float = 0.0
    looked: Event = field(default_factory=Event)

    def __call__(self) -> float:
        self.looked.set()
        return self.now


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    seconds = SetClock()
    monkeypatch.setattr(load_shedding, "monotonic", seconds)
    return seconds


@contextmanager
def in_use(slots: RequestSlots, number: int = MAX_REQUESTS) -> Iterator[None]:
    with ExitStack() as requests:
        for _ in range(number):
            requests.enter_context(slots)
        yield


def take(slots: RequestSlots) -> None:
    with slots:
        pass


def fails(slots: RequestSlots) -> None:
    with suppress(ReadwatchError), slots:
        raise unavailable("the database does not answer")


def test_after_a_standstill_requests_are_refused_and_told_when_to_come_again(
    seconds: SetClock,
) -> None:
    slots = RequestSlots(2)
    with in_use(slots, 2):
        seconds.now += STANDSTILL_SECONDS
        for _ in range(3):
            with pytest.raises(ReadwatchError, match=REFUSED) as refused, slots:
                pass
    assert refused.value.kind is ErrorKind.UNAVAILABLE
    assert refused.value.retry_after is not None
    with in_use(slots, 2):
        pass


def test_a_request_that_failed_does_not_end_a_standstill(seconds: SetClock) -> None:
    slots = RequestSlots(2)
    with slots:
        seconds.now += STANDSTILL_SECONDS
        fails(slots)
        with slots, pytest.raises(ReadwatchError, match=REFUSED), slots:
            pass


def test_the_first_requests_after_a_quiet_hour_wait_for_each_other(seconds: SetClock) -> None:
    slots = RequestSlots(1)
    take(slots)
    seconds.now += 3600
    with ThreadPoolExecutor(1) as threads:
        with slots:
            seconds.looked.clear()
            second = threads.submit(take, slots)
            assert seconds.looked.wait(TIMEOUT)
        second.result(TIMEOUT)


def test_while_requests_get_answers_further_ones_wait(seconds: SetClock) -> None:
    """As when a thousand apps send at once what they kept."""
    slots, taken, goes_on = RequestSlots(1), Queue[None](), Semaphore(0)

    def request() -> None:
        with slots:
            taken.put(None)
            goes_on.acquire()

    with ThreadPoolExecutor(5) as threads:
        requests = [threads.submit(request) for _ in range(5)]
        for _ in requests:
            taken.get(timeout=TIMEOUT)
            seconds.now += 0.99 * STANDSTILL_SECONDS  # who waits looks again within milliseconds
            goes_on.release()
        for each in requests:
            each.result(TIMEOUT)


def test_while_all_slots_are_in_use_health_checks_are_answered(
    api: Api, ann: ApiClient, seconds: SetClock
) -> None:
    with in_use(api.app.extensions["readwatch"].request_slots):
        seconds.now += STANDSTILL_SECONDS
        assert api.get("/livez").status_code == HTTPStatus.OK
        assert api.get("/metrics").status_code == HTTPStatus.OK
        not_ready = api.get("/readyz")
        assert not_ready.status_code == HTTPStatus.SERVICE_UNAVAILABLE
        assert not_ready.get_json(force=True)["reasons"] == [REFUSED]
        refused = ann.post("/api/activities", PAGE)
        problem(refused, HTTPStatus.SERVICE_UNAVAILABLE)
        assert int(refused.headers["Retry-After"]) >= 5
    assert ann.post("/api/activities", PAGE).status_code == HTTPStatus.CREATED
    assert api.get("/readyz").status_code == HTTPStatus.OK


def test_a_failed_request_gives_its_slot_back(api: Api, ann: ApiClient) -> None:
    for _ in range(MAX_REQUESTS + 1):
        assert ann.get("/api/no-such-path").status_code == HTTPStatus.NOT_FOUND
        assert api.get("/api/me").status_code == HTTPStatus.UNAUTHORIZED
        assert ann.get("/api/me").status_code == HTTPStatus.OK


def test_whatever_requests_wait_for_the_server_has_threads_for_health_checks() -> None:
    assert granian_server("127.0.0.1", 0).blocking_threads > MAX_REQUESTS + 2 * MAX_DISCARDED
