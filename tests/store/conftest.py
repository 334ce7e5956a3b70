"""Fixtures for tests of the store: logins, activities, accounts and parallel programs."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime

import pytest

from readwatch.domain.activities import Activity
from readwatch.domain.clock import Clock
from readwatch.domain.sessions import Principal
from readwatch.domain.users import User, UserRole
from readwatch.store.engine.connections import Database, close_all, open_database
from readwatch.store.engine.database import DEFAULTS, EngineSettings
from readwatch.store.engine.privileges import Role
from readwatch.store.identity.sessions import open_session
from readwatch.store.identity.tokens import hash_token, new_token
from readwatch.store.identity.users import NewUser, add_user
from readwatch.store.recording.activities import ActivityOutcome, record_activities

Open = Callable[..., Database]
Enter = Callable[..., Principal]
Post = Callable[..., tuple[ActivityOutcome, ...]]
AtOnce = Callable[..., list[str]]

START = "import sys; print('ready', flush=True); sys.stdin.readline()\n"


@pytest.fixture
def opened() -> Iterator[Open]:
    """`opened(url, role)` is a separate database object, closed at the end of the test."""
    every: list[Database] = []

    def opened(url: str, role: Role, settings: EngineSettings = DEFAULTS) -> Database:
        every.append(open_database(url, role, settings))
        return every[-1]

    yield opened
    for db in every:
        close_all(db)


@pytest.fixture
def enter(db: Database, clock: Clock) -> Enter:
    """`enter(user)` opens a session for a user."""

    def enter(user: User, token: str | None = None, **about: str) -> Principal:
        with db.atomic():
            return open_session(db, user, hash_token(token or new_token()), clock(), **about)

    return enter


@pytest.fixture
def post(db: Database, clock: Clock) -> Post:
    """`post(principal, activity, …)` stores and commits one request of a reader's app."""

    def post(
        caller: Principal, *activities: Activity, sent_at: datetime | None = None
    ) -> tuple[ActivityOutcome, ...]:
        with db.atomic():
            return record_activities(db, caller, activities, clock(), sent_at=sent_at)

    return post


@pytest.fixture
def join(db: Database, clock: Clock, password_hash: str) -> Callable[..., User]:
    """`join(name)` adds an account outside of the cast, by default a reader."""

    def join(name: str, role: UserRole = UserRole.READER, **about: str) -> User:
        email = about.pop("email", None) or f"{name.split()[0].lower()}@example.org"
        return add_user(
            db,
            NewUser(
                email=email, full_name=name, user_role=role, password_hash=password_hash, **about
            ),
            clock(),
        )

    return join


@pytest.fixture
def at_once() -> AtOnce:
    """`at_once(program, argument, …)` runs a program in several processes that start together.

    It returns the output of each, and fails if one of them fails.
    """

    def at_once(program: str, *arguments: str, processes: int) -> list[str]:
        command = [sys.executable, "-c", START + program, *arguments]
        with ExitStack() as stack:
            running = []
            for _ in range(processes):
                process = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
                )
                running.append(stack.enter_context(process))
                stack.callback(process.kill)  # do not wait for it if another one fails
            for process in running:
                assert process.stdout
                assert process.stdout.readline() == "ready\n"
            for process in running:
                assert process.stdin
                process.stdin.write("go\n")
                process.stdin.flush()
            printed = [process.communicate(timeout=60)[0] for process in running]
        assert [process.returncode for process in running] == [0] * processes
        return printed

    return at_once
