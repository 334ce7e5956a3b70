"""Invitations: who can use a code, for how long, and what makes it void."""

from datetime import timedelta

import peewee
import pytest
from conftest import StillClock

from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.domain.users import UserRole
from readwatch.store.audit.log import append_in_transaction
from readwatch.store.engine.privileges import Role
from readwatch.store.identity import accounts, invitations
from readwatch.store.identity.passwords import password_matches
from readwatch.store.lifecycle.retention import purge_invitations

MOMENT = timedelta(milliseconds=1)


@pytest.fixture
def admin(connected):
    return connected(Role.ADMIN)


@pytest.fixture
def invite(admin, cast, clock):
    """`invite(user, …)` invites users and returns their codes."""

    def invite(*users) -> list[str]:
        codes = {user.id: invitations.new_code() for user in users}
        with admin.atomic():
            for user in users:
                event = AuditEvent(cast.dora.id, AuditAction.INVITED_USER, user.id)
                append_in_transaction(admin, event, clock())
            invitations.add_invitations(admin, codes, clock())
        return list(codes.values())

    return invite


def refusal(db, code: str, now) -> str:
    with pytest.raises(ReadwatchError) as refused:
        invitations.invited_user(db, code, now)
    assert refused.value.kind is ErrorKind.UNAUTHENTICATED
    return refused.value.message


def test_a_code_has_140_random_bits_in_letters_that_nobody_misreads():
    codes = [invitations.new_code() for _ in range(1000)]
    letters = "".join(codes).replace("-", "")
    assert {len(code) for code in codes} == {34}
    assert len(letters) == 28 * 1000
    assert (len(set(letters)), set(letters) & set("ILOU")) == (32, set())
    assert len(set(codes)) == 1000


@pytest.mark.parametrize(
    "typed",
    ["0123-4567", "o1 23-45 67", " oi23\u20134567\n", "0L234567", "\u200b01234567"],
)
def test_a_code_is_the_same_however_it_is_typed(typed):
    assert invitations.hash_code(typed) == invitations.hash_code("0123-4567")
    assert invitations.hash_code("0123-4568") != invitations.hash_code(typed)


def test_only_the_hash_of_a_code_is_stored(db, cast, invite):
    (code,) = invite(cast.ann)
    rows = [tuple(row) for row in db.execute_sql("SELECT * FROM invitations")]
    assert rows[0][:2] == (cast.ann.id, invitations.hash_code(code))
    assert code not in repr(rows)


def test_a_code_is_valid_for_72_hours(connected, cast, invite, clock: StillClock):
    ingest = connected(Role.INGEST)
    (code,) = invite(cast.ann)
    until = clock() + timedelta(hours=72)
    assert invitations.invited_until(ingest, cast.ann.id, clock()) == until
    assert invitations.invited_user(ingest, code, until - MOMENT).id == cast.ann.id
    made_up = refusal(ingest, invitations.new_code(), until)
    assert refusal(ingest, code, until) == made_up
    assert invitations.invited_until(ingest, cast.ann.id, until) is None


def test_a_new_invitation_voids_the_earlier_one_of_this_user_only(db, cast, invite, clock):
    earlier, bens = invite(cast.ann, cast.ben)
    (later,) = invite(cast.ann)
    refusal(db, earlier, clock())
    assert invitations.invited_user(db, later, clock()).id == cast.ann.id
    assert invitations.invited_user(db, bens, clock()).id == cast.ben.id


def set_password(db, user, now) -> None:
    append_in_transaction(db, AuditEvent(user.id, AuditAction.SET_PASSWORD, user.id), now)
    accounts.set_password(db, user.id, "a hash", now)


def change_role(db, user, now) -> None:
    append_in_transaction(db, AuditEvent(user.id, AuditAction.CHANGED_ROLE, user.id), now)
    accounts.change_role(db, user.id, UserRole.ADMIN, "a hash", now)


def suspend_and_activate(db, user, now) -> None:
    accounts.suspend(db, user.id, now)
    accounts.activate(db, user.id, now)


@pytest.mark.parametrize(
    "change",
    [
        set_password,
        change_role,
        suspend_and_activate,
        lambda db, user, now: accounts.delete(db, user.id, now),
        lambda db, user, _now: invitations.revoke(db, user.id),
    ],
)
@pytest.mark.parametrize("name", ["ann", "cara"])
def test_a_change_of_the_account_voids_its_invitation(
    connected, admin, cast, invite, clock, change, name
):
    user = getattr(cast, name)
    code, _ = invite(user, cast.ben)
    with admin.atomic():
        change(admin, user, clock())
    refusal(connected(Role.INGEST), code, clock())
    assert invitations.invited_until(admin, user.id, clock()) is None
    assert invitations.invited_until(admin, cast.ben.id, clock()) is not None


@pytest.mark.parametrize("column", ["is_active = FALSE", "deleted_at = created_at"])
def test_whoever_is_suspended_or_deleted_by_other_means_cannot_use_a_code(
    db, cast, invite, clock, column
):
    (code,) = invite(cast.ann)
    db.execute_sql(f"UPDATE users SET {column} WHERE id = {cast.ann.id}")
    assert refusal(db, code, clock()) == refusal(db, "made up", clock())


def log_and_invite(db, event: AuditEvent | None, user, now) -> None:
    with db.atomic():
        if event is not None:
            append_in_transaction(db, event, now)
        invitations.add_invitations(db, {user.id: invitations.new_code()}, now)


def test_an_invitation_without_its_entry_is_refused(admin, db, cast, clock):
    others = [
        None,
        AuditEvent(cast.dora.id, AuditAction.INVITED_USER, cast.ben.id),
        AuditEvent(cast.dora.id, AuditAction.VIEWED_USER, cast.ann.id),
    ]
    for event in others:
        with pytest.raises(peewee.IntegrityError, match="who is invited"):
            log_and_invite(admin, event, cast.ann, clock())
    log_and_invite(
        admin, AuditEvent(cast.dora.id, AuditAction.INVITED_USER, cast.ann.id), cast.ann, clock()
    )
    with pytest.raises(peewee.IntegrityError, match="who is invited"):
        log_and_invite(
            admin, None, cast.ann, clock.advance(seconds=1)
        )  # an entry of an earlier one
    rows = [tuple(row) for row in db.execute_sql("SELECT user_id FROM invitations")]
    assert rows == [(cast.ann.id,)]


@pytest.mark.parametrize("password", ["", "no such account", "x" * 12])
def test_no_password_matches_an_account_without_one(password):
    assert not password_matches(password, invitations.NO_PASSWORD, 4)


def test_expired_invitations_are_deleted_and_others_stay(connected, db, cast, invite, clock):
    ingest = connected(Role.INGEST)
    invite(cast.ann, cast.ben)
    clock.advance(hours=1)
    invite(cast.cara)
    until = clock.advance(hours=71)
    with ingest.atomic():
        assert purge_invitations(ingest, until, most=1)
        assert purge_invitations(ingest, until, most=1)
        assert not purge_invitations(ingest, until, most=1)
    rows = [tuple(row) for row in db.execute_sql("SELECT user_id FROM invitations")]
    assert rows == [(cast.cara.id,)]
