"""The scope: a consultant of groups sees their readers, a permit for others is refused."""

import pytest
from grouped import limit, put_into

from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.store.audit.log import is_in_scope, list_access, log_access
from readwatch.store.engine.privileges import Role
from readwatch.store.identity import groups


@pytest.fixture
def console(connected):
    """The rights of a console that appends to the access log."""
    return connected(Role.ACCESS_LOG)


def may_see(console, user, *readers) -> list[bool]:
    return [is_in_scope(console, user.id, reader.id) for reader in readers]


def test_without_a_group_a_consultant_sees_all(db, console, cast):
    put_into(db, "4b", cast.ann)
    assert not list_access(console, cast.cara.id).scope.is_limited
    assert may_see(console, cast.cara, cast.ann, cast.ben) == [True, True]


def test_with_groups_a_consultant_sees_the_readers_of_each(db, console, cast):
    put_into(db, "4a", cast.ann)
    put_into(db, "4b", cast.ben)
    limit(db, cast.cara, "4b")
    assert list_access(console, cast.cara.id).scope.is_limited
    assert may_see(console, cast.cara, cast.ann, cast.ben) == [False, True]
    limit(db, cast.cara, "4a")
    assert may_see(console, cast.cara, cast.ann, cast.ben) == [True, True]


def test_an_admin_sees_all_even_with_an_assignment_from_before(db, console, cast):
    put_into(db, "4a")
    limit(db, cast.dora, "4a")
    assert may_see(console, cast.dora, cast.ann, cast.ben) == [True, True]


def test_who_has_only_deleted_groups_sees_nobody(db, console, cast, clock):
    group = put_into(db, "4b", cast.ann, cast.ben)
    limit(db, cast.cara, "4b")
    groups.delete_group(db, group, clock())
    assert may_see(console, cast.cara, cast.ann, cast.ben) == [False, False]


def test_a_permit_for_a_reader_of_others_is_refused_and_logged(db, console, cast, clock):
    put_into(db, "4b", cast.ben)
    limit(db, cast.cara, "4b")
    event = AuditEvent(cast.cara.id, AuditAction.VIEWED_READER_PROFILE, cast.ann.id, "page")
    with pytest.raises(ReadwatchError, match="in none of your groups") as refused:
        log_access(console, event, clock())
    assert refused.value.kind is ErrorKind.FORBIDDEN
    assert log_access(console, event.about(cast.ben.id), clock()).subject_id == cast.ben.id
    entries = db.execute_sql("SELECT action_type, target_user_id FROM consultant_access_log")
    assert list(entries) == [
        ("refused_access", cast.ann.id),
        ("viewed_reader_profile", cast.ben.id),
    ]
