"""Readers with active sessions, added by the store, because 100,000 logins take too long."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from random import Random

from readwatch.demo.cast import cast
from readwatch.domain.clock import system_clock
from readwatch.domain.users import UserRole
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database, close_all, connection, open_database
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.statements import Statement
from readwatch.store.engine.times import to_db_time
from readwatch.store.identity import sessions
from readwatch.store.identity.passwords import DEFAULT_COST, hash_password
from readwatch.store.identity.tokens import hash_token, new_token
from readwatch.store.identity.users import NewUser, add_user
from rig.load import Result

PASSWORD = "a password for a benchmark"
CONSULTANT = "cara@example.org"
ADMIN = "dora@example.org"

_PEOPLE = 1000  # of different names, devices and levels; then they come again
_AGO = timedelta(minutes=10)  # no longer online, and not timed out
_ALL_AWAY = Statement(
    "UPDATE reader_sessions SET last_heartbeat = :moment WHERE last_heartbeat > :moment"
)
_COUNT_ACTIVITIES = Statement("SELECT count(*) FROM reader_activities")


def emails(number: int) -> list[str]:
    """Return the e-mails of the first readers."""
    return [f"reader{reader}@example.org" for reader in range(number)]


def populate(url: str, number: int, *, bcrypt_cost: int = 4) -> list[str]:
    """Create the schema, and readers with sessions that are not online; return tokens."""
    if number > _PEOPLE:
        print(f"adding {number:,} readers ...", file=sys.stderr)
    migrations.create_or_upgrade(url)
    people = cast(min(number, _PEOPLE), Random(number))
    password_hash, now = hash_password(PASSWORD, bcrypt_cost), system_clock()
    with opened(url, Role.ADMIN) as db, db.atomic():
        users = [
            add_user(
                db,
                NewUser(
                    email=email,
                    full_name=people[reader % _PEOPLE].full_name,
                    user_role=UserRole.READER,
                    password_hash=password_hash,
                    reading_level=people[reader % _PEOPLE].reading_level,
                ),
                now,
            )
            for reader, email in enumerate(emails(number))
        ]
    tokens = [new_token() for _ in users]
    with opened(url, Role.INGEST) as db, db.atomic():
        for reader, (user, token) in enumerate(zip(users, tokens, strict=True)):
            person = people[reader % _PEOPLE]
            sessions.open_session(
                db,
                user,
                hash_token(token),
                now - _AGO,
                ip_address=f"10.{reader >> 16}.{reader >> 8 & 255}.{reader & 255}",
                user_agent=person.user_agent,
                device_type=person.device_type,
            )
    return tokens


def consultant(url: str) -> int:
    """Add the account of `CONSULTANT` with the usual cost of a login; return its id."""
    return _added(url, CONSULTANT, "Cara", UserRole.CONSULTANT)


def administrator(url: str) -> int:
    """Add the account of `ADMIN`, the only admin; return its id."""
    return _added(url, ADMIN, "Dora", UserRole.ADMIN)


def _added(url: str, email: str, full_name: str, role: UserRole) -> int:
    new = NewUser(
        email=email,
        full_name=full_name,
        user_role=role,
        password_hash=hash_password(PASSWORD, DEFAULT_COST),
    )
    with opened(url, Role.ADMIN) as db, db.atomic():
        return add_user(db, new, system_clock()).id


def send_all_away(url: str) -> None:
    """Set all heartbeats to some minutes ago."""
    with opened(url, Role.OWNER) as db, db.atomic():
        _ALL_AWAY(db, moment=to_db_time(system_clock() - _AGO))


def compared_with_kept(url: str, results: Iterable[Result], *, besides: int = 0) -> str:
    """Return how many activities were acknowledged and stored; end the program if one is missing.

    `besides` is the number of activities that were not added by the service. Only unanswered
    requests may add more.
    """
    results = list(results)
    acknowledged = sum(result.accepted for result in results)
    in_doubt = sum(result.unanswered for result in results)
    kept = count_activities(url) - besides
    summary = f"{acknowledged:,} activities acknowledged, {kept:,} stored"
    if kept < acknowledged or (kept > acknowledged and not in_doubt):
        sys.exit(f"wrong: {summary}, {in_doubt} requests without an answer")
    return f"{summary}."


def count_activities(url: str) -> int:
    """Return the number of stored activities."""
    with opened(url, Role.OWNER) as db:
        number: int = _COUNT_ACTIVITIES(db).fetchone()[0]
        return number


@contextmanager
def opened(url: str, role: Role) -> Iterator[Database]:
    """Yield a connection with a role."""
    db = open_database(url, role)
    try:
        with connection(db):
            yield db
    finally:
        close_all(db)
