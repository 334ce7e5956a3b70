"""Requests that are too large, too slow or malformed: refused clearly, without delaying others."""

import gzip
import json
import re
import socket
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPException
from time import monotonic
from typing import Any

import pytest
from conftest import PASSWORD, Cast, StillClock
from copies import SQLiteCopies
from endurance.apps import StubbornApp
from ingest.api import Api, ApiClient, fetch_all, invalid_fields, problem
from ingest.process import TIMEOUT, App, ServerProcess, serving

from readwatch.ingest.app import create_app
from readwatch.ingest.body_reads import BodyRead
from readwatch.ingest.body_timeout import (
    BODY_TIMEOUT_SECONDS,
    connection_of,
    idle_to_close,
    reads_to_abort,
    waiting_since,
)
from readwatch.ingest.field_types import MAX_DEPTH
from readwatch.ingest.request_body import MAX_LOGIN_BYTES
from readwatch.ingest.server import IDLE_TIMEOUT_SECONDS, MAX_HEADER_BYTES, THREADS
from readwatch.ingest.services import Settings
from readwatch.ingest.sockets import Connection
from readwatch.store.engine.connections import Database
from readwatch.store.recording.writer import MAX_REQUEST_BYTES

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
on_linux = pytest.mark.skipif("sys.platform != 'linux'", reason="elsewhere only a proxy can do it")

PAGE = {"activity_type": "page_read", "content_title": "Emma"}
GZIPPED = gzip.compress(json.dumps(PAGE).encode(), mtime=0)
LIVEZ = b"GET /livez HTTP/1.1\r\nHost: readwatch\r\n\r\n"


