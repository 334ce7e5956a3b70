"""A session's span, for the days of reading."""

from datetime import UTC, datetime, timedelta

from readwatch.domain.sessions import Session
from readwatch.domain.text import clean

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_a_session_that_was_swept_counts_no_longer_than_its_app_may_be_silent():
    heard = NOW + timedelta(minutes=20)

    def ended(later: timedelta | None) -> Session:
        ended_at = None if later is None else heard + later
        return Session(1, 1, clean(""), clean(""), NOW, heard, ended_at, is_active=later is None)

    assert ended(None).span == (NOW, heard)
    assert ended(timedelta(minutes=1)).span == (NOW, heard + timedelta(minutes=1))
    assert ended(timedelta(hours=1)).span == (NOW, heard + timedelta(seconds=150))
