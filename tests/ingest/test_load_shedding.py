"""While no request ends, because the database hangs, others are refused soon."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http import HTTPStatus
from threading import Event

import pytest
from ingest.api import Api, ApiClient, problem

from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.ingest import load_shedding
from readwatch.ingest.load_shedding import MAX_REQUESTS, RequestSlots
from readwatch.ingest.server import SPARE_THREADS, granian_server

PAGE = {"activity_type": "page_read"}
REFUSED = "too many requests are in progress"


@pytest.fixture
def short_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_shedding, "SLOT_WAIT_SECONDS", 0.01)


@contextmanager
def all_in_use(slots: RequestSlots, number: int = MAX_REQUESTS) -> Iterator[None]:
    for _ in range(number):
        slots.acquire()
    yield
    for _ in range(number):
        slots.release()


@pytest.mark.usefixtures("short_wait")
def test_who_finds_no_slot_is_refused_and_told_when_to_come_again() -> None:
    slots = RequestSlots(2)
    with all_in_use(slots, 2), pytest.raises(ReadwatchError, match=REFUSED) as refused:
        slots.acquire()
    assert refused.value.kind is ErrorKind.UNAVAILABLE
    assert refused.value.retry_after is not None
    slots.acquire()
    slots.release()


def test_a_slot_that_gets_free_soon_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_shedding, "SLOT_WAIT_SECONDS", 60)
    slots, done = RequestSlots(1), Event()
    slots.acquire()
    with ThreadPoolExecutor(1) as thread:

        def wait() -> None:
            slots.acquire()
            assert done.is_set()

        waiting = thread.submit(wait)
        done.set()
        slots.release()
        waiting.result()


def test_after_one_has_waited_in_vain_nobody_waits_until_a_slot_gets_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slots = RequestSlots(1)
    slots.acquire()
    monkeypatch.setattr(load_shedding, "SLOT_WAIT_SECONDS", 0.01)
    with pytest.raises(ReadwatchError, match=REFUSED):
        slots.acquire()
    monkeypatch.setattr(load_shedding, "SLOT_WAIT_SECONDS", 3600)  # nobody would wait so long
    with pytest.raises(ReadwatchError, match=REFUSED):
        slots.acquire()
    slots.release()
    slots.acquire()


@pytest.mark.usefixtures("short_wait")
def test_while_all_slots_are_in_use_health_checks_are_answered(api: Api, ann: ApiClient) -> None:
    with all_in_use(api.app.extensions["readwatch"].request_slots):
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


def test_the_server_has_more_threads_than_slots() -> None:
    assert granian_server("127.0.0.1", 0).blocking_threads == MAX_REQUESTS + SPARE_THREADS