@pytest.fixture(scope="module")
def shared_server(
    sqlite_copies: SQLiteCopies, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    """One server for all tests that change nothing; it has to stop without a warning."""
    path = tmp_path_factory.mktemp("shared") / "readwatch.db"
    with serving(sqlite_copies.copy_to(path, with_cast=True)) as server:
        yield server
        assert server.stop() == (0, "", "")


@pytest.fixture(scope="module")
def shared_ann(shared_server: ServerProcess) -> App:
    """Ann's app, which uses the shared server."""
    return shared_server.app("ann@example.org")


def connection(server: ServerProcess, sent: bytes, source: str = "127.0.0.1") -> socket.socket:
    """Return a connection over which these bytes were sent."""
    client = socket.create_connection(("127.0.0.1", server.port), TIMEOUT, (source, 0))
    client.sendall(sent)
    return client


# Slow apps --------------------------------------------------------------------------------------


def head(path: str, length: int, *more: str) -> bytes:
    """Return the header of a POST whose body has this length."""
    lines = (f"POST {path} HTTP/1.1", "Host: x", f"Content-Length: {length}", *more, "", "")
    return "\r\n".join(lines).encode()


INVALID = "Authorization: Bearer rw_invalid"


def status_of_login(server: ServerProcess, credentials: dict[str, str]) -> int:
    """Log in over a new connection; return the status, 0 without a response."""
    try:
        return server.app().post("/api/login", credentials)[0]
    except (OSError, HTTPException):
        return 0


@on_linux
@on_sqlite
def test_slow_bodies_without_a_token_do_not_delay_readers_at_the_same_address(
    url: str, cast: Any
) -> None:
    """As in a school, where all have one address.

    The kernel's times can take Ann's connection for that of a slow body, if the machine is so busy
    that she waits for an answer herself: her app sends the post again.
    """
    ben = {"email": "ben@example.org", "password": PASSWORD}
    with serving(url) as server:
        with ExitStack() as connections:
            ann = StubbornApp(server.port, "ann@example.org")
            connections.callback(ann.connection.close)
            ann.login()
            for _ in range(64):
                for path, more in (("/api/login", ()), ("/api/activities", (INVALID,))):
                    slow = connection(server, head(path, 50, *more) + b"{")
                    connections.enter_context(slow)
            for _ in range(12):
                assert ann.post("/api/activities", PAGE)[0] == 201
            assert ann.refused == 0
            deadline = monotonic() + TIMEOUT
            while status_of_login(server, ben) != 200:  # until slow logins have been closed
                assert monotonic() < deadline
        code, _, log = server.stop()
    assert (code, "many slow request bodies" in log) == (0, True)


@on_linux
@on_sqlite
def test_slow_bodies_of_one_client_keep_nobody_else_out(url: str, cast: Cast) -> None:
    """Neither those of an address nor those of a reader; health checks are answered, too."""
    with serving(url) as server, ExitStack() as connections:
        ann = f"Authorization: Bearer {server.app(cast.ann.email).token}"
        for path, more in (("/api/login", ()), ("/api/activities", (ann,))):
            for _ in range(THREADS + 50):
                slow = connection(server, head(path, 50, *more) + b"{", "127.0.0.2")
                connections.enter_context(slow)
            for person in (cast.ben, cast.cara, cast.ben):
                server.app(person.email)
                assert server.app().request("GET", "/livez")[0] == 200


def test_a_request_that_is_refused_by_its_header_is_answered_before_its_body_arrives(
    shared_server: ServerProcess, shared_ann: App
) -> None:
    ann = f"Authorization: Bearer {shared_ann.token}"
    for status, path, more in (
        (401, "/api/activities", ()),
        (401, "/api/activities", (INVALID,)),
        (404, "/api/nothing", ()),
        (405, "/livez", ()),
        (415, "/api/login", ("Content-Encoding: br",)),
        (415, "/api/activities", (ann, "Content-Encoding: br")),
    ):
        with connection(shared_server, head(path, 1000, *more)) as app:
            assert (path, statuses(app, 1)) == (path, [status])
            app.sendall(b"x" * 1000 + LIVEZ)
            assert (path, statuses(app, 1)) == (path, [200]), "the connection stays open"


@on_linux
@on_sqlite
def test_idle_connections_do_not_keep_readers_out(url: str, cast: Any) -> None:
    few_files = ("sh", "-c", 'ulimit -n 512 && exec "$@"', "sh")  # 256 connections
    with serving(url, before=few_files) as server:
        with ExitStack() as connections:
            for sent in (b"", b"POST /api/", LIVEZ) * 100:
                connections.enter_context(connection(server, sent))
            ann = server.app("ann@example.org")
            assert ann.post("/api/activities", PAGE)[0] == 201
        code, _, log = server.stop()
    assert (code, "too many open connections" in log) == (0, True)


def read(since: float, network: str | None = None) -> BodyRead:
    return BodyRead("127.0.0.1", since, since, network)


def test_half_of_the_requests_may_wait_for_slow_bodies_for_a_limited_time() -> None:
    waits = [read(since) for since in (5.0, 3.0, 4.0, 100.0)]
    assert list(reads_to_abort(waits, 3, now=6.0)) == []
    assert [wait.since for wait in reads_to_abort(waits, 1, now=6.01)] == [3.0, 4.0]
    assert [wait.since for wait in reads_to_abort(waits, 4, now=4.5 + BODY_TIMEOUT_SECONDS)] == [
        3.0,
        4.0,
    ]


def test_of_the_slow_bodies_without_a_token_a_network_may_have_two() -> None:
    waits = [read(2.0, "a"), read(1.0, "a"), read(3.0, "b"), read(4.0, "a"), read(0.0), read(9.5)]
    assert list(reads_to_abort(waits, 16, now=10.0)) == [read(1.0, "a")]


def open_connection(
    port: int,
    *,
    sent: float,
    received: float,
    waits: bool = False,
    answered: bool = True,
    address: str = "127.0.0.1",
) -> Connection:
    return Connection(port, (address, port), sent, received, waits, answered)


def test_the_connection_of_a_slow_body_is_the_one_that_the_kernel_shows() -> None:
    body, now = read(5.0), 8.0
    idle = open_connection(1, sent=3.0, received=3.01)
    elsewhere = open_connection(2, sent=3.0, received=3.0, waits=True, address="127.0.0.2")
    answered = open_connection(3, sent=0.5, received=3.0)
    in_process = open_connection(4, sent=60.0, received=0.1, waits=True)
    others = [idle, elsewhere, answered, in_process]
    assert connection_of(body, others, {}, now) is None

    silent = open_connection(5, sent=3.01, received=3.01, waits=True)
    assert connection_of(body, [*others, silent], {}, now) == silent
    by_the_byte = open_connection(6, sent=9.0, received=0.2, waits=True)
    for since, found in ((7.75, None), (7.5, by_the_byte)):
        waiting = {by_the_byte.peer: since}
        assert connection_of(body, [*others, by_the_byte], waiting, now) == found
    unanswered = open_connection(8, sent=60.0, received=12.0, waits=True)
    for since, found in ((-2.0, None), (-2.1, unanswered)):
        waiting = {unanswered.peer: since}
        assert connection_of(body, [*others, unanswered], waiting, now) == found

    waited_for_a_slot = BodyRead("127.0.0.1", 4.0, 5.0, "127.0.0.1")
    since_then = open_connection(7, sent=4.01, received=4.01, waits=True)
    assert connection_of(waited_for_a_slot, [*others, silent, since_then], {}, now) == since_then

    discarded = BodyRead("127.0.0.1", 5.0, 5.0, "127.0.0.1", is_discarded=True)
    assert connection_of(discarded, others, {}, now) == idle


def test_a_login_behind_the_proxy_of_a_slow_body_keeps_its_connection() -> None:
    """Its request is complete, so nothing arrives while it waits."""
    body = read(since=6.0)
    by_the_byte = open_connection(1, sent=60.0, received=0.2, waits=True)
    login = open_connection(2, sent=60.0, received=1.7, waits=True)
    waiting = {by_the_byte.peer: 6.3, login.peer: 6.4}
    assert connection_of(body, [login, by_the_byte], waiting, now=8.0) == by_the_byte
    assert connection_of(body, [login], waiting, now=8.0) is None


def test_a_response_ends_the_wait_that_a_connection_is_known_for() -> None:
    """Of an app that posts all the time each look can find the next request."""
    in_process = open_connection(1, sent=60.0, received=0.5, waits=True)
    posts_again = open_connection(2, sent=0.2, received=0.1, waits=True)
    idle = open_connection(3, sent=0.2, received=0.3)
    connections = [in_process, posts_again, idle]
    before = waiting_since({}, connections, 7.7)
    assert before == {in_process.peer: 7.7, posts_again.peer: 7.7}
    assert waiting_since(before, connections, 8.0) == {in_process.peer: 7.7, posts_again.peer: 8.0}


def test_the_networks_with_most_idle_connections_lose_them_first_the_longest_silent() -> None:
    school = [open_connection(n, sent=50 + n, received=50 + n) for n in range(3)]
    attacker = [
        open_connection(n, sent=2 + n, received=2 + n, address=f"2001:db8::{n}")
        for n in range(10, 16)
    ]
    busy = [open_connection(n, sent=90, received=9, waits=True) for n in range(20, 30)]
    fresh = [open_connection(n, sent=0.1, received=0.1) for n in range(30, 40)]
    never_answered = open_connection(50, sent=1.5, received=1.5, answered=False)
    connections = [*school, *busy, *attacker, *fresh]

    closed = idle_to_close(connections, most=len(connections) - 3)

    assert closed == attacker[:2:-1]
    assert idle_to_close([*school, never_answered], most=3) == [never_answered]
    assert set(idle_to_close(connections, most=0)) == {*school, *attacker}
    assert idle_to_close(connections, most=len(connections)) == []


def test_incomplete_headers_do_not_delay_others(shared_server: ServerProcess) -> None:
    server = shared_server
    with ExitStack() as connections:
        slow = [connections.enter_context(connection(server, b"G")) for _ in range(200)]
        ann = server.app("ann@example.org")
        for letter in LIVEZ[1:].decode():
            for one in slow:
                one.sendall(letter.encode())
            assert ann.post("/api/heartbeat")[0] == 200
        assert all(one.recv(100).startswith(b"HTTP/1.1 200 OK") for one in slow)


@pytest.mark.proof
@on_sqlite
def test_a_connection_without_a_request_is_closed(url: str, cast: Any) -> None:
    with serving(url) as server, ExitStack() as connections:
        idle = [
            connections.enter_context(connection(server, sent)) for sent in (b"", LIVEZ[:9], LIVEZ)
        ]
        answer = b""
        while not answer.endswith(b"}\n"):
            answer += idle[2].recv(1000)
        assert answer.startswith(b"HTTP/1.1 200 OK")
        for one in idle:
            one.settimeout(IDLE_TIMEOUT_SECONDS + TIMEOUT)
            assert one.recv(1000) == b""


# Headers ----------------------------------------------------------------------------------------


def test_a_header_that_is_too_large_is_refused(shared_server: ServerProcess) -> None:
    large = LIVEZ[:-2] + b"User-Agent: " + b"x" * 2 * MAX_HEADER_BYTES
    with connection(shared_server, large) as app:
        assert app.recv(1000).startswith(b"HTTP/1.1 431 ")


# Bodies -----------------------------------------------------------------------------------------


ONE = json.dumps(PAGE).encode()


@pytest.mark.parametrize(
    ("framing", "sent"),
    [
        ("Content-Length: 500", ONE),
        (f"Content-Length: {len(ONE) + 1}", ONE),
        ("Content-Length: 500\r\nContent-Encoding: gzip", GZIPPED),
        ("Transfer-Encoding: chunked", b"%x\r\n%s" % (len(ONE), ONE[:-1])),
        ("Transfer-Encoding: chunked", b"%x\r\n%s\r\n" % (len(ONE) - 1, ONE[:-1])),
        (
            "Transfer-Encoding: chunked\r\nContent-Encoding: gzip",
            b"%x\r\n%s\r\n" % (len(GZIPPED) - 1, GZIPPED[:-1]),
        ),
    ],
)
def test_a_body_that_is_cut_off_is_refused_and_nothing_is_stored(
    shared_server: ServerProcess, shared_ann: App, framing: str, sent: bytes
) -> None:
    ann = shared_ann
    start = f"POST /api/activities HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ann.token}\r\n"
    with connection(shared_server, f"{start}{framing}\r\n\r\n".encode() + sent) as app:
        app.shutdown(socket.SHUT_WR)
        assert statuses(app, 1) == [400]
    assert ann.request("GET", "/api/readers/1/activities") == (200, {"activities": []})


def test_a_content_length_above_the_limit_is_refused_before_the_body_is_sent(
    shared_server: ServerProcess,
) -> None:
    ann = shared_server.app("ann@example.org")
    for path, size in (("login", MAX_LOGIN_BYTES + 1), ("activities", 1024**3)):
        head = f"POST /api/{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ann.token}\r\n"
        with connection(shared_server, f"{head}Content-Length: {size}\r\n\r\n".encode()) as app:
            assert app.recv(1000).startswith(b"HTTP/1.1 413 ")


def test_an_invalid_token_is_answered_also_with_a_large_body(shared_server: ServerProcess) -> None:
    batch = {"activities": [PAGE | {"metadata": {"note": "x" * 1900}}] * 500}
    app = shared_server.app()
    app.token = "rw_invalid"
    for _ in range(50):
        assert app.post("/api/activities", batch)[0] == 401


def test_the_body_of_a_login_has_a_smaller_limit(api: Api) -> None:
    def refusal(size: int, **encoding: str) -> str:
        body = b'{"email": ""}'.ljust(size)
        compressed = gzip.compress(body) if encoding else body
        answer = api.post("/api/login", data=compressed, headers=encoding)
        return str(problem(answer, answer.status_code)["detail"])

    assert refusal(MAX_LOGIN_BYTES).startswith("email: ")
    assert refusal(MAX_LOGIN_BYTES + 1) == "the body is larger than 16 KiB"
    assert refusal(MAX_LOGIN_BYTES + 1, **{"Content-Encoding": "gzip"}).endswith("than 16 KiB")


def posted(app: ApiClient, body: bytes, encoding: str = "gzip") -> Any:
    return app.post("/api/activities", data=body, headers={"Content-Encoding": encoding})


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip"])
def test_a_body_may_be_compressed(ann: ApiClient, db: Database, encoding: str) -> None:
    assert posted(ann, GZIPPED, encoding).status_code == 201
    assert fetch_all(db, "SELECT content_title FROM reader_activities") == [("Emma",)]


def test_the_limit_applies_after_decompression_too(ann: ApiClient) -> None:
    largest = json.dumps({"activity_type": "Page"}).encode().ljust(MAX_REQUEST_BYTES)
    problem(posted(ann, gzip.compress(largest)), 422)
    problem(posted(ann, gzip.compress(largest + b" ")), 413)
    problem(posted(ann, gzip.compress(b" " * 64 * MAX_REQUEST_BYTES)), 413)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "the gzip body is incomplete"),
        (GZIPPED[:-1], "the gzip body is incomplete"),
        (GZIPPED[:20], "the gzip body is incomplete"),
        (GZIPPED + b"x", "data after the end"),
        (GZIPPED + GZIPPED, "data after the end"),
        (GZIPPED[:-8] + b"\0" * 8, "incorrect data check"),
        (b"{}", "incorrect header check"),
        (zlib.compress(b"{}"), "incorrect header check"),
        (gzip.compress(b"{", mtime=0), "the body is not valid JSON"),
    ],
)
def test_invalid_gzip_is_refused(ann: ApiClient, body: bytes, why: str) -> None:
    assert why in problem(posted(ann, body), 400)["detail"]


