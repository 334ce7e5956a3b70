"""The hash that chains the entries of the access log, which other programs can compute too."""

import hashlib
from dataclasses import replace

import pytest

from readwatch.domain.audit import GENESIS, AuditAction, AuditEvent, entry_hash

EVENT = AuditEvent(3, AuditAction.VIEWED_READER_PROFILE, 1, "console, from online", "10.0.0.7")
MOMENT = "2026-11-22 12:00:00.000"


def test_the_hash_of_an_entry_never_changes_from_one_release_to_the_next():
    assert (
        entry_hash(GENESIS, EVENT, MOMENT)
        == "74b0049fa06572c2d232db7dcc6129a4147d8cf258388d9c309ce7cb82288c30"
    )


def test_the_hash_is_that_of_compact_ascii_json_which_any_program_can_make():
    event = AuditEvent(3, AuditAction.LOGGED_IN, details="Büro")
    told = f'["{GENESIS}",3,"logged_in",null,"B\\u00fcro",null,"{MOMENT}"]'
    assert entry_hash(GENESIS, event, MOMENT) == hashlib.sha256(told.encode()).hexdigest()


@pytest.mark.parametrize(
    ("prev_hash", "event", "created_at"),
    [
        ("1" * 64, EVENT, MOMENT),
        (GENESIS, replace(EVENT, actor_id=4), MOMENT),
        (GENESIS, replace(EVENT, action_type=AuditAction.VIEWED_READER_SESSIONS), MOMENT),
        (GENESIS, replace(EVENT, subject_id=2), MOMENT),
        (GENESIS, replace(EVENT, subject_id=None), MOMENT),
        (GENESIS, replace(EVENT, details=None), MOMENT),
        (GENESIS, replace(EVENT, details=""), MOMENT),
        (GENESIS, replace(EVENT, details='console, from online","10.0.0.7'), MOMENT),
        (GENESIS, replace(EVENT, ip_address="10.0.0.8"), MOMENT),
        (GENESIS, EVENT, "2026-11-22 12:00:00.001"),
    ],
)
def test_whatever_is_changed_in_an_entry_changes_its_hash(prev_hash, event, created_at):
    assert entry_hash(prev_hash, event, created_at) != entry_hash(GENESIS, EVENT, MOMENT)
