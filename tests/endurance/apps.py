"""Readers' apps that follow the README: they send a request again until it is answered.

Each runs in its own thread and stores the responses.
"""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException
from random import Random
from threading import Event
from typing import Any

from conftest import PASSWORD
from ingest.process import TIMEOUT

Answer = tuple[int, Any]


class Lost(Exception):
    """The connection was lost, so that the outcome of the request is unknown."""


@dataclass
class StubbornApp:
    """An app of one reader that sometimes loses its connection, and continues."""

    port: int
    email: str
    timeout: float = TIMEOUT
    token: str = field(default="", repr=False)
    user_id: int = 0
    lost: int = 0
    refused: int = 0
    retry_after: int = 0
    resume_token: str = field(default="", repr=False)
    signed_out: int = 0

    def __post_init__(self) -> None:
        self.connection = HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)

    def once(self, method: str, path: str, body: Any = None) -> Answer:
        """Send a request once; raise `Lost` without a response."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        try:
            self.connection.request(method, path, body and json.dumps(body), headers)
            answer = self.connection.getresponse()
            self.retry_after = int(answer.headers.get("Retry-After", 0))
            return answer.status, json.loads(answer.read() or b"null")
        except TimeoutError:
            raise
        except (OSError, HTTPException):
            self.connection.close()
            self.lost += 1
            raise Lost from None

    def post(self, path: str, body: Any = None) -> Answer:
        """Send a request until the response is neither 429 nor 503."""
        until = datetime.now(UTC) + timedelta(seconds=self.timeout)
        pause = Event()
        while datetime.now(UTC) < until:
            try:
                status, answer = self.once("POST", path, body)
            except Lost:
                pause.wait(0.02)
                continue
            if status not in (429, 503):
                return status, answer
            self.refused += 1
            pause.wait(0.1)
        raise AssertionError(f"{path} was not answered within {self.timeout} s")

    def login(self) -> int:
        """Log in and return the session's id."""
        credentials = {"email": self.email, "password": PASSWORD, "device_type": "tablet"}
        return self._begin_session(*self.post("/api/login", credentials))

    def resume(self) -> int:
        """Begin a new session without the password, and return its id; log in if that fails."""
        status, answer = self.post("/api/resume", {"resume_token": self.resume_token})
        if status == 401:
            self.signed_out += 1
            return self.login()
        return self._begin_session(status, answer)

    def _begin_session(self, status: int, answer: Any) -> int:
        assert status == 200, answer
        self.token, self.user_id = answer["token"], answer["user"]["id"]
        self.resume_token = answer["resume_token"]
        session_id: int = answer["session_id"]
        return session_id


@dataclass
class Told:
    """The responses to the apps; the stored data must agree with them."""

    activities: dict[tuple[int, str], int] = field(default_factory=dict)
    sessions: set[int] = field(default_factory=set)
    duplicates: int = 0

    def note(self, app: StubbornApp, event_id: str, item: dict[str, Any]) -> None:
        """Store the response for one activity; a second response has to agree with the first."""
        assert item["status"] in ("accepted", "duplicate"), item
        self.duplicates += item["status"] == "duplicate"
        known = self.activities.setdefault((app.user_id, event_id), item["id"])
        assert known == item["id"], "a retry is told the id of the first"


TYPES = ("page_read", "chapter_finished", "quiz_completed", "note_taken")


def activity(event_id: str) -> dict[str, Any]:
    """Return an activity, current or offline, that depends only on its id."""
    chance = Random(event_id)
    told: dict[str, Any] = {"activity_type": chance.choice(TYPES), "event_id": event_id}
    if chance.random() < 0.9:
        book = chance.randrange(12)
        told |= {"content_id": f"book-{book}", "content_title": f"Book {book}"}
    if chance.random() < 0.8:
        told["progress_percentage"] = chance.randrange(101)
    if chance.random() < 0.8:
        told["duration_seconds"] = chance.randrange(600)
    if chance.random() < 0.2:
        told["occurred_at"] = f"2026-01-{chance.randrange(1, 29):02}T10:00:00Z"
    return told