@pytest.mark.parametrize("encoding", ["br", "deflate", "zstd", "gzip, gzip", "x" * 8000])
def test_another_encoding_is_refused_and_gzip_is_named(ann: ApiClient, encoding: str) -> None:
    answer = posted(ann, GZIPPED, encoding)
    problem(answer, 415)
    assert answer.headers["Accept-Encoding"] == "gzip"


# Their content -----------------------------------------------------------------------------------


STORED_METADATA = "SELECT CAST(metadata_json AS TEXT) FROM reader_activities ORDER BY id"


def nested(levels: int) -> Any:
    return {"a": [] if levels == 2 else [nested(levels - 2)]}


def test_metadata_is_nested_up_to_the_limit(ann: ApiClient, db: Database) -> None:
    deep = PAGE | {"metadata": {"a": nested(MAX_DEPTH)}}
    fine = PAGE | {"metadata": nested(MAX_DEPTH)}
    empty: list[object] = []
    wide = PAGE | {"metadata": {"a": [empty] * 1000}}

    members = problem(ann.post("/api/activities", deep), 422)
    assert members["detail"] == "metadata: is nested more than 32 levels deep"
    results = ann.post("/api/activities", {"activities": [fine, deep, wide]}).get_json()["results"]
    assert [result["status"] for result in results] == ["accepted", "invalid", "accepted"]
    assert invalid_fields(results[1]["problem"], 422) == ["metadata"]
    stored = [json.loads(metadata) for (metadata,) in fetch_all(db, STORED_METADATA)]
    assert stored == [fine["metadata"], wide["metadata"]]


