"""What readers' apps send, as bytes made from templates: a few microseconds a request."""

import json
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, cycle
from time import gmtime, strftime, time

from readwatch.demo.books import CATALOGUE

EDITIONS = 25
RHYTHM_BATCH = 6
"""An activity every 10 s, posted once a minute."""

_ACTIVITY = (
    b'{"activity_type":"%b","content_id":"%b","content_title":"%b","progress_percentage":%d,'
    b'"duration_seconds":%d,"metadata":{"page":%d},"event_id":"%b","occurred_at":"%b"}'
)
_TYPES = (b"page_read",) * 8 + (b"bookmark_added", b"annotation")


@dataclass(frozen=True, slots=True)
class Content:
    """Something to read, its texts as they stand in JSON."""

    content_id: bytes
    content_title: bytes
    pages: int


CONTENTS = tuple(
    Content(
        content_id=f"{book.content_id}-{edition}".encode(),
        content_title=json.dumps(book.title, ensure_ascii=False)[1:-1].encode(),
        pages=book.pages,
    )
    for edition in range(EDITIONS)
    for book in CATALOGUE
)


class Activities:
    """Activities that nobody sent before: reader by reader, each page by page through a book."""

    def __init__(self, readers: int) -> None:
        self._readers = readers
        self._run = secrets.token_hex(4).encode()
        self._numbers = count()

    def take(
        self, reader: int, moment: bytes
    ) -> tuple[bytes, bytes, bytes, int, int, int, bytes, bytes]:
        """Return what is put into the template for a reader's next activity."""
        number = next(self._numbers)
        content = CONTENTS[reader % len(CONTENTS)]
        page = number // self._readers % content.pages
        return (
            _TYPES[number % len(_TYPES)],
            content.content_id,
            content.content_title,
            page * 100 // content.pages,
            10,
            page,
            b"%b-%d" % (self._run, number),
            moment,
        )

    def json(self, reader: int, moments: Sequence[bytes]) -> bytes:
        """Return a reader's next activities as they stand in a list, one for each moment."""
        return b",".join([_ACTIVITY % self.take(reader, moment) for moment in moments])


class Moments:
    """When the activities of a request happened: the last one now, each 10 s after the other."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._second = 0
        self._moments: list[bytes] = []

    def __call__(self) -> list[bytes]:
        second = int(time())
        if second != self._second:
            self._second = second
            self._moments = [
                strftime("%Y-%m-%dT%H:%M:%SZ", gmtime(second - 10 * ago)).encode()
                for ago in reversed(range(self._number))
            ]
        return self._moments


def post(path: str, body: bytes = b"", token: str | None = None) -> bytes:
    """Return the bytes of a POST."""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
    if token:
        head += f"Authorization: Bearer {token}\r\n"
    return head.encode() + b"\r\n" + body


def bare(tokens: Sequence[str], batch: int) -> Iterator[bytes]:
    """Yield requests to a view that does nothing."""
    request = post("/bare", b"", "rw_a-token-of-the-usual-length-nobody-looks-at-it")
    while True:
        yield request


def heartbeats(tokens: Sequence[str], batch: int) -> Iterator[bytes]:
    """Yield heartbeats, each of the next reader."""
    for token in cycle(tokens):
        yield post("/api/heartbeat", b"", token)


def activities(tokens: Sequence[str], batch: int) -> Iterator[bytes]:
    """Yield requests with one activity each, or with a batch of more than one."""
    made, moments = Activities(len(tokens)), Moments(batch)
    for reader, token in cycle(list(enumerate(tokens))):
        body = made.json(reader, moments())
        yield post("/api/activities", body if batch == 1 else _in_batch(body), token)


def rhythm(tokens: Sequence[str], batch: int) -> Iterator[bytes]:
    """Yield what readers send in turn: a heartbeat, and half a minute away the minute's batch."""
    made, moments = Activities(len(tokens)), Moments(RHYTHM_BATCH)
    while True:
        for here, token in enumerate(tokens):
            yield post("/api/heartbeat", b"", token)
            there = (here + len(tokens) // 2) % len(tokens)
            body = made.json(there, moments())
            yield post("/api/activities", _in_batch(body), tokens[there])


def _in_batch(activities: bytes) -> bytes:
    return b'{"activities":[%b]}' % activities


TRAFFIC = {
    "bare": bare,
    "heartbeats": heartbeats,
    "activities": activities,
    "rhythm": rhythm,
}
