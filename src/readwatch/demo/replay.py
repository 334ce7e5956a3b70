"""Hours of simulated reading in seconds, written to the database without HTTP."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from heapq import heapify, heapreplace
from random import Random

from readwatch.demo.cast import SimulatedReader
from readwatch.demo.habits import DEMO, AppRequest, BookPosition, Rhythm, Signal, begin, step
from readwatch.domain.activities import Activity
from readwatch.domain.sessions import Principal
from readwatch.store.engine.connections import Database
from readwatch.store.identity import sessions, users
from readwatch.store.identity.tokens import hash_token, new_token
from readwatch.store.recording.activities import record_activities
from readwatch.store.recording.heartbeats import record_heartbeat


class Replay:
    """Readers with accounts in `db`, who log in within `ramp` and continue at their `positions`.

    The same `rng` in the same state gives the same activities.
    """

    def __init__(
        self,
        db: Database,
        readers: Sequence[SimulatedReader],
        since: datetime,
        rng: Random,
        *,
        rhythm: Rhythm = DEMO,
        ramp: timedelta = timedelta(minutes=10),
        positions: Mapping[str, BookPosition] | None = None,
    ) -> None:
        """Prepare the readers; `db` is connected, with the privileges of ingest."""
        self._db = db
        self._rng = rng
        self._readers = readers
        self._users = [users.find_user(db, reader.email) for reader in readers]
        self._principals: dict[int, Principal] = {}
        readings = (
            begin(
                reader,
                rhythm,
                since + rng.random() * ramp,
                rng,
                (positions or {}).get(reader.email),
            )
            for reader in readers
        )
        self._next = [(reading.due, number, reading) for number, reading in enumerate(readings)]
        heapify(self._next)

    def play(self, until: datetime) -> int:
        """Store all readers' activities before `until` in one transaction; return their number."""
        activities = 0
        with self._db.atomic():
            while self._next[0][0] < until:
                now, number, reading = self._next[0]
                reading, requests = step(reading, now, self._rng)
                heapreplace(self._next, (reading.due, number, reading))
                for request in requests:
                    self._record(number, request, now)
                    activities += isinstance(request, Activity)
        return activities

    def _record(self, number: int, request: AppRequest, now: datetime) -> None:
        if request is Signal.LOGIN:
            self._principals[number] = sessions.open_session(
                self._db,
                self._users[number],
                hash_token(new_token()),
                now,
                device_type=self._readers[number].device_type,
            )
        elif request is Signal.HEARTBEAT:
            record_heartbeat(self._db, self._principals[number], now)
        elif request is Signal.LOGOUT:
            sessions.end_session(self._db, self._principals.pop(number), now)
        elif isinstance(request, Activity):
            record_activities(self._db, self._principals[number], [request], now)
