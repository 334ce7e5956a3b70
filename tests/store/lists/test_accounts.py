"""The accounts of all roles."""

from dataclasses import fields

from permits import LIST_ACCESS, ROW_ACCESS

from readwatch.domain.users import AccountState, UserRole
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.statements import Statement
from readwatch.store.lists.accounts import AccountQuery, account_ids, account_rows

HOSTILE = "Ev\x1b[2J\x9b\u202ee"


def test_the_ids_are_in_the_order_of_the_names_whatever_their_case(connected, cast, join, clock):
    admin = connected(Role.ADMIN)
    eve = join("bea Early", email="eve@example.org")
    ids = account_ids(admin, LIST_ACCESS, AccountQuery(), clock()).ids
    assert ids == (cast.ann.id, eve.id, cast.ben.id, cast.cara.id, cast.dora.id)
    rows = account_rows(admin, ROW_ACCESS, [cast.dora.id, cast.ann.id])
    assert [row.user for row in rows] == [cast.ann, cast.dora]


def test_rows_are_read_for_the_given_ids_only(connected, cast):
    assert account_rows(connected(Role.ADMIN), ROW_ACCESS, []) == ()
    assert account_rows(connected(Role.ADMIN), ROW_ACCESS, [4711]) == ()


def test_a_deleted_account_is_deleted_whether_it_was_suspended_or_not(db, cast, clock):
    db.execute_sql("UPDATE users SET deleted_at = created_at WHERE email = 'ben@example.org'")
    query = AccountQuery(AccountState.DELETED, UserRole.READER)
    (ben,) = account_rows(db, ROW_ACCESS, account_ids(db, LIST_ACCESS, query, clock()).ids)
    assert (ben.user.id, ben.state) == (cast.ben.id, AccountState.DELETED)


def test_names_are_clean(db, cast):
    write = Statement("UPDATE users SET full_name = :name, email = :name WHERE id = :id")
    write(db, name=HOSTILE, id=cast.ann.id)
    (ann,) = account_rows(db, ROW_ACCESS, [cast.ann.id])
    texts = [str(getattr(ann.user, field.name)) for field in fields(ann.user)]
    assert not [text for text in texts if {"\x1b", "\x9b", "\u202e"} & set(text)]
