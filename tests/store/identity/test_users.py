"""Accounts: made, found, listed, signed in."""

from functools import partial

import pytest
from conftest import COST, NOON, PASSWORD
from listed import everybody
from permits import permit_for

from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.domain.users import UserRole
from readwatch.store import reader_data
from readwatch.store.engine.privileges import Role
from readwatch.store.identity.passwords import hash_password
from readwatch.store.identity.users import (
    acting_admin,
    authenticate,
    change_password,
    check_current_password,
    checked_email,
    find_user,
    get_user,
)


@pytest.fixture
def suspend(db):
    return lambda user: db.execute_sql(f"UPDATE users SET is_active = FALSE WHERE id = {user.id}")


@pytest.fixture
def delete(db):
    return lambda user: db.execute_sql(
        f"UPDATE users SET deleted_at = '2026-11-01 00:00:00.000' WHERE id = {user.id}"
    )


# Addresses --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("ann@example.org", "ann@example.org"),
        ("Ann.Archer+Books@Example.ORG", "ann.archer+books@example.org"),
        ("jose\u0301@example.org", "josé@example.org"),
        ("ÅSA@example.org", "åsa@example.org"),
        ("ann@library.test", "ann@library.test"),
        ("用户@例え.jp", "用户@例え.jp"),
    ],
)
def test_an_address_is_kept_in_lower_case_and_one_spelling(typed, kept):
    assert checked_email(typed) == kept


@pytest.mark.parametrize(
    "email",
    [
        "",
        "ann",
        "ann@",
        "@example.org",
        "ann@localhost",
        "ann archer@example.org",
        " ann@example.org",
        "Ann <ann@example.org>",
        "ann@example..org",
        "ann@[127.0.0.1]",
        "ann\0@example.org",
        "ann\x1b@example.org",
        "ann\ud800@example.org",
        "ann\u202e@example.org",
        f"ann@{'x' * 250}.org",
    ],
    ids=ascii,
)
def test_what_cannot_be_an_address_is_refused_and_named(email):
    with pytest.raises(ReadwatchError) as refusal:
        checked_email(email)
    assert (refusal.value.kind, refusal.value.field) == (ErrorKind.INVALID, "email")


# Making an account ------------------------------------------------------------------------------


def test_a_new_account_is_found_as_it_was_made(db, clock, join):
    eve = join("  Eve   Early ", UserRole.CONSULTANT, email="Eve@Example.org")
    assert (eve.email, eve.full_name, eve.user_role) == (
        "eve@example.org",
        "Eve Early",
        UserRole.CONSULTANT,
    )
    assert (eve.is_active, eve.email_verified, eve.created_at) == (True, False, clock())
    assert get_user(db, eve.id) == eve


def test_a_reader_has_a_profile_from_the_start_and_staff_has_none(db, join, cast):
    eve = join("Eve Early", reading_level="B1", preferred_language="pt", timezone="Asia/Tokyo")
    profile = reader_data.profile(db, permit_for(eve.id))
    assert (profile.reading_level, profile.preferred_language, profile.timezone) == (
        "B1",
        "pt",
        "Asia/Tokyo",
    )
    assert (profile.total_sessions, profile.total_reading_time_minutes) == (0, 0)
    assert (profile.unique_content_read, profile.last_login) == (0, None)
    with pytest.raises(ReadwatchError, match="no profile"):
        reader_data.profile(db, permit_for(cast.cara.id))


@pytest.mark.parametrize("email", ["ann@example.org", "ANN@EXAMPLE.ORG"])
def test_an_address_that_is_taken_is_a_conflict_and_nothing_is_left_behind(db, cast, join, email):
    with pytest.raises(ReadwatchError) as refusal:
        join("Ann Another", email=email)
    assert (refusal.value.kind, refusal.value.field) == (ErrorKind.CONFLICT, "email")
    assert len(everybody(db)) == 4
    assert db.execute_sql("SELECT count(*) FROM reader_profiles").fetchone() == (2,)


def test_an_address_stays_taken_when_its_account_was_deleted(db, cast, join, delete):
    delete(cast.ann)
    with pytest.raises(ReadwatchError, match="deleted, and stays taken") as refusal:
        join("Ann Another", email="Ann@example.org")
    assert (refusal.value.kind, refusal.value.field) == (ErrorKind.CONFLICT, "email")


def test_a_conflict_leaves_the_transaction_around_it_usable(db, cast, join):
    with db.atomic():
        with pytest.raises(ReadwatchError):
            join("Ann Another", email="ann@example.org")
        join("Eve Early")
    assert find_user(db, "eve@example.org").full_name == "Eve Early"


def test_an_account_with_a_bad_name_is_not_made(db, cast, join):
    with pytest.raises(ReadwatchError) as refusal:
        join("Eve\x1b[2J", email="eve@example.org")
    assert refusal.value.field == "full_name"
    assert len(everybody(db)) == 4


# Finding one ------------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["ann@example.org", "ANN@example.ORG"])
def test_an_account_is_found_without_regard_to_case(db, cast, typed):
    assert find_user(db, typed) == cast.ann


