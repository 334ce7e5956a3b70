"""The crowd against a small server that plays the contract."""

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
from readwatch.demo.crowd import Crowd, Latencies, Tally
from readwatch.demo.habits import Place, Rhythm, somewhere

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
BUSY = Rhythm(activity_seconds=0.02, pace=0.0)
RESTLESS = Rhythm(activity_seconds=0.02, pace=5000.0)
PEOPLE = cast(12, Random(1))
HANG_UP = 0
NONSENSE = 1


class Library:
    """The server: remembers all that it was told; `moods` are answers it gives instead."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.released = threading.Event()
        self.moods: dict[str, deque[int]] = {}
        self.hangs_on = ""
        self.hanging = 0
        self.heartbeat_seconds: float = 0.05
        self.ids = count(1)
        self.tokens: dict[str, str] = {}
        self.logins: list[dict[str, Any]] = []
        self.agents: set[str] = set()
        self.heartbeats = 0
        self.logouts = 0
        self.tried: list[str] = []
        self.bodies: list[dict[str, Any]] = []
        self.kept: dict[str, dict[str, Any]] = {}
        self.row_ids: dict[str, int] = {}
        library = self

        class Desk(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body in one packet: no waiting for delayed acknowledgements

            def do_POST(self) -> None:
                library.serve(self)

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Desk)
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

    def until(self, true: Callable[[], bool]) -> None:
        with self.changed:
            assert self.changed.wait_for(true, timeout=30)

    def serve(self, desk: BaseHTTPRequestHandler) -> None:
        body = json.loads(desk.rfile.read(int(desk.headers["Content-Length"])))
        with self.changed:
            if desk.path == self.hangs_on:
                self.hanging += 1
                self.changed.notify_all()
        if desk.path == self.hangs_on:
            self.released.wait()
            desk.close_connection = True
            return
        with self.changed:
            moods = self.moods.get(desk.path)
            mood = moods.popleft() if moods else None
            status, answer = self.answer(desk, body, mood)
            self.changed.notify_all()
        if mood == HANG_UP:
            desk.close_connection = True
            return
        content = b"" if status == 204 else json.dumps(answer).encode()
        desk.send_response(status)
        if mood in (429, 503):
            desk.send_header("Retry-After", "0")
        desk.send_header("Content-Length", str(len(content)))
        desk.end_headers()
        desk.wfile.write(content)

    def answer(
        self, desk: BaseHTTPRequestHandler, body: dict[str, Any], mood: int | None
    ) -> tuple[int, object]:
        self.agents.add(desk.headers["User-Agent"])
        if desk.path == "/api/activities":
            self.bodies.append(body)
            self.tried += [item["event_id"] for item in body.get("activities", [body])]
        if mood == NONSENSE:
            return 200, ["what?"]
        if mood is not None and mood >= 400:
            if mood == 401:
                self.tokens.clear()
            return mood, {"title": "not now"}
        if desk.path == "/api/login":
            self.logins.append(body)
            token = f"token-{next(self.ids)}"
            self.tokens[token] = body["email"]
            return 200, {"token": token, "heartbeat_seconds": self.heartbeat_seconds}
        token = desk.headers["Authorization"].removeprefix("Bearer ")
        if token not in self.tokens:
            return 401, {"title": "log in"}
        match desk.path:
            case "/api/heartbeat":
                self.heartbeats += 1
                return 200, {"heartbeat_seconds": self.heartbeat_seconds}
            case "/api/logout":
                self.logouts += 1
                del self.tokens[token]
                return 204, None
            case "/api/activities" if "activities" in body:
                return 200, {"results": [self.keep(item)[1] for item in body["activities"]]}
            case "/api/activities":
                return self.keep(body)
        return 404, {"title": "no such page"}

    def keep(self, item: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        event_id = item["event_id"]
        if event_id in self.kept:
            same = self.kept[event_id] == item
            status = "duplicate" if same else "conflict"
            return (200 if same else 409), {"id": self.row_ids[event_id], "status": status}
        self.kept[event_id] = item
        self.row_ids[event_id] = next(self.ids)
        return 201, {"id": self.row_ids[event_id], "status": "accepted"}


@pytest.fixture
def library() -> Iterator[Library]:
    with Library() as library:
        yield library


def crowd_at(library: Library, **wishes: Any) -> Crowd:
    settings: dict[str, Any] = {
        "people": PEOPLE,
        "password": "open sesame",
        "rng": Random(1),
        "clock": lambda: NOON,
        "rhythm": BUSY,
        "ramp_seconds": 0.0,
        **wishes,
    }
    return Crowd(library.url, **settings)


def threads_of_crowds() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("crowd-")]


def test_readers_log_in_send_heartbeats_and_have_their_activities_acknowledged(
    library: Library,
) -> None:
    with crowd_at(library, keep_acknowledged=True) as crowd:
        library.until(lambda: len(library.kept) > 60 and library.heartbeats > 12)
    tally = crowd.tally()
    assert {login["email"] for login in library.logins} == {person.email for person in PEOPLE}
    assert {login["password"] for login in library.logins} == {"open sesame"}
    assert library.agents == {person.user_agent for person in PEOPLE}
    assert crowd.acknowledged().items() <= library.row_ids.items()
    assert len(crowd.acknowledged()) == tally.accepted >= 50
    assert tally.logins == len(PEOPLE)
    assert tally.heartbeats > 0
    assert tally.latencies["activities"].quantile(0.99) > 0
    assert not tally.rejected


def test_ids_are_forgotten_unless_they_are_asked_for(library: Library) -> None:
    with crowd_at(library) as crowd:
        library.until(lambda: len(library.kept) > 5)
    assert crowd.acknowledged() == {}


def test_batches_are_as_large_as_asked_for(library: Library) -> None:
    with crowd_at(library, batch_size=5) as crowd:
        library.until(lambda: len(library.kept) >= 100)
    assert {len(body["activities"]) for body in library.bodies} == {5}
    assert all(datetime.fromisoformat(body["sent_at"]) >= NOON for body in library.bodies)
    assert crowd.tally().accepted % 5 == 0


@pytest.mark.parametrize("status", [503, 429])
@pytest.mark.parametrize("batch_size", [1, 3])
def test_a_refused_activity_is_sent_again_with_the_same_event_id(
    library: Library, status: int, batch_size: int
) -> None:
    library.moods["/api/activities"] = deque([status])
    with crowd_at(library, batch_size=batch_size) as crowd:
        library.until(lambda: len(library.tried) > 0 and library.tried[0] in library.kept)
    first = library.tried[0]
    assert library.tried.count(first) == 2
    tally = crowd.tally()
    assert tally.errors[str(status)] == 1
    assert tally.retries == 1
    assert tally.duplicates == tally.rejected == 0


def test_an_activity_whose_acknowledgement_got_lost_is_sent_again_unchanged(
    library: Library,
) -> None:
    library.moods["/api/activities"] = deque([HANG_UP])
    with crowd_at(library, keep_acknowledged=True) as crowd:
        library.until(lambda: len(library.kept) > 20 and library.tried.count(library.tried[0]) > 1)
    assert crowd.tally().duplicates == 1
    assert crowd.tally().rejected == 0
    assert library.tried[0] in crowd.acknowledged()


def test_a_reader_whose_session_has_ended_logs_in_again_and_loses_nothing(
    library: Library,
) -> None:
    library.moods["/api/activities"] = deque([401])
    with crowd_at(library, people=PEOPLE[:1]) as crowd:
        library.until(lambda: len(library.tried) > 0 and library.tried[0] in library.kept)
    assert len(library.logins) == 2
    assert library.tried[:2] == [library.tried[0]] * 2
    assert crowd.tally().errors == {"401": 1}


def test_a_refused_login_is_tried_again(library: Library) -> None:
    library.moods["/api/login"] = deque([429, 503, HANG_UP])
    with crowd_at(library, people=PEOPLE[:1]) as crowd:
        library.until(lambda: len(library.kept) > 3)
    assert crowd.tally().logins == 1


def test_a_rejected_activity_is_counted_and_not_sent_again(library: Library) -> None:
    library.moods["/api/activities"] = deque([422])
    with crowd_at(library) as crowd:
        library.until(lambda: len(library.kept) > 20)
    assert library.tried.count(library.tried[0]) == 1
    assert crowd.tally().rejected == 1


def test_an_answer_outside_the_contract_is_counted_and_hurts_nobody(library: Library) -> None:
    for path in ("/api/login", "/api/heartbeat", "/api/activities"):
        library.moods[path] = deque([NONSENSE])
    with crowd_at(library) as crowd:
        library.until(lambda: len(library.kept) > 40 and library.heartbeats > 12)
    assert crowd.tally().errors == {"ValueError": 3}
    assert crowd.tally().logins == len(PEOPLE)


def test_readers_who_leave_come_back_and_go_on_reading(library: Library) -> None:
    people = [replace(person, habit=Habit.COMES_BACK) for person in PEOPLE]
    with crowd_at(library, people=people, rhythm=RESTLESS) as crowd:
        library.until(lambda: library.logouts > 5 and len(library.logins) > 2 * len(PEOPLE))
    assert crowd.tally().logins > len(PEOPLE)
    assert crowd.tally().logouts >= 5


def test_readers_go_on_at_the_place_where_they_were(library: Library) -> None:
    book = somewhere(PEOPLE[0], Random(1)).book
    places = {PEOPLE[0].email: Place(book, page=book.pages // 2)}
    with crowd_at(library, people=PEOPLE[:1], places=places):
        library.until(lambda: len(library.kept) > 0)
    first = library.bodies[0]
    assert first["content_id"] == book.content_id
    assert first["progress_percentage"] >= 50


def test_a_crowd_ends_by_itself_and_its_readers_send_the_rest_and_log_out(
    library: Library,
) -> None:
    crowd = crowd_at(library, batch_size=500, duration=0.2, log_out_at_end=True).start()
    assert crowd.wait(timeout=30)
    assert library.tokens == {}
    assert crowd.tally().logouts == len(PEOPLE)
    assert crowd.tally().accepted == len(library.kept) > 0
    assert threads_of_crowds() == []


def test_a_crowd_stops_and_leaves_no_thread(library: Library) -> None:
    with crowd_at(library):
        library.until(lambda: len(library.kept) > 5)
        assert len(threads_of_crowds()) == 4
    assert threads_of_crowds() == []


def test_a_crowd_stops_even_if_the_server_never_answers(library: Library) -> None:
    library.hangs_on = "/api/heartbeat"
    crowd = crowd_at(library, log_out_at_end=True).start()
    library.until(lambda: library.hanging >= 4)
    crowd.stop()
    assert threads_of_crowds() == []


def test_a_crowd_waits_for_a_server_that_is_not_there_and_stops_without_it() -> None:
    library = Library()
    library.server.server_close()
    crowd = crowd_at(library, duration=0.3).start()
    assert crowd.wait(timeout=30)
    assert crowd.tally().errors["ConnectionRefusedError"] >= len(PEOPLE)
    assert crowd.stop().logins == 0


def test_nobody_is_a_crowd_too() -> None:
    with Crowd("http://127.0.0.1:9", (), "x", rng=Random(1), clock=lambda: NOON) as crowd:
        assert crowd.wait(timeout=30)
    assert crowd.tally() == Tally()


def test_quantiles_are_right_to_a_step_of_the_ladder() -> None:
    steps = [0] * 384
    steps[100], steps[200] = 98, 2
    latencies = Latencies(tuple(steps))
    assert latencies.quantile(0.5) == pytest.approx(1e-5 * 2 ** (101 / 16))
    assert latencies.quantile(0.99) == pytest.approx(1e-5 * 2 ** (201 / 16))
    assert Latencies().quantile(0.5) == 0.0
