"""From a reader's app to a consultant's eyes: real processes, real HTTP, a real terminal."""

import json
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import pytest
from conftest import PASSWORD, Cast
from tui.real_terminal import READWATCH, processes_in, terminal

from readwatch.demo.world import server
from readwatch.store.engine.connections import Database

# Python 3.12 and later say so whenever a process with threads is forked, as pexpect does it.
pytestmark = pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")


def post(api: str, path: str, body: dict[str, Any], token: str = "") -> dict[str, Any]:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    with closing(HTTPConnection(urlsplit(api).netloc, timeout=20)) as connection:
        connection.request("POST", path, json.dumps(body), headers)
        answer: dict[str, Any] = json.load(connection.getresponse())
        return answer


def test_an_activity_that_an_app_posts_is_soon_before_the_consultants_eyes(
    url: str,
    cast: Cast,
    db: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    console = [*READWATCH, "--database", url, "console"]
    with server(url, tmp_path / "server.log") as api, terminal(console) as window:
        window.sees("E-mail")
        window.types(f"{cast.cara.email}\r")
        window.types(f"{PASSWORD}\r")
        window.sees("● LIVE", "nobody is online", "Cara Cook")
        window.types("2")
        window.sees("no activities yet")

        credentials = {"email": cast.ann.email, "password": PASSWORD, "device_type": "tablet"}
        token = post(api, "/api/login", credentials)["token"]
        began = monotonic()
        activity = {
            "activity_type": "chapter_finished",
            "content_id": "moby-dick",
            "content_title": "Moby-Dick",
            "progress_percentage": 42,
        }
        answer = post(api, "/api/activities", activity, token)
        answered = monotonic()
        window.sees("Moby-Dick")
        painted = monotonic()
        assert answer["status"] == "accepted"
        row = window.line("Moby-Dick")
        assert all(words in row for words in ("Ann Archer", "chapter finished", "42%"))
        print(f"answered after {answered - began:.3f} s, painted after {painted - began:.3f} s")

        window.types("1")
        window.sees("● reading  Ann Archer", "1 online")
        window.types("\r")
        window.sees(cast.ann.email, "1 session   1 title")
        assert len(processes_in(tmp_path)) >= 2
        window.types("q")
        assert window.ends() == 0

    entries = db.execute_sql(
        "SELECT consultant_user_id, action_type, target_user_id, action_details"
        " FROM consultant_access_log ORDER BY id"
    )
    assert [tuple(entry) for entry in entries] == [
        (cast.cara.id, "logged_in", None, "console"),
        (cast.cara.id, "viewed_reader_profile", cast.ann.id, "console, from online"),
    ]
    assert processes_in(tmp_path) == []
