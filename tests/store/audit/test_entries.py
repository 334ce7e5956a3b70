"""The entries of the access log are listed page by page, and read in order up to an extent."""

import pytest

from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.store.audit import entries
from readwatch.store.audit.entries import Extent, extent, newest, oldest_first
from readwatch.store.audit.log import list_access, log_list_access


@pytest.fixture(params=[3, 10_000], ids=["chunks of 3", "one chunk"], autouse=True)
def chunk_entries(request, monkeypatch) -> None:
    monkeypatch.setattr(entries, "CHUNK_ENTRIES", request.param)


@pytest.fixture
def access(log, db, cast, clock):
    """Dora lists the access log, which is its newest entry."""
    event = AuditEvent(cast.dora.id, AuditAction.LISTED_ACCESS_LOG)
    return log_list_access(db, list_access(db, cast.dora.id), event, clock())


def test_entries_are_listed_newest_first_page_by_page(log, access):
    first = newest(log, access, limit=5)[1:]
    assert [entry.id for entry in first] == [9, 8, 7, 6]
    assert [entry.id for entry in newest(log, access, limit=4, before=6)] == [5, 4, 3, 2]
    assert first[0].consultant_email == "cara@example.org"
    assert first[0].target_name == "Ben Baker"


def test_entries_of_one_consultant_or_about_one_reader_are_listed(log, access, cast):
    of_dora = newest(log, access, limit=9, consultant_id=cast.dora.id)
    assert [(entry.action_type, entry.target_user_id) for entry in of_dora] == [
        ("listed_access_log", None)
    ]
    of_ann = newest(log, access, limit=9, consultant_id=cast.cara.id, reader_id=cast.ann.id)
    assert [entry.id for entry in of_ann] == [8, 6, 4, 2]


def test_all_entries_up_to_an_extent_are_read_in_order(log, request):
    up_to = extent(log)
    access = request.getfixturevalue("access")  # its entry comes later
    ids = [entry.id for chunk in oldest_first(log, access, up_to) for entry in chunk]
    assert ids == list(range(1, 10))
    assert list(oldest_first(log, access, Extent(0, 0, -1))) == []
