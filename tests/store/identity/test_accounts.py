"""What admins do with accounts, with an admin's rights."""

from datetime import datetime

import pytest
from conftest import COST, PASSWORD
from permits import permit_for

from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.domain.lockout import LIMITS, FailureScope
from readwatch.domain.users import AccountStatus, User, UserRole
from readwatch.store.audit import log as audit_log
from readwatch.store.engine.connections import Database
from readwatch.store.engine.privileges import Role
from readwatch.store.identity import accounts
from readwatch.store.identity.lockout import record_failure
from readwatch.store.identity.passwords import hash_password
from readwatch.store.identity.resume_tokens import save_resume_token
from readwatch.store.identity.sessions import find_principal, invalid_tokens
from readwatch.store.identity.tokens import hash_token, new_resume_token, new_token
from readwatch.store.identity.users import authenticate, find_user, get_user, list_admins

SUSPEND_THE_OTHER = """
from datetime import UTC, datetime
from readwatch.domain.errors import ReadwatchError
from readwatch.store.identity import accounts
from readwatch.store.engine.connections import connection, open_database
from readwatch.store.engine.privileges import Role
with connection(open_database(sys.argv[1], Role.ADMIN)) as db:
    for user_id in map(int, sys.argv[2:]):
        try:
            with db.atomic():
                accounts.suspend(db, user_id, datetime.now(UTC))
        except ReadwatchError as refusal:
            assert refusal.kind == "conflict", refusal
"""


@pytest.fixture
def admin(connected):
    return connected(Role.ADMIN)


def suspend(db: Database, user: User, now: datetime) -> int:
    return accounts.suspend(db, user.id, now)


def delete(db: Database, user: User, now: datetime) -> int:
    return accounts.delete(db, user.id, now)


def set_password(db: Database, user: User, now: datetime) -> int:
    return accounts.set_password(db, user.id, hash_password("another password", COST), now)


@pytest.mark.parametrize("change", [suspend, delete, set_password])
def test_all_sessions_of_the_user_end_and_none_can_be_resumed(
    db, admin, cast, clock, enter, change
):
    tokens = {name: new_token() for name in ("tablet", "staff", "ben")}
    caller = enter(cast.ann, tokens["tablet"])
    ben = enter(cast.ben, tokens["ben"])
    with db.atomic():
        for device in (caller, ben):
            save_resume_token(db, device, new_resume_token(), clock())
    db.execute_sql(
        "INSERT INTO staff_sessions (user_id, session_token, is_active)"
        f" VALUES ({cast.ann.id}, '{hash_token(tokens['staff'])}', TRUE)"
    )
    before, now = clock(), clock.advance(seconds=1)

    with admin.atomic():
        assert change(admin, cast.ann, now) == 2

    gone = [hash_token(tokens["tablet"]), hash_token(tokens["staff"])]
    assert invalid_tokens(db, before) == gone[:1], "so every server that remembers it hears of it"
    assert [find_principal(db, it, now) for it in gone] == [None, None]
    assert find_principal(db, hash_token(tokens["ben"]), now) == ben
    resumable = db.execute_sql("SELECT user_id FROM resume_tokens").fetchall()
    assert [row[0] for row in resumable] == [cast.ben.id]


def test_a_suspended_account_comes_back_and_a_deleted_one_does_not(db, admin, cast, clock):
    with admin.atomic():
        suspend(admin, cast.ann, clock())
    assert not get_user(db, cast.ann.id).is_active
    with admin.atomic():
        accounts.activate(admin, cast.ann.id, clock())
    assert authenticate(db, "ann@example.org", PASSWORD, cost=COST) == cast.ann

    with admin.atomic():
        delete(admin, cast.ann, clock())
    for change in (accounts.activate, accounts.suspend, accounts.delete):
        with pytest.raises(ReadwatchError) as refusal, admin.atomic():
            change(admin, cast.ann.id, clock())
        assert refusal.value.kind is ErrorKind.NOT_FOUND
    with pytest.raises(ReadwatchError):
        find_user(db, "ann@example.org")


def test_what_is_so_already_is_a_conflict(admin, cast, clock):
    with pytest.raises(ReadwatchError, match="active already"), admin.atomic():
        accounts.activate(admin, cast.ann.id, clock())
    with admin.atomic():
        suspend(admin, cast.ann, clock())
    with pytest.raises(ReadwatchError, match="suspended already"), admin.atomic():
        suspend(admin, cast.ann, clock())


@pytest.mark.parametrize("change", [suspend, delete])
def test_the_last_active_admin_stays(db, admin, cast, clock, join, change):
    eve = join("Eve Early", UserRole.ADMIN)
    with admin.atomic():
        suspend(admin, eve, clock())
    with pytest.raises(ReadwatchError, match="last active admin") as refusal, admin.atomic():
        change(admin, cast.dora, clock())
    assert refusal.value.kind is ErrorKind.CONFLICT
    assert get_user(db, cast.dora.id) == cast.dora
    with admin.atomic():
        delete(admin, eve, clock())


def test_of_admins_who_suspend_each_other_at_once_one_stays(db, url, cast, join, at_once):
    others = [join(f"{name} Early", UserRole.ADMIN) for name in ("Eve", "Finn", "Gus")]
    everybody = [str(user.id) for user in (cast.dora, *others)]
    at_once(SUSPEND_THE_OTHER, url, *everybody, processes=4)
    assert len([user for user in list_admins(db) if user.is_active]) == 1


# How an account stands --------------------------------------------------------------------------


def test_an_account_that_nobody_used_stands_so(admin, cast, clock):
    nothing = AccountStatus(0, None, clock() - clock(), None)
    for user in (cast.ann, cast.cara):
        assert accounts.account_status(admin, permit_for(user.id), clock()) == nothing


def test_the_status_has_the_open_sessions_and_the_last_login(db, admin, cast, clock, enter):
    enter(cast.ann)
    enter(cast.ann)
    enter(cast.cara)
    signed_in_at = clock()
    now = clock.advance(minutes=3)
    audit_log.log_event(db, AuditEvent(cast.dora.id, AuditAction.LOGGED_IN, details="console"), now)
    found = [
        accounts.account_status(admin, permit_for(user.id), now)
        for user in (cast.ann, cast.ben, cast.cara, cast.dora)
    ]
    assert [it.open_sessions for it in found] == [2, 0, 1, 0]
    assert [it.last_login for it in found] == [signed_in_at, None, signed_in_at, now]


@pytest.mark.parametrize(
    ("address", "counted"),
    [("10.0.0.7", FailureScope.ACCOUNT_AT_ADDRESS), ("203.0.113.9", FailureScope.ACCOUNT)],
)
def test_the_status_has_the_lockout(db, admin, cast, clock, enter, address, counted):
    enter(cast.ann, ip_address="10.0.0.7")
    locked = []
    for _ in range(LIMITS[counted].free):
        locked.append(accounts.account_status(admin, permit_for(cast.ann.id), clock()).locked_for)
        with db.atomic():
            record_failure(db, "Ann@example.org", address, clock())
    assert not any(locked)
    locked_for = accounts.account_status(admin, permit_for(cast.ann.id), clock()).locked_for
    assert locked_for.total_seconds() == 1
    assert not accounts.account_status(admin, permit_for(cast.ben.id), clock()).locked_for
