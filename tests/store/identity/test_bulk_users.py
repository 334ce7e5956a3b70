"""Many accounts at once are the same as one by one."""

from dataclasses import replace

import pytest

from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.domain.users import UserRole
from readwatch.store.engine.privileges import Role
from readwatch.store.identity.bulk_users import add_users
from readwatch.store.identity.users import NewUser, add_user, find_user

EVE = NewUser(
    email="eve@example.org",
    full_name="Eve Ellis",
    user_role=UserRole.READER,
    password_hash="a hash",
    reading_level="B1",
    preferred_language="de",
    timezone="Europe/Vienna",
)
FAY = replace(EVE, email="fay@example.org", user_role=UserRole.CONSULTANT)


def rows_about(db, user_id: int) -> list[tuple[object, ...]]:
    """Return the account and the profile without their ids, names and e-mails."""
    user = db.execute_sql(f"SELECT * FROM users WHERE id = {user_id}").fetchone()
    profiles = db.execute_sql(f"SELECT * FROM reader_profiles WHERE user_id = {user_id}")
    return [tuple(user)[2:], *(tuple(profile)[2:] for profile in profiles.fetchall())]


@pytest.mark.parametrize("new", [EVE, FAY], ids=lambda new: new.user_role)
def test_an_account_is_the_same_as_if_it_was_added_alone(connected, cast, db, clock, new):
    alone = add_user(db, replace(new, email="alone@example.org"), clock())
    admin = connected(Role.ADMIN)
    with admin.atomic():
        ids = add_users(admin, [new, replace(FAY, email="gus@example.org")], clock())
    assert ids.keys() == {new.email, "gus@example.org"}
    assert find_user(db, new.email).id == ids[new.email]
    assert rows_about(db, ids[new.email]) == rows_about(db, alone.id)


def test_with_an_email_that_is_taken_none_is_added(connected, cast, db, clock):
    admin = connected(Role.ADMIN)
    with pytest.raises(ReadwatchError) as refusal, admin.atomic():
        add_users(admin, [EVE, replace(EVE, email=cast.ann.email)], clock())
    assert refusal.value.kind is ErrorKind.CONFLICT
    with pytest.raises(ReadwatchError, match="no account"):
        find_user(db, EVE.email)
