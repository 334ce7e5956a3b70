"""The reads of request bodies in progress, with the times by which their connections are found."""

from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any

import pytest

from readwatch.domain.sessions import Principal
from readwatch.domain.users import UserRole
from readwatch.ingest import body_reads
from readwatch.ingest.body_reads import STARTED_AT, BodyRead, BodyReads

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
def test_a_read_has_the_time_before_it_waited_for_others(
    monkeypatch: pytest.MonkeyPatch,
    read_body: Callable[[BodyReads, dict[str, Any], int], object],
) -> None:
    """The kernel's times of the connection are older than the read by that wait."""
    monkeypatch.setattr(body_reads, "monotonic", count().__next__)  # a second for each look
    reads = BodyReads()
    body = Body(reads)

    read_body(reads, {"REMOTE_ADDR": "127.0.0.1", "wsgi.input": body, STARTED_AT: -1}, 100)

    (read,) = body.in_progress
    assert read.since - read.requested_at == 2
    assert reads.in_progress() == []
