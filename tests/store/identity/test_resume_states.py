"""Whatever an app does in whatever order, resume tokens follow the table of their module."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from conftest import Cast, StillClock
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from readwatch.domain.errors import ReadwatchError
from readwatch.domain.users import UserRole
from readwatch.store.audit.log import transaction_on
from readwatch.store.engine.connections import Database
from readwatch.store.engine.privileges import Role
from readwatch.store.identity.resume_tokens import (
    LIFETIME,
    end_device,
    resume_session,
    save_resume_token,
)
from readwatch.store.identity.session_cache import SessionCache
from readwatch.store.identity.sessions import end_all_sessions, find_principal, open_session
from readwatch.store.identity.tokens import Tokens, hash_token, new_resume_token, new_token
from readwatch.store.lifecycle.retention import end_silent_sessions

HOUR = timedelta(hours=1)


@dataclass
class Device:
    """The model: all tokens of a device, oldest first, and what is true of the last ones."""

    tokens: list[Tokens] = field(default_factory=list)
    is_logged_in: bool = True
    is_active: bool = True
    is_used: bool = True
    """Whether the last session, or its resume token, was used; then the predecessor is old."""


class App(RuleBasedStateMachine):
    """One device of Ann, as its app and the service see it."""

    db: Database
    cast: Cast
    clock: StillClock

    def __init__(self) -> None:
        super().__init__()
        self.device = Device([Tokens(new_token(), new_resume_token())])
        with self.db.atomic():
            end_all_sessions(self.db, self.cast.ann.id, self.clock())
            (tokens,) = self.device.tokens
            principal = open_session(
                self.db, self.cast.ann, hash_token(tokens.session_token), self.clock()
            )
            save_resume_token(self.db, principal, tokens.resume_token, self.clock())

    def resume(self, position: int) -> Tokens | None:
        """Resume with one of the tokens, counted from the last one."""
        token = self.device.tokens[-position].resume_token
        with self.db.atomic():
            resumed = resume_session(self.db, token, self.clock())
        return None if isinstance(resumed, ReadwatchError) else resumed.tokens

    @rule()
    def resumes_with_the_current_token(self) -> None:
        tokens = self.resume(1)
        assert (tokens is not None) == self.device.is_logged_in
        if tokens is not None:
            assert tokens not in self.device.tokens
            self.device.tokens.append(tokens)
            self.device.is_active, self.device.is_used = True, False

    @precondition(lambda self: len(self.device.tokens) > 1)
    @rule()
    def resumes_with_the_predecessor(self) -> None:
        tokens = self.resume(2)
        if self.device.is_logged_in and not self.device.is_used:
            assert tokens == self.device.tokens[-1]
            self.device.is_active = True
        else:
            assert tokens is None
            self.device.is_logged_in = self.device.is_active = False

    @precondition(lambda self: len(self.device.tokens) > 2)
    @rule(data=st.data())
    def resumes_with_an_older_token(self, data: Any) -> None:
        assert self.resume(data.draw(st.integers(3, len(self.device.tokens)))) is None
        self.device.is_logged_in = self.device.is_active = False

    @rule()
    def sends_a_request(self) -> None:
        sessions = SessionCache(self.db, transaction_on(self.db))
        token_hash = hash_token(self.device.tokens[-1].session_token)
        assert (sessions.find(token_hash, self.clock()) is not None) == self.device.is_active
        self.device.is_used = self.device.is_used or self.device.is_active

    @rule()
    def is_silent_for_hours(self) -> None:
        with self.db.atomic():
            end_silent_sessions(self.db, self.clock.advance(hours=2), HOUR)
        self.device.is_active = False

    @rule()
    def is_away_for_too_long(self) -> None:
        self.is_silent_for_hours()
        self.clock.moment += LIFETIME
        self.device.is_logged_in = False

    @rule(position=st.integers(1, 2))
    def logs_out_after_the_session_has_ended(self, position: int) -> None:
        tokens = self.device.tokens[-position:][0]
        with self.db.atomic():
            end_device(self.db, hash_token(tokens.session_token), self.clock())
        if tokens is self.device.tokens[-1] or not self.device.is_used:
            self.device.is_logged_in = self.device.is_active = False

    @rule()
    def gets_a_new_password(self) -> None:
        with self.db.atomic():
            end_all_sessions(self.db, self.cast.ann.id, self.clock())
        self.device.is_logged_in = self.device.is_active = False

    def teardown(self) -> None:
        """Exactly the last session can be active."""
        active = [
            tokens
            for tokens in self.device.tokens
            if find_principal(self.db, hash_token(tokens.session_token), self.clock())
        ]
        assert active == (self.device.tokens[-1:] if self.device.is_active else [])


def test_resume_tokens_follow_their_table(connected: Any, cast: Cast, clock: StillClock) -> None:
    assert cast.ann.user_role is UserRole.READER
    App.db, App.cast, App.clock = connected(Role.INGEST), cast, clock
    run_state_machine_as_test(
        App,
        settings=settings(
            max_examples=60,
            stateful_step_count=12,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
