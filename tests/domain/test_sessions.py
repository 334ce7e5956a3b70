"""What an online reader seems to be doing."""

from datetime import UTC, datetime, timedelta

from readwatch.domain.presence import Presence
from readwatch.domain.sessions import OnlineReader, Session
from readwatch.domain.text import clean

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def online(started_ago: timedelta, last_activity_ago: timedelta | None) -> OnlineReader:
    return OnlineReader(
        user_id=1,
        session_id=1,
        full_name=clean("Ann Archer"),
        device_type=clean("tablet"),
        reading_level=clean("B1"),
        started_at=NOW - started_ago,
        last_heartbeat=NOW,
        last_activity_at=None if last_activity_ago is None else NOW - last_activity_ago,
        activity_type=clean(""),
        content_title=clean(""),
        progress_percentage=None,
    )


def test_a_reader_who_has_just_logged_in_counts_as_reading():
    assert online(timedelta(minutes=2), None).presence(NOW) is Presence.READING
    assert online(timedelta(minutes=2), timedelta(days=3)).presence(NOW) is Presence.READING


def test_some_minutes_after_the_login_only_activities_count():
    assert online(timedelta(minutes=10), None).presence(NOW) is Presence.IDLE
    assert online(timedelta(minutes=10), timedelta(minutes=9)).presence(NOW) is Presence.IDLE
    assert online(timedelta(minutes=10), timedelta(minutes=1)).presence(NOW) is Presence.READING


def test_a_session_that_was_swept_counts_no_longer_than_its_app_may_be_silent():
    heard = NOW + timedelta(minutes=20)

    def ended(later: timedelta | None) -> Session:
        ended_at = None if later is None else heard + later
        return Session(1, 1, clean(""), clean(""), NOW, heard, ended_at, is_active=later is None)

    assert ended(None).span == (NOW, heard)
    assert ended(timedelta(minutes=1)).span == (NOW, heard + timedelta(minutes=1))
    assert ended(timedelta(hours=1)).span == (NOW, heard + timedelta(seconds=150))
