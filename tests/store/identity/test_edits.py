"""Edits of accounts: only what differs is changed, and an e-mail takes along what belongs to it."""

from datetime import timedelta

import pytest
from permits import permit_for

from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.store import reader_data
from readwatch.store.audit.log import append_in_transaction
from readwatch.store.engine.privileges import Role
from readwatch.store.identity import invitations, lockout
from readwatch.store.identity.edits import Edit, changed_columns, save_edit, save_edits
from readwatch.store.identity.users import find_user, get_user

ANN = "ann@example.org"


@pytest.fixture
def admin(connected):
    return connected(Role.ADMIN)


def edit(admin, now, **values) -> None:
    with admin.atomic():
        save_edit(admin, Edit(**values), now)


def profile_of(db, user) -> tuple[str, str, str]:
    profile = reader_data.profile(db, permit_for(user.id))
    return profile.reading_level, profile.preferred_language, profile.timezone


def test_only_given_values_that_differ_are_changes(admin, cast, clock):
    edit(admin, clock(), user_id=cast.ben.id, reading_level="B1")
    edits = [
        Edit(user_id=cast.ann.id, full_name="Ann Archer", reading_level="", timezone="UTC"),
        Edit(user_id=cast.ben.id, full_name="Ben B.", reading_level="", preferred_language="de"),
        Edit(user_id=cast.cara.id, email="cook@example.org", full_name="Cara Cook"),
        Edit(user_id=cast.dora.id),
    ]
    assert changed_columns(admin, edits) == {
        cast.ben.id: ("full_name", "reading_level", "preferred_language"),
        cast.cara.id: ("email",),
    }


def test_deleted_accounts_are_not_changed(db, admin, cast):
    db.execute_sql("UPDATE users SET deleted_at = created_at WHERE email = 'ann@example.org'")
    assert changed_columns(admin, [Edit(user_id=cast.ann.id, full_name="Eve")]) == {}


def test_many_accounts_are_changed_at_once_and_keep_what_is_not_given(admin, cast, clock):
    edits = [
        Edit(user_id=cast.ann.id, full_name="Ann A.", reading_level="B1"),
        Edit(user_id=cast.ben.id, preferred_language="de", timezone="Europe/Vienna"),
    ]
    with admin.atomic():
        save_edits(admin, edits, clock())
    assert [get_user(admin, user.id).full_name for user in (cast.ann, cast.ben, cast.cara)] == [
        "Ann A.",
        "Ben Baker",
        "Cara Cook",
    ]
    assert profile_of(admin, cast.ann) == ("B1", "en", "UTC")
    assert profile_of(admin, cast.ben) == ("", "de", "Europe/Vienna")
    edit(admin, clock(), user_id=cast.ann.id, reading_level="")
    assert profile_of(admin, cast.ann) == ("", "en", "UTC")
    (level,) = admin.execute_sql(
        f"SELECT reading_level FROM reader_profiles WHERE user_id = {cast.ann.id}"
    ).fetchone()
    assert level is None


def test_a_new_e_mail_is_unverified_and_everything_else_of_the_account_stays(
    db, admin, cast, clock
):
    db.execute_sql("UPDATE users SET email_verified = TRUE")
    edit(admin, clock(), user_id=cast.cara.id, full_name="Cara C.")
    assert get_user(admin, cast.cara.id).email_verified
    edit(admin, clock(), user_id=cast.cara.id, email="cook@example.org")
    cara = find_user(admin, "cook@example.org")
    assert (cara.id, cara.full_name, cara.email_verified) == (cast.cara.id, "Cara C.", False)
    assert cara.password_changed_at == cast.cara.password_changed_at


@pytest.mark.parametrize("deleted", [False, True])
def test_an_e_mail_that_is_taken_is_a_conflict_and_nothing_is_changed(
    db, admin, cast, clock, deleted
):
    if deleted:
        db.execute_sql("UPDATE users SET deleted_at = created_at WHERE email = 'ben@example.org'")
    with pytest.raises(ReadwatchError) as refused:
        edit(admin, clock(), user_id=cast.ann.id, full_name="Eve", email="ben@example.org")
    assert refused.value.kind is ErrorKind.CONFLICT
    assert get_user(admin, cast.ann.id) == cast.ann


def test_with_the_e_mail_the_failed_logins_of_the_old_one_and_the_invitation_go(
    db, admin, cast, clock
):
    event = AuditEvent(cast.dora.id, AuditAction.INVITED_USER, cast.ann.id)
    with db.atomic():
        for _ in range(6):
            lockout.record_failure(db, ANN, "10.0.0.1", clock())
        lockout.record_failure(db, "ben@example.org", "10.0.0.1", clock())
        append_in_transaction(db, event, clock())
        invitations.add_invitations(db, {cast.ann.id: invitations.new_code()}, clock())
    edit(admin, clock(), user_id=cast.ann.id, full_name="Ann A.")
    assert lockout.count_of_account(db, ANN) == 1
    assert invitations.invited_until(db, cast.ann.id, clock()) is not None

    edit(admin, clock(), user_id=cast.ann.id, email="archer@example.org")
    assert lockout.count_of_account(db, ANN) == 0
    assert lockout.count_of_account(db, "ben@example.org") == 1
    assert invitations.invited_until(db, cast.ann.id, clock()) is None
    assert lockout.locked_for(db, "archer@example.org", clock()) == timedelta(0)
