"""The demo's world: a temporary database with past weeks, and an ingest server for it."""

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
from itertools import cycle
from pathlib import Path
from random import Random
from time import monotonic, sleep

from readwatch.demo.cast import SimulatedReader, cast
from readwatch.demo.colleague import share_cases
from readwatch.demo.habits import BookPosition, fail_quiz, read_on, somewhere
from readwatch.demo.history import PastSession, history
from readwatch.domain.errors import unavailable
from readwatch.domain.users import User, UserRole
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database, connection, open_database
from readwatch.store.engine.privileges import Role
from readwatch.store.identity import groups, sessions, users
from readwatch.store.identity.passwords import hash_password
from readwatch.store.identity.tokens import hash_token, new_token
from readwatch.store.recording.activities import record_activities
from readwatch.store.recording.heartbeats import record_heartbeat

PASSWORD = "demo password"  # noqa: S105 - of simulated readers, in a temporary database
BCRYPT_COST = 4  # the lowest: hundreds of readers log in within seconds
WEEKS = 3.0
LAST_HOUR = timedelta(hours=1)  # without activities, except for readers who fell silent
STUCK_EVERY = 20  # one in this many readers has not read for days and does not read in the demo
BACK_EVERY = 30  # one in this many readers comes back after weeks
FAILED_EVERY = 5  # one in this many readers who fell silent has just failed a quiz
GROUPS = ("4a", "4b", "5a", "5b", "6a", "6b")
START_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class World:
    """The URLs of the demo, its consultant, and the readers of the crowd."""

    database_url: str
    base_url: str
    consultant: User
    awake: tuple[SimulatedReader, ...]
    positions: dict[str, BookPosition]