@pytest.mark.parametrize("typed", ["jose\u0301@example.org", "JOSÉ@example.org"])
def test_an_address_in_another_spelling_is_the_same_address(db, join, typed):
    jose = join("José", email="josé@example.org")
    assert find_user(db, typed) == jose


def test_who_is_not_there_is_not_found(db, cast, delete):
    delete(cast.ann)
    for search in (
        partial(find_user, db, "ann@example.org"),
        partial(get_user, db, cast.ann.id),
        partial(find_user, db, "nobody@example.org"),
        partial(get_user, db, 4711),
        partial(find_user, db, "a\0\ud800@example.org"),
        partial(find_user, db, "%@example.org"),
    ):
        with pytest.raises(ReadwatchError) as refusal:
            search()
        assert refusal.value.kind is ErrorKind.NOT_FOUND


def test_accounts_are_listed_by_name_without_the_deleted(db, cast, delete):
    delete(cast.ben)
    names = [user.full_name for user in everybody(db)]
    assert names == ["Ann Archer", "Cara Cook", "Dora Dyer"]


# Signing in -------------------------------------------------------------------------------------


def test_the_right_password_signs_in(db, cast):
    assert authenticate(db, "Ann@example.org", PASSWORD, cost=COST) == cast.ann


def test_a_wrong_email_and_a_wrong_password_get_the_same_answer(db, cast):
    def said(email: str, password: str) -> tuple[ErrorKind, str]:
        with pytest.raises(ReadwatchError) as refusal:
            authenticate(db, email, password, cost=COST)
        return refusal.value.kind, refusal.value.message

    wrong = [
        ("ann@example.org", "wrong horse battery"),
        ("ann@example.org", PASSWORD.upper()),
        ("ann@example.org", PASSWORD + " "),
        ("ann@example.org", ""),
        ("ann@example.org", "x" * 5000),
        ("ann@example.org", PASSWORD + "\0"),
        ("ann@example.org", "\ud800"),
        ("nobody@example.org", PASSWORD),
        ("", PASSWORD),
        ("ann\0@example.org", PASSWORD),
        ("ann\ud800@example.org", PASSWORD),
        ("' OR 1=1 --", PASSWORD),
    ]
    the_same = (ErrorKind.UNAUTHENTICATED, "wrong e-mail or password")
    assert {attempt: said(*attempt) for attempt in wrong} == dict.fromkeys(wrong, the_same)


def test_only_with_the_right_password_one_learns_that_an_account_is_suspended(db, cast, suspend):
    suspend(cast.ann)
    with pytest.raises(ReadwatchError, match="suspended") as refusal:
        authenticate(db, "ann@example.org", PASSWORD, cost=COST)
    assert refusal.value.kind is ErrorKind.UNAUTHENTICATED
    with pytest.raises(ReadwatchError, match="wrong e-mail or password"):
        authenticate(db, "ann@example.org", "wrong horse battery", cost=COST)


def test_a_deleted_account_is_as_unknown_as_any(db, cast, delete):
    delete(cast.ann)
    with pytest.raises(ReadwatchError, match="wrong e-mail or password"):
        authenticate(db, "ann@example.org", PASSWORD, cost=COST)


# Acting admins ----------------------------------------------------------------------------------


def test_the_only_admin_acts_without_being_named(db, cast):
    assert acting_admin(db, None) == cast.dora
    assert acting_admin(db, "DORA@example.org") == cast.dora


def test_of_several_admins_one_is_named_unless_the_others_are_suspended(db, cast, join, suspend):
    eve = join("Eve Early", UserRole.ADMIN)
    with pytest.raises(ReadwatchError) as refusal:
        acting_admin(db, None)
    assert (refusal.value.kind, refusal.value.field) == (ErrorKind.INVALID, "as")
    assert acting_admin(db, "eve@example.org") == eve
    suspend(eve)
    assert acting_admin(db, None) == cast.dora


def test_who_is_no_active_admin_cannot_act(db, cast, suspend, delete):
    for email in ("cara@example.org", "ann@example.org", "nobody@example.org"):
        with pytest.raises(ReadwatchError, match=email) as refusal:
            acting_admin(db, email)
        assert refusal.value.kind is ErrorKind.FORBIDDEN
    suspend(cast.dora)
    with pytest.raises(ReadwatchError, match="active admin"):
        acting_admin(db, "dora@example.org")
    with pytest.raises(ReadwatchError, match="all admins are suspended"):
        acting_admin(db, None)
    delete(cast.dora)
    with pytest.raises(ReadwatchError, match="readwatch init"):
        acting_admin(db, None)


# Another password -------------------------------------------------------------------------------


def test_a_password_is_changed_only_if_it_is_still_the_one_that_was_checked(db, connected, cast):
    ingest = connected(Role.INGEST)
    checked = check_current_password(ingest, cast.ann.id, PASSWORD)
    change_password(ingest, cast.ann.id, checked, hash_password("first", COST), NOON)
    with pytest.raises(ReadwatchError) as refusal:
        change_password(ingest, cast.ann.id, checked, hash_password("second", COST), NOON)
    assert (refusal.value.kind, refusal.value.field) == (ErrorKind.FORBIDDEN, "current_password")
    assert authenticate(db, "ann@example.org", "first", cost=COST).id == cast.ann.id
