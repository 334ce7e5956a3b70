"""The rows of whole lists, for tests of something else."""

from datetime import UTC, datetime

from permits import LIST_ACCESS, ROW_ACCESS

from readwatch.domain.activities import RecordedActivity
from readwatch.domain.sessions import OnlineReader
from readwatch.domain.users import User
from readwatch.store.engine.connections import Database
from readwatch.store.lists.accounts import AccountQuery, account_ids, account_rows
from readwatch.store.lists.feed import activity_rows, feed_page
from readwatch.store.lists.online import online_ids, online_readers
from readwatch.store.lists.query import ListQuery


def everybody(db: Database) -> tuple[User, ...]:
    """Return all accounts that are not deleted, by name."""
    ids = account_ids(db, LIST_ACCESS, AccountQuery(), datetime.now(UTC)).ids
    return tuple(account.user for account in account_rows(db, ROW_ACCESS, ids))


def readers_online(db: Database, now: datetime) -> tuple[OnlineReader, ...]:
    """Return the readers who are online, the latest heartbeat first."""
    ids = online_ids(db, LIST_ACCESS, ListQuery("full_name"), now).ids
    return online_readers(db, ROW_ACCESS, ids, now)


def newest_activities(db: Database, now: datetime, length: int = 200) -> list[RecordedActivity]:
    """Return the activities that arrived last, newest first."""
    ids = feed_page(db, LIST_ACCESS, after=None, length=length).ids
    rows = activity_rows(db, ROW_ACCESS, ids, now)
    return sorted(rows, key=lambda activity: activity.id, reverse=True)
