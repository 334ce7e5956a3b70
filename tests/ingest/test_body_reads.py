"""The reads of request bodies in progress, with the times by which their connections are found."""

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import suppress
from functools import partial
from itertools import count
from typing import Any

import pytest
from ingest.process import TIMEOUT

from readwatch.domain.sessions import Principal
from readwatch.domain.users import UserRole
from readwatch.ingest import body_reads
from readwatch.ingest.body_reads import STARTED_AT, BodyRead, BodyReads, ReadLimit
from readwatch.ingest.logs import Episode

ANN = Principal(2, UserRole.READER, 1)


class Body:
    """A body that remembers the reads in progress while it is read."""

    def __init__(self, reads: BodyReads) -> None:
        self._reads = reads
        self.in_progress: list[BodyRead] = []

    def read(self, _size: int) -> bytes:
        self.in_progress = self._reads.in_progress()
        return b""


@pytest.mark.parametrize(
    "read_body",
    [
        partial(BodyReads.read, principal=None),
        partial(BodyReads.read, principal=ANN),
        BodyReads.discard,
    ],
)
def test_a_read_has_the_time_of_its_request_and_that_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
    read_body: Callable[[BodyReads, dict[str, Any], int], object],
) -> None:
    """The kernel's times of the connection are older than the read by that wait."""
    monkeypatch.setattr(body_reads, "monotonic", count().__next__)  # a second for each look
    reads = BodyReads()
    body = Body(reads)

    read_body(reads, {"REMOTE_ADDR": "127.0.0.1", "wsgi.input": body, STARTED_AT: -1}, 100)

    (read,) = body.in_progress
    assert read.requested_at == (0 if read.is_discarded else -1)
    assert read.since > read.requested_at
    assert reads.in_progress() == []


def limit(*, most: int = 9, of_one: int = 9, waiting: int = 0) -> ReadLimit:
    return ReadLimit(most, of_one, waiting, Episode("it begins", "it is over"))


def may_read(reads: ReadLimit, client: str) -> bool:
    with reads.read_of(client) as is_allowed:
        return is_allowed


def test_a_client_has_a_limited_number_of_reads_and_others_go_on() -> None:
    reads = limit(of_one=1)
    with reads.read_of("a") as is_allowed:
        assert is_allowed
        assert (may_read(reads, "a"), may_read(reads, "b")) == (False, True)
    with suppress(ConnectionError), reads.read_of("a"):
        raise ConnectionError
    assert may_read(reads, "a")


def test_all_clients_together_have_a_limited_number_of_reads() -> None:
    reads = limit(most=2)
    with reads.read_of("a"), reads.read_of("b"):
        assert not may_read(reads, "c")
    assert may_read(reads, "c")


def test_some_reads_wait_for_others_and_further_ones_do_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(body_reads, "WAIT_SECONDS", 2 * TIMEOUT)
    reads = limit(of_one=1, waiting=1)
    with ThreadPoolExecutor(2) as threads:
        with reads.read_of("a"):
            both = [threads.submit(may_read, reads, "a") for _ in range(2)]
            (refused,) = wait(both, TIMEOUT, FIRST_COMPLETED).done
            assert not refused.result()
        assert sorted(each.result(TIMEOUT) for each in both) == [False, True]


def test_a_read_waits_for_a_limited_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_reads, "WAIT_SECONDS", 0.01)
    reads = limit(of_one=1, waiting=1)
    with reads.read_of("a"):
        assert [may_read(reads, "a") for _ in range(3)] == [False] * 3
