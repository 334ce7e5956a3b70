"""No log entry, no access: after any kill of the server, every reader who was shown is logged."""

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from random import Random
from threading import Condition

from conftest import NOON, Cast
from endurance.apps import Lost, StubbornApp
from endurance.length import short_and_long
from ingest.api import invalid_fields
from ingest.process import TIMEOUT, ServerProcess, serving

from readwatch.domain.users import UserRole
from readwatch.store.audit import chain
from readwatch.store.audit.entries import extent
from readwatch.store.engine.connections import Database
from readwatch.store.identity.users import NewUser, add_user

READERS = 200
LOOKING_AT_ONCE = 8


@short_and_long("rounds", 1, 40)
def test_nobody_is_shown_without_an_entry_however_the_server_ends(
    url: str,
    cast: Cast,
    db: Database,
    rng: Random,
    rounds: int,
    proved: Callable[[str], None],
) -> None:
    shown = 0
    for number in range(rounds):
        readers = newcomers(db, number)
        with serving(url) as server, Looks(server, cast, readers) as looks:
            looks.wait_for(rng.randint(1, READERS // 4))
            os.killpg(server.process.pid, signal.SIGKILL)
            looks.end()
        on_record = {
            target
            for (target,) in db.execute_sql(
                "SELECT target_user_id FROM consultant_access_log"
                " WHERE action_type = 'viewed_reader_profile'"
            )
        }
        assert looks.shown <= on_record
        shown += len(looks.shown)
    *_, verdict = chain.verify(db, (), extent(db))
    assert verdict.defect is None
    proved(
        f"{rounds} kills: {shown} readers were shown, each with an entry;"
        f" {verdict.head.entries} entries in one chain"
    )


def newcomers(db: Database, number: int) -> Iterator[int]:
    """Add readers at whom nobody has looked; return their ids."""
    with db.atomic():
        new = [
            NewUser(
                email=f"reader{number}-{each}@example.org",
                full_name="Reader",
                user_role=UserRole.READER,
                password_hash="-",
            )
            for each in range(READERS)
        ]
        return iter([add_user(db, each, NOON).id for each in new])


class Looks:
    """Cara, with many windows open: she looks at one reader after the other until it all ends."""

    def __init__(self, server: ServerProcess, cast: Cast, readers: Iterator[int]) -> None:
        self.shown: set[int] = set()
        self._grown = Condition()
        self._readers = readers
        self._apps = [StubbornApp(server.port, cast.cara.email) for _ in range(LOOKING_AT_ONCE)]
        self._threads = ThreadPoolExecutor(LOOKING_AT_ONCE)

    def __enter__(self) -> "Looks":
        self._apps[0].login()
        for app in self._apps:
            app.token = self._apps[0].token
        self._work = [self._threads.submit(self._look, app) for app in self._apps]
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown()
        for app in self._apps:
            app.connection.close()

    def wait_for(self, readers: int) -> None:
        with self._grown:
            assert self._grown.wait_for(lambda: len(self.shown) >= readers, TIMEOUT)

    def end(self) -> None:
        for work in self._work:
            work.result(TIMEOUT)

    def _look(self, app: StubbornApp) -> None:
        with suppress(Lost):
            for reader_id in self._readers:
                status, answer = app.once("GET", f"/api/readers/{reader_id}")
                if status == 200:
                    assert answer["user"]["id"] == reader_id
                    with self._grown:
                        self.shown.add(reader_id)
                        self._grown.notify_all()
                else:  # on a machine with too much to do
                    invalid_fields(answer, 503)
