"""Repeated accesses share the entry, and the permit, of the first for five minutes."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.errors import ReadwatchError
from readwatch.domain.users import UserRole
from readwatch.store.audit.dedupe import AuditDeduplicator
from readwatch.store.audit.log import list_access
from readwatch.store.engine.connections import open_database
from readwatch.store.engine.privileges import Role
from readwatch.store.recording.writer import Writer


@pytest.fixture
def writer(url, db):
    writer = Writer(open_database(url, Role.INGEST))
    yield writer
    writer.close()


@pytest.fixture
def log(writer):
    return AuditDeduplicator(writer.run)


@pytest.fixture
def event(cast):
    """Cara asks the API for Ann's profile."""
    return AuditEvent(
        cast.cara.id, AuditAction.VIEWED_READER_PROFILE, cast.ann.id, "api", "10.0.0.7"
    )


@pytest.fixture
def entries(db):
    return lambda: [
        row[0] for row in db.execute_sql("SELECT id FROM consultant_access_log ORDER BY id")
    ]


def test_a_repeated_access_has_the_permit_of_the_entry_that_is_there(log, event, clock, entries):
    first = log.log_access(event, clock())
    again = log.log_access(event, clock.advance(minutes=4))
    assert again is first
    assert entries() == [first.entry_id]


def test_after_five_minutes_another_entry_is_made(log, event, clock, entries):
    first = log.log_access(event, clock())
    later = log.log_access(event, clock.advance(minutes=5))
    assert entries() == [first.entry_id, later.entry_id]


def test_an_access_of_another_kind_has_an_entry_of_its_own(log, event, cast, clock, entries):
    for other in (
        event,
        replace(event, subject_id=cast.ben.id),
        replace(event, actor_id=cast.dora.id),
        replace(event, ip_address="10.0.0.8"),
        replace(event, action_type=AuditAction.VIEWED_READER_SESSIONS),
    ):
        permit = log.log_access(other, clock())
        assert permit.subject_id == other.subject_id
        assert permit.entry_id == entries()[-1]
    assert len(entries()) == 5


def test_what_cannot_be_logged_is_not_permitted_and_is_tried_again(
    log, event, db, clock, entries, writer
):
    db.execute_sql("ALTER TABLE consultant_access_log RENAME TO mislaid")
    with pytest.raises(ReadwatchError):
        log.log_access(event, clock())
    db.execute_sql("ALTER TABLE mislaid RENAME TO consultant_access_log")
    assert [log.log_access(event, clock()).entry_id] == entries()


@pytest.fixture
def page(cast):
    """Cara asks the API for the feed."""
    return AuditEvent(cast.cara.id, AuditAction.VIEWED_LIST, None, "api, activities", "10.0.0.7")


@pytest.fixture
def named(db):
    """`named()` is the details of each entry, and the reader whom it names."""
    return lambda: db.execute_sql(
        "SELECT action_details, target_user_id FROM consultant_access_log ORDER BY id"
    ).fetchall()


def test_a_list_of_many_readers_that_is_asked_for_again_shares_an_entry_that_names_nobody(
    log, db, cast, clock, page, named
):
    access = list_access(db, cast.cara.id)
    for _ in range(2):
        log.log_rows(access, page, [1, 2, 3, 4], clock())
    assert named() == [("api, activities", None)]


def test_a_list_of_few_readers_names_each_of_them_once_in_five_minutes(
    log, db, cast, clock, page, named
):
    access, ann, ben = list_access(db, cast.cara.id), cast.ann.id, cast.ben.id
    for readers in ([ann, None, ann], [ben, ann], [ann], [None]):
        log.log_rows(access, page, readers, clock.advance(minutes=1))
    who = [("api, activities", ann), ("api, activities", ben), ("api, activities", None)]
    assert named() == who
    log.log_rows(access, page, [ann, ben], clock.advance(minutes=3))
    assert named() == [*who, who[0], who[1]]


def test_each_page_of_a_list_has_an_entry_with_what_is_on_it(log, db, cast, clock, page, named):
    access, ann = list_access(db, cast.cara.id), cast.ann.id
    for ids in ("1 to 2", "3 to 4", "1 to 2"):
        one = replace(page, details=f"api, activities {ids}")
        log.log_rows(access, page, [ann, ann], clock(), page_event=one)
    assert named() == [
        ("api, activities", ann),
        ("api, activities 1 to 2", None),
        ("api, activities 3 to 4", None),
    ]


def test_the_rows_of_a_list_are_logged_as_seen_by_whose_right_it_is(log, db, cast, clock, page):
    with pytest.raises(ValueError, match="names the user whose right it is"):
        log.log_rows(list_access(db, cast.dora.id), page, [], clock())


def test_refusals_of_one_user_share_an_entry_whatever_was_asked(log, cast, clock, entries):
    for reader_id in (cast.ben.id, cast.ann.id, None):
        event = AuditEvent(cast.ann.id, AuditAction.REFUSED_ACCESS, reader_id, "api")
        log.log_refusal(event, clock())
    assert len(entries()) == 1


def test_threads_that_open_the_same_at_the_same_time_share_an_entry(log, event, clock, entries):
    with ThreadPoolExecutor(8) as threads:
        permits = list(threads.map(lambda _: log.log_access(event, clock()), range(64)))
    assert len(set(map(id, permits))) == 1
    assert entries() == [permits[0].entry_id]


def test_a_thread_whose_time_is_a_little_earlier_shares_the_entry_of_the_first_one(
    log, event, clock, entries
):
    first = log.log_access(event, clock())
    assert log.log_access(event, clock() - timedelta(milliseconds=1)) is first
    assert entries() == [first.entry_id]


def test_a_list_is_logged_again_for_another_role(log, db, cast, clock, entries):
    event = AuditEvent(cast.dora.id, AuditAction.VIEWED_LIST, None, "api, online")
    as_admin = log.log_rows(list_access(db, cast.dora.id), event, [], clock())
    db.execute_sql(f"UPDATE users SET user_role = 'consultant' WHERE id = {cast.dora.id}")
    as_consultant = log.log_rows(list_access(db, cast.dora.id), event, [], clock())
    assert (as_admin.user_role, as_consultant.user_role) == (UserRole.ADMIN, UserRole.CONSULTANT)
    assert len(entries()) == 2
