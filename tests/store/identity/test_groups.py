"""Groups: their names, their readers, and the consultants who are limited to them."""

import pytest
from grouped import limit, put_into
from permits import permit_for

from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.domain.users import UserRole
from readwatch.store.audit.log import append_in_transaction
from readwatch.store.engine.privileges import Role
from readwatch.store.identity import accounts, groups


@pytest.fixture
def admin(connected):
    """All of it is done with the rights of the command line."""
    return connected(Role.ADMIN)


def names(db) -> list[str]:
    return [group.name for group in groups.groups(db)]


def test_a_group_has_readers_and_consultants(admin, cast):
    put_into(admin, "4b", cast.ann, cast.ben)
    put_into(admin, "4a")
    limit(admin, cast.cara, "4b")
    assert [(it.group.name, it.readers, it.consultants) for it in groups.summaries(admin)] == [
        ("4a", 0, 0),
        ("4b", 2, 1),
    ]
    fourth = groups.find_group(admin, " 4B ")
    assert groups.member_ids(admin, fourth) == (cast.ann.id, cast.ben.id)
    assert groups.consultant_ids(admin, fourth) == (cast.cara.id,)
    assert [it.name for it in groups.groups_of_reader(admin, permit_for(cast.ann.id))] == ["4b"]


def test_readers_join_and_leave_and_others_do_not(admin, cast, clock):
    group = put_into(admin, "4b", cast.ann)
    groups.add_members(
        admin, [(group.id, user.id) for user in (cast.ann, cast.ben, cast.cara)], clock()
    )
    assert groups.member_ids(admin, group) == (cast.ann.id, cast.ben.id)
    groups.remove_members(admin, group, [cast.ann.id, cast.cara.id])
    assert groups.member_ids(admin, group) == (cast.ben.id,)


@pytest.mark.parametrize("name", ["Übung", "ÜBUNG", " übung "])
def test_a_name_is_taken_in_any_case_until_the_group_is_deleted(admin, clock, name):
    group = put_into(admin, "Übung")
    with pytest.raises(ReadwatchError) as taken:
        groups.add_group(admin, name, clock())
    assert (taken.value.kind, taken.value.field) == (ErrorKind.CONFLICT, "name")
    groups.delete_group(admin, group, clock())
    groups.add_group(admin, name, clock())


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\u202eb", 'say "hello"', "a|b"])
def test_a_name_that_cannot_be_read_or_typed_is_refused(admin, clock, name):
    with pytest.raises(ReadwatchError) as refused:
        groups.add_group(admin, name, clock())
    assert refused.value.kind is ErrorKind.INVALID
    assert names(admin) == []


def test_a_group_can_be_renamed_also_to_another_case_and_not_to_another_group(admin):
    group, _ = put_into(admin, "4b"), put_into(admin, "4a")
    groups.rename_group(admin, group, "4B")
    assert names(admin) == ["4B", "4a"]
    with pytest.raises(ReadwatchError, match="there is a group '4A' already"):
        groups.rename_group(admin, groups.find_group(admin, "4b"), "4A")


def test_an_unknown_group_says_where_the_groups_are(admin):
    with pytest.raises(ReadwatchError, match="no group '4c'; see: readwatch group list"):
        groups.find_group(admin, "4c")


def test_who_sees_readers_because_of_one_group_alone(admin, cast, clock):
    group, _ = put_into(admin, "4b"), put_into(admin, "4a")
    limit(admin, cast.cara, "4b")
    assert groups.consultants_of_this_alone(admin, group) == (cast.cara.id,)
    limit(admin, cast.cara, "4a")
    assert groups.consultants_of_this_alone(admin, group) == ()
    groups.delete_group(admin, groups.find_group(admin, "4a"), clock())
    assert groups.consultants_of_this_alone(admin, group) == (cast.cara.id,)


def test_a_consultant_can_leave_a_deleted_group(admin, cast, clock):
    group = put_into(admin, "4b")
    limit(admin, cast.cara, "4b")
    groups.delete_group(admin, group, clock())
    put_into(admin, "4b")
    limit(admin, cast.cara, "4b")
    live, deleted = groups.assigned_groups(admin, cast.cara.id)
    assert (live[1], deleted) == (False, (group, True))
    assert groups.find_assigned(admin, cast.cara.id, "4B") == live[0], "the live one first"
    assert groups.unassign(admin, live[0], cast.cara.id)
    assert groups.unassign(admin, groups.find_assigned(admin, cast.cara.id, "4b"), cast.cara.id)
    assert not groups.unassign(admin, group, cast.cara.id)


def test_a_reader_who_joins_the_staff_leaves_all_groups(admin, cast, clock, password_hash):
    group = put_into(admin, "4b", cast.ann)
    entry = AuditEvent(cast.dora.id, AuditAction.CHANGED_ROLE, cast.ann.id)
    with admin.atomic():
        append_in_transaction(admin, entry, clock())
        accounts.change_role(admin, cast.ann.id, UserRole.CONSULTANT, password_hash, clock())
    assert groups.member_ids(admin, group) == ()