@pytest.mark.parametrize("start", [b"[", b'{"a":', b'{"activities":[', b'"\\u0000'])
def test_a_mebibyte_of_opening_brackets_is_refused(ann: ApiClient, start: bytes) -> None:
    body = start * (MAX_REQUEST_BYTES // len(start))
    problem(ann.post("/api/activities", data=body), 400)


def test_a_long_number_in_metadata_is_stored(ann: ApiClient, db: Database) -> None:
    metadata = {"long": 10**4000, "small": 5e-324}
    assert ann.post("/api/activities", PAGE | {"metadata": metadata}).status_code == 201
    assert [json.loads(text) for (text,) in fetch_all(db, STORED_METADATA)] == [metadata]


def test_of_a_duplicate_member_the_last_one_is_used(ann: ApiClient, db: Database) -> None:
    body = b'{"activity_type": "page_read", "content_title": "Momo", "content_title": "Emma"}'
    assert ann.post("/api/activities", data=body).status_code == 201
    assert fetch_all(db, "SELECT content_title FROM reader_activities") == [("Emma",)]


def test_a_batch_has_at_most_500_items(ann: ApiClient) -> None:
    members = problem(ann.post("/api/activities", {"activities": [{}] * 501}), 422)
    assert invalid_fields(members, 422) == ["activities"]
    results = ann.post("/api/activities", {"activities": [{}] * 499 + [PAGE]}).get_json()["results"]
    assert [result["status"] for result in results] == ["invalid"] * 499 + ["accepted"]


# Behind proxies ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hops", "forwarded", "address"),
    [
        (0, "203.0.113.7", "127.0.0.1"),
        (1, "203.0.113.7", "203.0.113.7"),
        (1, "198.51.100.9, 203.0.113.7", "203.0.113.7"),
        (2, "198.51.100.9, 203.0.113.7", "198.51.100.9"),
        (2, "2001:db8::7, 203.0.113.7", "2001:db8::7"),
        (2, "203.0.113.7", "127.0.0.1"),
        (1, None, "127.0.0.1"),
        (1, "", "127.0.0.1"),
        (1, "unknown", "127.0.0.1"),
        (1, "203.0.113.7:4711", "127.0.0.1"),
        (1, "fe80::1%" + "x" * 60, "127.0.0.1"),
        (1, "\u0000", "127.0.0.1"),
        (1, "x" * 8000, "127.0.0.1"),
    ],
)
def test_the_address_is_the_one_that_the_outermost_trusted_proxy_received(
    url: str, cast: Cast, db: Database, hops: int, forwarded: str | None, address: str
) -> None:
    app = create_app(Settings(url, bcrypt_cost=4, proxy_hops=hops), StillClock())
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    body = {"email": "ann@example.org", "password": PASSWORD}
    answer = app.test_client().post("/api/login", json=body, headers=headers)
    app.extensions["readwatch"].close()

    assert answer.status_code == 200
    assert fetch_all(db, "SELECT ip_address FROM reader_sessions") == [(address,)]


