"""The end of the log, and whether an earlier end is still in it."""

from contextlib import suppress

import pytest

from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.audit_chain import Head
from readwatch.store.audit.heads import contains, current_head, last_entry, numbering_defect
from readwatch.store.audit.log import append_in_transaction, log_event
from readwatch.store.engine.connections import is_sqlite
from readwatch.store.engine.privileges import Role


def forge(db, sql: str) -> None:
    """Run a statement of the owner, without the triggers."""
    if is_sqlite(db):
        db.execute_sql("DROP TRIGGER consultant_access_log_keeps_rows")
        db.execute_sql("DROP TRIGGER consultant_access_log_keeps_values")
    else:
        db.execute_sql("ALTER TABLE consultant_access_log DISABLE TRIGGER USER")
    db.execute_sql(sql)


@pytest.mark.parametrize("role", [Role.CONSOLE, Role.INGEST])
def test_an_empty_log_ends_with_nothing_and_contains_that(connected, role):
    assert current_head(connected(role)) == last_entry(connected(role)) == Head()
    assert contains(connected(role), Head())


def test_the_end_of_the_log_stays_in_it(log, connected, cast, clock):
    console = connected(Role.CONSOLE)
    head = current_head(console)
    assert (head.entries, head.id) == (9, 9)
    assert contains(console, head)
    log_event(connected(Role.ACCESS_LOG), AuditEvent(cast.cara.id, AuditAction.LOGGED_IN), clock())
    assert contains(console, head)
    assert last_entry(console).id == 10


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM consultant_access_log WHERE id > 6",
        "DELETE FROM consultant_access_log",
        "UPDATE consultant_access_log SET row_hash = prev_hash WHERE id = 9",
    ],
)
def test_an_end_that_was_removed_or_rewritten_is_missed(change, log, connected, db):
    head = current_head(connected(Role.CONSOLE))
    forge(db, change)
    assert not contains(connected(Role.CONSOLE), head)


def test_an_end_with_another_id_is_found(log, connected, db):
    head = current_head(connected(Role.CONSOLE))
    forge(db, "UPDATE consultant_access_log SET id = id + 100")
    assert contains(connected(Role.CONSOLE), head)


@pytest.mark.parametrize("role", [Role.MAINTENANCE, Role.INGEST])
def test_the_numbering_is_right_while_nothing_is_removed(role, log, connected):
    assert numbering_defect(connected(role)) is None


@pytest.mark.parametrize("role", [Role.MAINTENANCE, Role.INGEST])
def test_an_entry_that_is_rolled_back_changes_no_number(role, log, connected, cast, clock):
    writer = connected(Role.ACCESS_LOG)
    with suppress(ZeroDivisionError), writer.atomic():
        append_in_transaction(writer, AuditEvent(cast.cara.id, AuditAction.LOGGED_IN), clock())
        raise ZeroDivisionError
    assert numbering_defect(connected(role)) is None


@pytest.mark.parametrize("role", [Role.MAINTENANCE, Role.INGEST])
def test_an_entry_that_is_not_committed_yet_is_not_numbered_yet(role, log, connected, cast, clock):
    writer = connected(Role.ACCESS_LOG)
    with writer.atomic():
        append_in_transaction(writer, AuditEvent(cast.cara.id, AuditAction.LOGGED_IN), clock())
        assert numbering_defect(connected(role)) is None
    assert numbering_defect(connected(role)) is None
