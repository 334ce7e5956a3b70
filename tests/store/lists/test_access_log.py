"""The access log as a list: whose entries there are, and which of them are one row."""

from typing import Any

import pytest
from permits import list_access_of, row_access_of

from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.errors import ReadwatchError
from readwatch.domain.filters import parse
from readwatch.store.audit.log import log_event
from readwatch.store.engine.privileges import Role
from readwatch.store.lists import access_log as store
from readwatch.store.lists.access_log import access_log_ids, access_log_rows
from readwatch.store.lists.query import ListQuery, ResultIds

NEWEST = ListQuery("created_at", descending=True)
PROFILE = AuditAction.VIEWED_READER_PROFILE


@pytest.fixture
def look(db, clock):
    """`look(who, action, whom)` is an entry, a minute after the one before."""

    def look(who, action=PROFILE, whom=None, details="console, from online"):
        log_event(
            db, AuditEvent(who.id, action, whom and whom.id, details), clock.advance(minutes=1)
        )

    return look


@pytest.fixture
def seen(connected, clock):
    """`seen(asker, question)` is what somebody sees in the console: who did what to whom."""
    console = connected(Role.CONSOLE)

    def seen(asker, question=NEWEST):
        found = access_log_ids(console, list_access_of(asker), question, clock())
        rows = {
            row.id: row
            for row in access_log_rows(console, row_access_of(asker), found.ids, clock())
        }
        return [
            (rows[id].consultant_name[:4], rows[id].action_type, rows[id].full_name[:3])
            for id in found.ids
        ]

    return seen


def test_consultants_have_their_own_entries_and_admins_everybodys(cast, look, seen, db, clock):
    look(cast.cara, AuditAction.LOGGED_IN)
    look(cast.cara, PROFILE, cast.ann)
    look(cast.dora, PROFILE, cast.ben)
    assert seen(cast.cara) == [("Cara", "viewed_reader_profile", "Ann"), ("Cara", "logged_in", "")]
    assert seen(cast.dora)[0] == ("Dora", "viewed_reader_profile", "Ben")
    assert len(seen(cast.dora)) == 3
    everything = access_log_ids(db, list_access_of(cast.dora), NEWEST, clock()).ids
    own = access_log_ids(db, list_access_of(cast.cara), NEWEST, clock()).ids
    assert {
        row.id for row in access_log_rows(db, row_access_of(cast.cara), everything, clock())
    } == set(own)


def test_the_row_of_a_reader_leads_to_the_reader_and_no_other_row_to_anybody(cast, look, db, clock):
    look(cast.dora, AuditAction.LOGGED_IN)
    look(cast.dora, AuditAction.CHANGED_ROLE, cast.cara)
    look(cast.dora, PROFILE, cast.ann)
    look(cast.dora, PROFILE, cast.ben)
    db.execute_sql(f"UPDATE users SET deleted_at = created_at WHERE id = {cast.ben.id}")
    found = access_log_ids(db, list_access_of(cast.dora), NEWEST, clock())
    assert found.reader_ids == (None, cast.ann.id, None, None)


def test_accesses_that_repeat_within_minutes_are_one_row(cast, look, db, clock):
    begun_at = clock.advance(minutes=1)
    clock.advance(minutes=-1)
    for _ in range(3):
        look(cast.cara, PROFILE, cast.ann)
        look(cast.cara, PROFILE, cast.ben)
    look(cast.cara, PROFILE, cast.ann, "console, from readers")
    look(cast.dora, PROFILE, cast.ann)
    clock.advance(minutes=15)
    look(cast.cara, PROFILE, cast.ann)
    rows = access_log_rows(
        db,
        row_access_of(cast.dora),
        access_log_ids(db, list_access_of(cast.dora), NEWEST, clock()).ids,
        clock(),
    )
    told = {row.id: (row.consultant_name[:4], row.full_name[:3], row.repeats) for row in rows}
    assert told == {
        9: ("Cara", "Ann", 1),
        8: ("Dora", "Ann", 1),
        7: ("Cara", "Ann", 1),
        6: ("Cara", "Ben", 3),
        5: ("Cara", "Ann", 3),
    }
    [repeated] = [row for row in rows if row.id == 5]
    assert repeated.first_created_at == begun_at
    assert (repeated.created_at - begun_at).total_seconds() == 4 * 60


def test_what_is_about_nobody_is_never_folded(cast, look, seen):
    for _ in range(3):
        look(cast.cara, AuditAction.FAILED_LOGIN)
    assert len(seen(cast.cara)) == 3


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("consultant:cara", "12"),
        ("full_name:ann", "23"),
        ("!full_name:ann", "14"),
        ("action:viewed", "23"),
        ("action:log", "14"),
        ("created<1m", "4"),
        ("dora", "34"),
        ("archer cara", "2"),
    ],
)
def test_entries_are_found_by_who_did_what_to_whom_and_when(cast, look, db, clock, words, found):
    look(cast.cara, AuditAction.LOGGED_IN)
    look(cast.cara, PROFILE, cast.ann)
    look(cast.dora, PROFILE, cast.ann)
    look(cast.dora, AuditAction.LOGGED_IN)
    question = ListQuery("created_at", terms=parse(words))
    ids = access_log_ids(db, list_access_of(cast.dora), question, clock()).ids
    assert "".join(map(str, ids)) == found


def test_masked_names_of_readers_are_not_found_those_of_staff_are(cast, look, seen):
    look(cast.cara, PROFILE, cast.ann)
    masked = ListQuery("created_at", masked=True, terms=parse("ann"))
    assert seen(cast.dora, masked) == []
    assert len(seen(cast.dora, ListQuery("created_at", masked=True, terms=parse("cara")))) == 1
    with pytest.raises(ReadwatchError, match="names are masked"):
        seen(cast.dora, ListQuery("created_at", masked=True, terms=parse("full_name:ann")))


def test_it_is_paged_and_a_filter_goes_back_only_so_far(cast, look, db, clock, monkeypatch):
    for _ in range(3):
        look(cast.cara, AuditAction.LOGGED_IN)
    for _ in range(3):
        look(cast.cara, PROFILE, cast.ann)

    def order(**how: Any) -> ResultIds:
        return access_log_ids(
            db, list_access_of(cast.cara), ListQuery("created_at", True, **how), clock()
        )

    assert (order(length=4).ids, order(length=4).has_older) == ((6, 3), True)
    assert (order(length=7).ids, order(length=7).has_older) == ((6, 3, 2, 1), False)
    monkeypatch.setattr(store, "MAX_ROWS_SEARCHED", 4)
    assert order(terms=parse("action:logged")).ids == (3,)


def test_the_order_turns_around(cast, look, db, clock):
    for who in (cast.ann, cast.ben):
        look(cast.cara, PROFILE, who)
    order = access_log_ids(db, list_access_of(cast.cara), ListQuery("created_at"), clock())
    assert order.ids == (1, 2)