# Unusual requests -------------------------------------------------------------------------------


UNUSUAL_REQUESTS: list[tuple[int, str, str, dict[str, str]]] = [
    (200, "HEAD", "/livez", {}),
    (200, "OPTIONS", "/api/activities", {}),
    (200, "GET", "/livez", {"User-Agent": "x" * 65536}),
    (200, "GET", "/livez?limit=%00&\u00ff=%ff", {}),
    (200, "GET", "/api/activities?limit=1&limit=x", {}),
    (404, "GET", "/livez/", {}),
    (404, "GET", "/api//me", {}),
    (404, "GET", "/livez%00", {}),
    (404, "GET", "/%ff%fe", {}),
    (404, "GET", "/api/readers/0", {}),
    (404, "GET", "/api/readers/-1", {}),
    (404, "GET", "/api/readers/007", {}),
    (404, "GET", "/api/readers/1%00", {}),
    (404, "GET", "/api/readers/%D9%A3", {}),
    (404, "GET", f"/api/readers/{2**63 - 1}", {}),
    (404, "GET", f"/api/readers/{2**63}", {}),
    (404, "GET", "/api/readers/" + "9" * 5000 + "/sessions", {}),
    (405, "GET", "/api/heartbeat", {"X-HTTP-Method-Override": "POST"}),
    (405, "POST", "/livez?_method=GET", {}),
    (405, "TRACE", "/api/me", {}),
    (422, "GET", "/api/activities?limit=-1", {}),
    (422, "GET", "/api/activities?limit=%00", {}),
    (422, "GET", "/api/activities?limit=x&limit=1", {}),
    (422, "GET", "/api/activities?after=" + "9" * 5000, {}),
    (401, "GET", "/api/me", {"Authorization": "Bearer \u00e9\u0000"}),
    (401, "GET", "/api/me", {"Authorization": "Bearer " + "x" * 65536}),
]


