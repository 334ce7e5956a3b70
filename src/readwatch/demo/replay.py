"""Hours of reading in seconds: what apps would post goes into the database itself."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from heapq import heapify, heapreplace
from random import Random

from readwatch.demo.cast import Person
from readwatch.demo.habits import DEMO, Action, Place, Rhythm, Signal, begin, step
from readwatch.domain.activities import Activity
from readwatch.domain.sessions import Principal
from readwatch.store.engine.connections import Database
from readwatch.store.identity import sessions, users
from readwatch.store.identity.tokens import new_token, token_hash
from readwatch.store.recording.activities import record_activities


class Replay:
    """Readers with accounts in `db`, who log in within `ramp` and go on at their `places`.

    The same `rng` in the same state makes the same hours.
    """

    def __init__(
        self,
        db: Database,
        people: Sequence[Person],
        since: datetime,
        rng: Random,
        *,
        rhythm: Rhythm = DEMO,
        ramp: timedelta = timedelta(minutes=10),
        places: Mapping[str, Place] | None = None,
    ) -> None:
        """`db` is connected, and may post."""
        self._db = db
        self._rng = rng
        self._people = people
        self._users = [users.find_user(db, person.email) for person in people]
        self._callers: dict[int, Principal] = {}
        readings = (
            begin(
                person, rhythm, since + rng.random() * ramp, rng, (places or {}).get(person.email)
            )
            for person in people
        )
        self._next = [(reading.due, number, reading) for number, reading in enumerate(readings)]
        heapify(self._next)

    def play(self, until: datetime) -> int:
        """Keep what everybody does before `until`, as one transaction; count the activities."""
        kept = 0
        with self._db.atomic():
            while self._next[0][0] < until:
                now, number, reading = self._next[0]
                reading, actions = step(reading, now, self._rng)
                heapreplace(self._next, (reading.due, number, reading))
                for action in actions:
                    self._keep(number, action, now)
                    kept += isinstance(action, Activity)
        return kept

    def _keep(self, number: int, action: Action, now: datetime) -> None:
        if action is Signal.LOGIN:
            self._callers[number] = sessions.open_session(
                self._db,
                self._users[number],
                token_hash(new_token()),
                now,
                device_type=self._people[number].device_type,
            )
        elif action is Signal.HEARTBEAT:
            sessions.record_heartbeat(self._db, self._callers[number], now)
        elif action is Signal.LOGOUT:
            sessions.end_session(self._db, self._callers.pop(number), now)
        elif isinstance(action, Activity):
            record_activities(self._db, self._callers[number], [action], now)
