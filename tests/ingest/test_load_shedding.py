"""While too many requests are in progress, because the database hangs, others are refused."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from http import HTTPStatus
from threading import Event
from time import monotonic

import pytest
from ingest.api import Api, ApiClient, problem
from ingest.process import TIMEOUT

from readwatch.domain.errors import ErrorKind, ReadwatchError, invalid, unavailable
from readwatch.ingest import load_shedding
from readwatch.ingest.body_reads import (
    MAX_ANONYMOUS,
    MAX_ANONYMOUS_WAITING,
    MAX_DISCARDED,
    MAX_OF_ACCOUNT,
    MAX_OF_ACCOUNTS_WAITING,
)
from readwatch.ingest.load_shedding import MAX_REQUESTS, RequestSlots
from readwatch.ingest.server import granian_server
from readwatch.store.recording.writer import MAX_WAIT_SECONDS

PAGE = {"activity_type": "page_read"}
REFUSED = "too many requests are in progress"


@contextmanager
def in_use(slots: RequestSlots, number: int = MAX_REQUESTS) -> Iterator[None]:
    with ExitStack() as requests:
        for _ in range(number):
            requests.enter_context(slots)
        yield


def take(slots: RequestSlots, error: ReadwatchError | None = None) -> None:
    with slots:
        if error is not None:
            raise error


def set_standstill(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    monkeypatch.setattr(load_shedding, "STANDSTILL_SECONDS", seconds)


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> Event:
    """It is set when somebody without a slot looks at the clock, and then waits or is refused."""
    looked = Event()

    def clock() -> float:
        looked.set()
        return monotonic()

    monkeypatch.setattr(load_shedding, "monotonic", clock)
    return looked


def test_after_a_standstill_requests_are_refused_and_told_when_to_come_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_standstill(monkeypatch, 0.01)
    slots = RequestSlots(2)
    with in_use(slots, 2):
        for _ in range(3):
            with pytest.raises(ReadwatchError, match=REFUSED) as refused:
                take(slots)
    assert refused.value.kind is ErrorKind.UNAVAILABLE
    assert refused.value.retry_after is not None
    with in_use(slots, 2):
        pass


@pytest.mark.parametrize("answer", [None, invalid("not an e-mail address", field="email")])
def test_an_answer_ends_a_standstill_and_others_wait_again(
    monkeypatch: pytest.MonkeyPatch, looked: Event, answer: ReadwatchError | None
) -> None:
    slots = RequestSlots(2)
    set_standstill(monkeypatch, 0)
    with ThreadPoolExecutor(1) as threads, slots:
        with suppress(ReadwatchError), slots:
            with pytest.raises(ReadwatchError, match=REFUSED):
                take(slots)
            if answer is not None:
                raise answer
        set_standstill(monkeypatch, 2 * TIMEOUT)
        with slots:
            looked.clear()
            waiting = threads.submit(take, slots)
            assert looked.wait(TIMEOUT)
        waiting.result(TIMEOUT)


def test_a_request_that_the_database_does_not_answer_ends_no_standstill(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slots = RequestSlots(4)
    set_standstill(monkeypatch, 0)
    with in_use(slots, 3), ThreadPoolExecutor(1) as threads:
        with suppress(ReadwatchError), slots:
            with pytest.raises(ReadwatchError, match=REFUSED):
                take(slots)
            raise unavailable("the database does not answer")
        set_standstill(monkeypatch, 2 * TIMEOUT)
        with slots, pytest.raises(ReadwatchError, match=REFUSED):
            threads.submit(take, slots).result(TIMEOUT)


def test_after_a_quiet_hour_nobody_is_refused_for_a_standstill_of_before(
    monkeypatch: pytest.MonkeyPatch, looked: Event
) -> None:
    slots = RequestSlots(1)
    set_standstill(monkeypatch, 0)
    with suppress(ReadwatchError), slots:
        with pytest.raises(ReadwatchError, match=REFUSED):
            take(slots)
        raise unavailable("the database does not answer")
    set_standstill(monkeypatch, 2 * TIMEOUT)
    with ThreadPoolExecutor(1) as threads:
        with slots:
            looked.clear()
            waiting = threads.submit(take, slots)
            assert looked.wait(TIMEOUT)
        waiting.result(TIMEOUT)


def test_one_address_and_one_account_with_slow_bodies_leave_slots_for_others() -> None:
    of_address, of_account = MAX_ANONYMOUS + MAX_ANONYMOUS_WAITING, MAX_OF_ACCOUNT
    assert of_address + of_account + MAX_OF_ACCOUNTS_WAITING < MAX_REQUESTS


def test_while_all_slots_are_in_use_health_checks_are_answered(
    api: Api, ann: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_standstill(monkeypatch, 0.01)
    with in_use(api.app.extensions["readwatch"].request_slots):
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


def test_heartbeats_are_refused_before_posts_that_wait_for_others(
    api: Api, ann: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = api.app.extensions["readwatch"].writer
    backlog = replace(writer.backlog(), waited_seconds=0.8 * MAX_WAIT_SECONDS)
    monkeypatch.setattr(writer, "backlog", lambda: backlog)
    problem(ann.post("/api/heartbeat"), HTTPStatus.SERVICE_UNAVAILABLE)
    not_ready = api.get("/readyz").get_json(force=True)
    assert not_ready["reasons"] == ["requests wait 2.8 s for the writer"]
    assert ann.post("/api/activities", PAGE).status_code == HTTPStatus.CREATED


def test_the_server_has_more_threads_than_requests_and_discarded_bodies_can_take() -> None:
    assert granian_server("127.0.0.1", 0).blocking_threads > MAX_REQUESTS + 2 * MAX_DISCARDED
