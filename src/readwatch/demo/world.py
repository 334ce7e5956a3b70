"""The demo's throw-away world: a database with past weeks, and a real ingest server on it."""

import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from time import monotonic, sleep

from readwatch.demo.cast import Person, cast
from readwatch.demo.habits import Place, read_on, somewhere
from readwatch.demo.history import PastSession, history
from readwatch.domain.errors import unavailable
from readwatch.domain.users import User, UserRole
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database, connection, open_database
from readwatch.store.engine.privileges import Role
from readwatch.store.identity import sessions, users
from readwatch.store.identity.passwords import hash_password
from readwatch.store.identity.tokens import new_token, token_hash
from readwatch.store.recording.activities import record_activities

PASSWORD = "demo password"  # noqa: S105 - of invented people, in a database that is thrown away
BCRYPT_COST = 4  # the lowest: hundreds of people log in within seconds
WEEKS = 3.0
LAST_HOUR = timedelta(hours=1)  # in which nobody but those who fell quiet was there
STUCK_EVERY = 20  # has not read for days, and does not in the demo
BACK_EVERY = 30  # comes back after weeks
START_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class World:
    """Where everything is, and who is in it."""

    database_url: str
    base_url: str
    consultant: User
    awake: tuple[Person, ...]
    places: dict[str, Place]


@contextmanager
def world(readers: int, rng: Random, now: datetime) -> Iterator[World]:
    """Make the world, and leave neither a process nor a file behind."""
    folder = Path(tempfile.mkdtemp(prefix="readwatch-demo-"))
    try:
        url = f"sqlite:///{folder / 'demo.db'}"
        migrations.create_or_upgrade(url)
        people = cast(readers, rng)
        # Some went quiet just before the demo starts, so that there is something to notice.
        quiet, others = people[: readers // 8], people[readers // 8 :]
        stuck, awake = others[::STUCK_EVERY], _without(others, STUCK_EVERY)
        gone_for = {person.email: _days(8, 13, rng) for person in stuck}
        gone_for |= {person.email: _days(16, 30, rng) for person in awake[::BACK_EVERY]}
        consultant, places = populate(url, people, rng, now, gone_for)
        _fall_quiet(url, quiet, places, rng, now)
        with server(url, folder / "server.log") as base_url:
            yield World(url, base_url, consultant, awake, places)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _without(people: tuple[Person, ...], every: int) -> tuple[Person, ...]:
    return tuple(person for place, person in enumerate(people) if place % every)


def _days(fewest: int, most: int, rng: Random) -> timedelta:
    return timedelta(days=rng.uniform(fewest, most))


def populate(
    url: str,
    people: Sequence[Person],
    rng: Random,
    now: datetime,
    gone_for: Mapping[str, timedelta] | None = None,
) -> tuple[User, dict[str, Place]]:
    """Add the accounts and what they did in the weeks before now, or before they were gone."""
    gone = gone_for or {}
    # Two roles: the one that makes accounts may not post activities, and the other way round.
    admin, ingest = open_database(url, Role.ADMIN), open_database(url, Role.INGEST)
    password_hash = hash_password(PASSWORD, BCRYPT_COST)
    with connection(admin), admin.atomic():
        consultant = users.add_user(
            admin,
            users.NewUser(
                email="consultant@example.org",
                full_name="Demo Consultant",
                user_role=UserRole.CONSULTANT,
                password_hash=password_hash,
            ),
            now,
        )
        readers = [_add_reader(admin, person, password_hash, now) for person in people]
    weeks_before = [
        (past, reader)
        for person, reader in zip(people, readers, strict=True)
        for past in history(person, now - gone.get(person.email, LAST_HOUR), WEEKS, rng)
    ]
    places: dict[str, Place] = {}
    with connection(ingest), ingest.atomic():
        # In the order in which it would have arrived, which is the order of the feed.
        for past, reader in sorted(weeks_before, key=lambda kept: kept[0].ended_at):
            _keep(ingest, reader, past)
            places[reader.email] = past.left_at
    admin.close()
    ingest.close()
    return consultant, places


def _fall_quiet(
    url: str, quiet: Sequence[Person], places: dict[str, Place], rng: Random, now: datetime
) -> None:
    """Give people a session that is still open and was last heard from some time ago."""
    db = open_database(url, Role.INGEST)
    with connection(db), db.atomic():
        # Evenly, so that there are some of each kind in any world.
        places_in_time = range(len(quiet), 0, -1)
        read_ago = [60 + 1080 * (at - rng.random()) / len(quiet) for at in places_in_time]
        for seconds, person in zip(read_ago, quiet, strict=True):
            read = now - timedelta(seconds=seconds)
            heard = now - timedelta(seconds=rng.uniform(0, min(240, seconds)))
            caller = sessions.open_session(
                db,
                users.find_user(db, person.email),
                token_hash(new_token()),
                read - timedelta(minutes=rng.uniform(5, 40)),
                ip_address="127.0.0.1",
                user_agent=person.user_agent,
                device_type=person.device_type,
            )
            place = places.get(person.email) or somewhere(person, rng)
            _, activity = read_on(person, place, read, 60, 1, rng)
            record_activities(db, caller, [activity], read)
            sessions.record_heartbeat(db, caller, heard)
    db.close()


def _add_reader(db: Database, person: Person, password_hash: str, now: datetime) -> User:
    return users.add_user(
        db,
        users.NewUser(
            email=person.email,
            full_name=person.full_name,
            user_role=UserRole.READER,
            password_hash=password_hash,
            reading_level=person.reading_level,
            preferred_language=person.preferred_language,
            timezone=person.timezone,
        ),
        now,
    )


def _keep(db: Database, reader: User, past: PastSession) -> None:
    caller = sessions.open_session(
        db,
        reader,
        token_hash(new_token()),
        past.started_at,
        ip_address="127.0.0.1",
        user_agent=past.user_agent,
        device_type=past.device_type,
    )
    record_activities(db, caller, past.activities, past.ended_at)
    sessions.record_heartbeat(db, caller, past.last_heartbeat)
    sessions.end_session(db, caller, past.ended_at)


@contextmanager
def server(database_url: str, log: Path) -> Iterator[str]:
    """Run `readwatch serve` on a free port as a process of its own; yield its base URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "readwatch", "--database", database_url, "serve"]
    command += ["--port", str(port), "--bcrypt-cost", str(BCRYPT_COST)]
    with (
        log.open("wb") as output,
        # A session of its own: ctrl+c reaches the demo alone, which then stops the server.
        subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True) as process,
    ):
        try:
            base_url = f"http://127.0.0.1:{port}"
            _wait_until_it_lives(process, base_url, log)
            yield base_url
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_until_it_lives(process: subprocess.Popen[bytes], base_url: str, log: Path) -> None:
    deadline = monotonic() + START_SECONDS
    while monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{base_url}/livez", timeout=1):  # noqa: S310
                return
        except (urllib.error.URLError, OSError):
            sleep(0.05)
    last_words = log.read_text(errors="replace").strip().splitlines()[-1:]
    raise unavailable(f"the demo's server did not start: {' '.join(last_words) or 'no reason'}")