@contextmanager
def world(reader_count: int, rng: Random, now: datetime) -> Iterator[World]:
    """Create the world; at the end stop its process and delete its files."""
    folder = Path(tempfile.mkdtemp(prefix="readwatch-demo-"))
    try:
        url = f"sqlite:///{folder / 'demo.db'}"
        migrations.create_or_upgrade(url)
        readers = cast(reader_count, rng)
        # Some readers fell silent just before the demo starts, so that Attention has cases.
        quiet, others = readers[: reader_count // 8], readers[reader_count // 8 :]
        stuck, awake = others[::STUCK_EVERY], _without(others, STUCK_EVERY)
        gone_for = {reader.email: _days(8, 13, rng) for reader in stuck}
        gone_for |= {reader.email: _days(16, 30, rng) for reader in awake[::BACK_EVERY]}
        consultant, positions = populate(url, readers, rng, now, gone_for)
        _fall_quiet(url, quiet, positions, rng, now)
        share_cases(url, [reader.email for reader in quiet[::FAILED_EVERY]], now)
        with server(url, folder / "server.log") as base_url:
            yield World(url, base_url, consultant, awake, positions)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _without(readers: tuple[SimulatedReader, ...], every: int) -> tuple[SimulatedReader, ...]:
    return tuple(reader for index, reader in enumerate(readers) if index % every)


def _days(fewest: int, most: int, rng: Random) -> timedelta:
    return timedelta(days=rng.uniform(fewest, most))


def populate(
    url: str,
    readers: Sequence[SimulatedReader],
    rng: Random,
    now: datetime,
    gone_for: Mapping[str, timedelta] | None = None,
) -> tuple[User, dict[str, BookPosition]]:
    """Add the accounts and their activities in the past weeks.

    Returns the consultant, and the position of each reader in a book, by e-mail.
    """
    gone = gone_for or {}
    # Two roles: one may add accounts, the other may store activities.
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
        accounts = [_add_reader(admin, reader, password_hash, now) for reader in readers]
        of_names = [groups.add_group(admin, name, now).id for name in GROUPS]
        members = zip(cycle(of_names), (account.id for account in accounts), strict=False)
        groups.add_members(admin, members, now)
    weeks_before = [
        (past, user)
        for reader, user in zip(readers, accounts, strict=True)
        for past in history(reader, now - gone.get(reader.email, LAST_HOUR), WEEKS, rng)
    ]
    positions: dict[str, BookPosition] = {}
    with connection(ingest), ingest.atomic():
        # In the order of arrival, which is the order of the feed.
        for past, user in sorted(weeks_before, key=lambda pair: pair[0].ended_at):
            _record(ingest, user, past)
            positions[user.email] = past.left_at
    admin.close()
    ingest.close()
    return consultant, positions


def _fall_quiet(
    url: str,
    quiet: Sequence[SimulatedReader],
    positions: dict[str, BookPosition],
    rng: Random,
    now: datetime,
) -> None:
    """Give readers an active session whose last heartbeat was some time ago."""
    db = open_database(url, Role.INGEST)
    with connection(db), db.atomic():
        # Evenly, so that every world has readers of each kind.
        ranks = range(len(quiet), 0, -1)
        read_ago = [60 + 1080 * (rank - rng.random()) / len(quiet) for rank in ranks]
        for index, (seconds, reader) in enumerate(zip(read_ago, quiet, strict=True)):
            read_at = now - timedelta(seconds=seconds)
            heard_at = now - timedelta(seconds=rng.uniform(0, min(240, seconds)))
            principal = sessions.open_session(
                db,
                users.find_user(db, reader.email),
                hash_token(new_token()),
                read_at - timedelta(minutes=rng.uniform(5, 40)),
                ip_address="127.0.0.1",
                user_agent=reader.user_agent,
                device_type=reader.device_type,
            )
            position = positions.get(reader.email) or somewhere(reader, rng)
            if index % FAILED_EVERY == 0:
                activity = fail_quiz(position, read_at, rng)
            else:
                _, activity = read_on(reader, position, read_at, 60, 1, rng)
            record_activities(db, principal, [activity], read_at)
            record_heartbeat(db, principal, heard_at)
    db.close()


def _add_reader(db: Database, reader: SimulatedReader, password_hash: str, now: datetime) -> User:
    return users.add_user(
        db,
        users.NewUser(
            email=reader.email,
            full_name=reader.full_name,
            user_role=UserRole.READER,
            password_hash=password_hash,
            reading_level=reader.reading_level,
            preferred_language=reader.preferred_language,
            timezone=reader.timezone,
        ),
        now,
    )


def _record(db: Database, user: User, past: PastSession) -> None:
    principal = sessions.open_session(
        db,
        user,
        hash_token(new_token()),
        past.started_at,
        ip_address="127.0.0.1",
        user_agent=past.user_agent,
        device_type=past.device_type,
    )
    record_activities(db, principal, past.activities, past.ended_at)
    record_heartbeat(db, principal, past.last_heartbeat)
    sessions.end_session(db, principal, past.ended_at)


@contextmanager
def server(database_url: str, log: Path) -> Iterator[str]:
    """Run `readwatch serve` on a free port in a separate process; yield its base URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "readwatch", "--database", database_url, "serve"]
    command += ["--port", str(port), "--bcrypt-cost", str(BCRYPT_COST)]
    command += ["--anchor-log", str(log.with_name("anchors.txt"))]
    with (
        log.open("wb") as output,
        # In its own process group: ctrl+c reaches only the demo, which then stops the server.
        subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True) as process,
    ):
        try:
            base_url = f"http://127.0.0.1:{port}"
            _wait_until_ready(process, base_url, log)
            yield base_url
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_until_ready(process: subprocess.Popen[bytes], base_url: str, log: Path) -> None:
    deadline = monotonic() + START_SECONDS
    while monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{base_url}/livez", timeout=1):  # noqa: S310
                return
        except (urllib.error.URLError, OSError):
            sleep(0.05)
    last_line = log.read_text(errors="replace").strip().splitlines()[-1:]
    raise unavailable(f"the server of the demo did not start: {' '.join(last_line) or 'no output'}")
