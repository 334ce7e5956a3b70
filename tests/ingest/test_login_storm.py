"""A hundred readers log in at the same time while others go on reading."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from threading import Barrier, Event
from time import sleep

import pytest
from conftest import NOON
from ingest.api import fetch_all
from ingest.process import TIMEOUT, App, ServerProcess, serving

from readwatch.domain.users import UserRole
from readwatch.store.engine.connections import Database
from readwatch.store.identity.passwords import hash_password
from readwatch.store.identity.users import NewUser, add_user

READERS = 100
COST = 7
"""High enough for the logins to form a queue."""


@pytest.fixture
def readers(db: Database) -> list[str]:
    """The e-mail addresses of those who log in."""
    stored_hash, emails = hash_password("a morning's password", COST), []
    with db.atomic():
        for number in range(READERS):
            emails.append(f"reader{number}@example.org")
            add_user(
                db,
                NewUser(
                    email=emails[-1],
                    full_name=f"Reader {number}",
                    user_role=UserRole.READER,
                    password_hash=stored_hash,
                ),
                NOON,
            )
    return emails


def log_in(server: ServerProcess, email: str) -> Iterator[int]:
    """Log in and retry after `Retry-After`; yield the statuses."""
    body = json.dumps({"email": email, "password": "a morning's password"})
    status = 429
    while status == 429:
        with closing(HTTPConnection("127.0.0.1", server.port, timeout=TIMEOUT)) as connection:
            connection.request("POST", "/api/login", body)
            answer = connection.getresponse()
            answer.read()
            yield (status := answer.status)
            if status == 429:
                sleep(int(answer.headers["Retry-After"]))


def read_on(app: App, over: Event) -> set[int]:
    statuses = set()
    while not over.wait(0.01):
        statuses.add(app.post("/api/heartbeat")[0])
    return statuses


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_hundred_logins_at_once_succeed_while_heartbeats_are_answered(
    url: str, cast: object, readers: list[str], db: Database
) -> None:
    start, over = Barrier(READERS), Event()

    def arrive(email: str) -> list[int]:
        start.wait(TIMEOUT)
        return list(log_in(server, email))

    with serving(url) as server, ThreadPoolExecutor(READERS + 1) as threads:
        reading = threads.submit(read_on, server.app("ann@example.org"), over)
        try:
            answers = list(threads.map(arrive, readers))
        finally:
            over.set()
        assert reading.result() == {200}

    assert {statuses[-1] for statuses in answers} == {200}
    assert {status for statuses in answers for status in statuses} <= {200, 429}
    assert max(len(statuses) for statuses in answers) <= 5, "Retry-After is realistic"
    assert fetch_all(db, "SELECT count(*) FROM reader_sessions") == [(READERS + 1,)]
