"""The crowd against a small server with the contract of the API."""

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from random import Random
from typing import Any, Self

import pytest

from readwatch.demo.cast import Habit, cast
from readwatch.demo.crowd import Crowd
from readwatch.demo.habits import BookPosition, Rhythm, somewhere

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
BUSY = Rhythm(activity_seconds=0.02, speed=0.0)
RESTLESS = Rhythm(activity_seconds=0.02, speed=5000.0)
READERS = cast(12, Random(1))
HANG_UP = 0
NONSENSE = 1


class Library:
    """A server that records all requests; `replies` by path replace its own answers."""

    def __init__(self, port: int = 0) -> None:
        self.changed = threading.Condition()
        self.released = threading.Event()
        self.replies: dict[str, deque[int]] = {}
        self.hangs_on = ""
        self.hanging = 0
        self.heartbeat_seconds: float = 0.05
        self.ids = count(1)
        self.tokens: dict[str, str] = {}
        self.logins: list[dict[str, Any]] = []
        self.agents: set[str] = set()
        self.heartbeats = 0
        self.logouts = 0
        self.event_ids: list[str] = []
        self.bodies: list[dict[str, Any]] = []
        self.activities: dict[str, dict[str, Any]] = {}
        self.row_ids: dict[str, int] = {}
        self.duplicates = self.conflicts = 0
        library = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body in one packet: no waiting for delayed acknowledgements

            def do_POST(self) -> None:
                library.serve(self)

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    @property
    def has_first_activity(self) -> bool:
        return bool(self.event_ids) and self.event_ids[0] in self.activities

    def until(self, true: Callable[[], bool]) -> None:
        with self.changed:
            assert self.changed.wait_for(true, timeout=30)

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        with self.changed:
            if handler.path == self.hangs_on:
                self.hanging += 1
                self.changed.notify_all()
        if handler.path == self.hangs_on:
            self.released.wait()
            handler.close_connection = True
            return
        with self.changed:
            replies = self.replies.get(handler.path)
            reply = replies.popleft() if replies else None
            status, answer = self.answer(handler, body, reply)
            self.changed.notify_all()
        if reply == HANG_UP:
            handler.close_connection = True
            return
        content = b"" if status == 204 else json.dumps(answer).encode()
        handler.send_response(status)
        if reply in (429, 503):
            handler.send_header("Retry-After", "0")
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    def answer(
        self, handler: BaseHTTPRequestHandler, body: dict[str, Any], reply: int | None
    ) -> tuple[int, object]:
        self.agents.add(handler.headers["User-Agent"])
        if handler.path == "/api/activities":
            self.bodies.append(body)
            self.event_ids.append(body["event_id"])
        if reply == NONSENSE:
            return 200, ["what?"]
        if reply is not None and reply >= 400:
            if reply == 401:
                self.tokens.clear()
            return reply, {"title": "not now"}
        if handler.path == "/api/login":
            self.logins.append(body)
            token = f"token-{next(self.ids)}"
            self.tokens[token] = body["email"]
            return 200, {"token": token, "heartbeat_seconds": self.heartbeat_seconds}
        token = handler.headers["Authorization"].removeprefix("Bearer ")
        if token not in self.tokens:
            return 401, {"title": "log in"}
        match handler.path:
            case "/api/heartbeat":
                self.heartbeats += 1
                return 200, {"heartbeat_seconds": self.heartbeat_seconds}
            case "/api/logout":
                self.logouts += 1
                del self.tokens[token]
                return 204, None
            case "/api/activities":
                return self.record(body)
        return 404, {"title": "no such page"}

    def record(self, item: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        event_id = item["event_id"]
        if event_id in self.activities:
            is_same = self.activities[event_id] == item
            self.duplicates += is_same
            self.conflicts += not is_same
            status = "duplicate" if is_same else "conflict"
            return (200 if is_same else 409), {"id": self.row_ids[event_id], "status": status}
        self.activities[event_id] = item
        self.row_ids[event_id] = next(self.ids)
        return 201, {"id": self.row_ids[event_id], "status": "accepted"}


@pytest.fixture
def library() -> Iterator[Library]:
    with Library() as library:
        yield library


def crowd_at(library: Library, **options: Any) -> Crowd:
    settings: dict[str, Any] = {
        "readers": READERS,
        "password": "open sesame",
        "rng": Random(1),
        "clock": lambda: NOON,
        "rhythm": BUSY,
        "ramp_seconds": 0.0,
        **options,
    }
    return Crowd(library.url, **settings)


def threads_of_crowds() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("crowd-")]


