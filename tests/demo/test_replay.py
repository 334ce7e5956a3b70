"""Hours of reading that go into a database at once."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from readwatch.demo.cast import cast
from readwatch.demo.replay import Replay
from readwatch.demo.world import populate
from readwatch.store.audit.scope import ALL_READERS
from readwatch.store.engine.connections import connection, open_database
from readwatch.store.engine.privileges import Role
from readwatch.store.lists import online

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize("engine", ["sqlite"])
def test_everybody_lives_until_the_moment_and_not_a_moment_longer(url: str) -> None:
    rng = Random(1)
    readers = cast(8, rng)
    _, positions = populate(url, readers, rng, NOON)
    db = open_database(url, Role.INGEST)
    with connection(db):

        def latest() -> datetime:
            [[latest]] = db.execute_sql("SELECT max(created_at) FROM reader_activities")
            return datetime.fromisoformat(latest).replace(tzinfo=UTC)

        replay = Replay(db, readers, NOON - HOUR, rng, ramp=HOUR / 60, positions=positions)
        assert replay.play(NOON - HOUR) == 0
        assert latest() < NOON - HOUR
        kept = replay.play(NOON - HOUR / 2) + replay.play(NOON)
        assert kept > 8 * 30
        assert NOON - HOUR / 60 < latest() < NOON
        assert 0 < online.count_online(db, ALL_READERS, NOON) <= 8
