"""A morning: a hundred log in at the same moment, a thousand read, and nobody meets an error."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Barrier

from conftest import NOON, Cast
from endurance.apps import StubbornApp, activity
from endurance.length import short_and_long
from endurance.truth import assert_healthy, assert_no_fault
from ingest.api import fetch_all
from ingest.process import TIMEOUT, serving

from readwatch.domain.users import UserRole
from readwatch.store.engine.connections import Database
from readwatch.store.identity.users import NewUser, add_user

AT_ONCE = 100
CONNECTIONS = 32


@short_and_long("sessions", 200, 1000)
def test_a_hundred_logins_at_once_and_a_thousand_sessions_meet_no_error(
    url: str,
    cast: Cast,
    db: Database,
    password_hash: str,
    sessions: int,
    proved: Callable[[str], None],
) -> None:
    """Who is told to come back later does so; that is no error."""
    emails = [f"reader{number}@example.org" for number in range(sessions)]
    with db.atomic():
        for email in emails:
            add_user(
                db,
                NewUser(
                    email=email,
                    full_name="A Reader",
                    user_role=UserRole.READER,
                    password_hash=password_hash,
                ),
                NOON,
            )
    with serving(url) as server:
        apps = [StubbornApp(server.port, email) for email in emails]
        everybody_is_ready = Barrier(AT_ONCE)

        def log_in_at_once(app: StubbornApp) -> int:
            everybody_is_ready.wait(TIMEOUT)
            return log_in(app)

        with ThreadPoolExecutor(AT_ONCE) as threads:
            ids = set(threads.map(log_in_at_once, apps[:AT_ONCE]))
        told_to_wait = sum(app.refused for app in apps)
        with ThreadPoolExecutor(CONNECTIONS) as threads:
            ids |= set(threads.map(log_in, apps[AT_ONCE:]))
            answers = Counter(status for both in threads.map(read, apps) for status in both)
        code, _, log = server.stop()
        assert code == 0
        assert_no_fault(log)

    assert answers == {200: sessions, 201: sessions}
    assert ids == {
        id_ for (id_,) in fetch_all(db, "SELECT id FROM reader_sessions WHERE is_active")
    }
    assert len(ids) == sessions
    assert_healthy(db)
    proved(
        f"{AT_ONCE} logins at once ({told_to_wait} times told to come back), then {sessions}"
        " sessions: each heartbeat and each activity answered with 2xx"
    )


def log_in(app: StubbornApp) -> int:
    """Return the id of the session; a thousand connections are more than many systems allow."""
    with closing(app.connection):
        return app.login()


def read(app: StubbornApp) -> tuple[int, int]:
    """Be there and read; return the statuses of both answers."""
    with closing(app.connection):
        heartbeat, _ = app.once("POST", "/api/heartbeat")
        post, _ = app.once("POST", "/api/activities", activity("the first page"))
    return heartbeat, post