def test_readers_log_in_send_heartbeats_and_post_activities(library: Library) -> None:
    with crowd_at(library):
        library.until(lambda: len(library.activities) > 60 and library.heartbeats > 12)
    assert {login["email"] for login in library.logins} == {reader.email for reader in READERS}
    assert {login["password"] for login in library.logins} == {"open sesame"}
    assert library.agents == {reader.user_agent for reader in READERS}
    assert len(library.logins) == len(READERS)


@pytest.mark.parametrize("status", [503, 429])
def test_a_refused_activity_is_sent_again_with_the_same_event_id(
    library: Library, status: int
) -> None:
    library.replies["/api/activities"] = deque([status])
    with crowd_at(library):
        library.until(lambda: library.has_first_activity)
    first = library.event_ids[0]
    assert library.event_ids.count(first) == 2
    assert library.duplicates == 0


def test_an_activity_whose_acknowledgement_got_lost_is_sent_again_unchanged(
    library: Library,
) -> None:
    library.replies["/api/activities"] = deque([HANG_UP])
    with crowd_at(library):
        library.until(lambda: library.event_ids.count(next(iter(library.event_ids), "")) > 1)
    assert (library.duplicates, library.conflicts) == (1, 0)


def test_a_reader_whose_session_has_ended_logs_in_again_and_loses_nothing(
    library: Library,
) -> None:
    library.replies["/api/activities"] = deque([401])
    with crowd_at(library, readers=READERS[:1]):
        library.until(lambda: library.has_first_activity)
    assert len(library.logins) == 2
    assert library.event_ids[:2] == [library.event_ids[0]] * 2


def test_a_refused_login_is_tried_again(library: Library) -> None:
    library.replies["/api/login"] = deque([429, 503, HANG_UP])
    with crowd_at(library, readers=READERS[:1]):
        library.until(lambda: len(library.activities) > 3)
    assert len(library.logins) == 2, "the answer of the first was lost"


def test_a_rejected_activity_is_not_sent_again(library: Library) -> None:
    library.replies["/api/activities"] = deque([422])
    with crowd_at(library):
        library.until(lambda: len(library.activities) > 20)
    assert library.event_ids.count(library.event_ids[0]) == 1


def test_after_an_answer_outside_the_contract_readers_go_on(library: Library) -> None:
    for path in ("/api/login", "/api/heartbeat", "/api/activities"):
        library.replies[path] = deque([NONSENSE])
    with crowd_at(library):
        library.until(lambda: len(library.activities) > 40 and library.heartbeats > 12)
    assert not any(library.replies.values())
    assert len(library.logins) == len(READERS)


def test_readers_who_leave_come_back_and_go_on_reading(library: Library) -> None:
    readers = [replace(reader, habit=Habit.COMES_BACK) for reader in READERS]
    with crowd_at(library, readers=readers, rhythm=RESTLESS):
        library.until(lambda: library.logouts > 5 and len(library.logins) > 2 * len(READERS))


def test_readers_continue_where_they_were(library: Library) -> None:
    book = somewhere(READERS[0], Random(1)).book
    positions = {READERS[0].email: BookPosition(book, page=book.pages // 2)}
    with crowd_at(library, readers=READERS[:1], positions=positions):
        library.until(lambda: len(library.activities) > 0)
    first = library.bodies[0]
    assert first["content_id"] == book.content_id
    assert first["progress_percentage"] >= 50


def test_a_crowd_stops_and_leaves_no_thread(library: Library) -> None:
    with crowd_at(library):
        library.until(lambda: len(library.activities) > 5)
        assert len(threads_of_crowds()) == 4
    assert threads_of_crowds() == []


def test_a_crowd_stops_even_if_the_server_never_answers(library: Library) -> None:
    library.hangs_on = "/api/heartbeat"
    with crowd_at(library):
        library.until(lambda: library.hanging >= 4)
    assert threads_of_crowds() == []


def test_a_crowd_waits_for_a_server_that_is_not_there_yet() -> None:
    waiting = Library()
    port = waiting.server.server_port
    waiting.server.server_close()
    with crowd_at(waiting), Library(port) as library:
        library.until(lambda: len(library.activities) > 20)
    assert threads_of_crowds() == []


def test_a_crowd_of_nobody_ends(library: Library) -> None:
    with crowd_at(library, readers=()):
        assert threads_of_crowds() == []
