"""No password of a consultant or an admin changes without an entry of the access log."""

import peewee
import pytest

from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.store.audit.log import append_in_transaction
from readwatch.store.engine.privileges import Role

CHANGING = [Role.INGEST, Role.ADMIN, Role.ERASURE, Role.OWNER]


def set_hash(db, user, password_hash: str) -> None:
    db.execute_sql(f"UPDATE users SET password_hash = '{password_hash}' WHERE id = {user.id}")


def hash_of(db, user) -> str:
    query = f"SELECT password_hash FROM users WHERE id = {user.id}"
    return str(db.execute_sql(query).fetchone()[0])


def log_and_set(db, event: AuditEvent | None, user, clock) -> None:
    with db.atomic():
        if event is not None:
            append_in_transaction(db, event, clock())
        set_hash(db, user, "new")


@pytest.mark.parametrize("role", CHANGING)
def test_a_new_password_of_staff_without_its_entry_is_refused(role, connected, db, cast, clock):
    before = hash_of(db, cast.dora)
    acts = [
        None,
        AuditEvent(cast.dora.id, AuditAction.LOGGED_IN),
        AuditEvent(cast.dora.id, AuditAction.SET_PASSWORD, cast.cara.id),
        AuditEvent(cast.dora.id, AuditAction.VIEWED_USER, cast.dora.id),
    ]
    for event in acts:
        with pytest.raises(peewee.IntegrityError, match="whose password"):
            log_and_set(connected(role), event, cast.dora, clock)
    assert hash_of(db, cast.dora) == before


@pytest.mark.parametrize("role", CHANGING)
def test_with_its_entry_as_the_last_one_it_is_set(role, connected, db, cast, clock):
    event = AuditEvent(cast.dora.id, AuditAction.SET_PASSWORD, cast.cara.id)
    log_and_set(connected(role), event, cast.cara, clock)
    assert hash_of(db, cast.cara) == "new"


def test_readers_need_no_entry_and_an_empty_hash_neither(connected, db, cast):
    set_hash(connected(Role.INGEST), cast.ann, "new")
    set_hash(connected(Role.ERASURE), cast.dora, "")
    assert (hash_of(db, cast.ann), hash_of(db, cast.dora)) == ("new", "")