def test_an_unusual_request_gets_a_regular_response(cara: ApiClient) -> None:
    for status, method, path, headers in UNUSUAL_REQUESTS:
        answer = cara.request(method, path, headers=headers)
        assert (method, path, answer.status_code) == (method, path, status)
        if status >= 400:
            problem(answer, status)
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_an_unusual_login_gets_a_regular_response(api: Api, cast: Cast, db: Database) -> None:
    body = {"email": "ann@example.org", "password": PASSWORD}
    answer = api.post("/api/login", body, headers={"User-Agent": "\u00e9" + "x" * 65536})
    assert answer.status_code == 200
    assert problem(api.post("/api/login", body | {"password": "\0"}), 401)
    assert problem(api.post("/api/login", body | {"email": "\0"}), 422)


ON_THE_WIRE: list[tuple[bytes, list[int]]] = [
    (LIVEZ * 3, [200, 200, 200]),
    (b"GET /livez HTTP/1.0\r\n\r\n", [200]),
    (b"GET http://other/livez HTTP/1.1\r\nHost: x\r\n\r\n", [200]),
    (b"GET /api/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\xfe\r\n\r\n", [401]),
    (b"GET /livez HTTP/1.1\r\nHost: x\r\nCookie: \0\r\n\r\n", [400]),
    (b"GET /livez HTTP/1.1\r\nNo colon\r\n\r\n", [400]),
    (b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n", [400]),
    (b"GET /livez\r\n\r\n", [400]),
    (b"POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", [400]),
    (
        b"POST /api/login HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
        b"Content-Length: 2\r\n\r\n{}",
        [100, 422],
    ),
    (
        b"POST /api/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
        [400],
    ),
]


def statuses(app: socket.socket, count: int) -> list[int]:
    """Return the statuses received until there are so many or the connection ends."""
    received = b""
    while received.count(b"HTTP/1.") < count and (more := app.recv(4096)):
        received += more
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d\d\d)", received)]


def test_malformed_bytes_get_a_status_and_stop_nothing(shared_server: ServerProcess) -> None:
    for sent, expected in ON_THE_WIRE:
        with connection(shared_server, sent) as app:
            assert (sent, statuses(app, len(expected))) == (sent, expected)
    assert shared_server.app().request("GET", "/livez")[0] == 200
