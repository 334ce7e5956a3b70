"""People are told who looked at their data: when, in which view, and in which role."""

import pytest
from conftest import NOON, Cast
from ingest.api import Api, Caller, problem

from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.clock import Clock
from readwatch.ingest.app import create_app
from readwatch.ingest.services import Settings
from readwatch.store.audit.log import log_event
from readwatch.store.engine.connections import Database, driver_connection
from readwatch.store.reader_data import _ACCESSES


def told(app: Caller, query: str = "") -> list[dict]:
    answer = app.get(f"/api/me/access-log{query}")
    assert answer.status_code == 200
    return answer.json["looks"]


def test_ann_is_told_when_and_in_which_view_a_consultant_looked(
    ann: Caller, cara: Caller, cast: Cast
) -> None:
    assert told(ann) == []
    cara.get(f"/api/readers/{cast.ann.id}/activities")
    (look,) = told(ann)
    assert look == {
        "id": look["id"],
        "created_at": NOON.isoformat(),
        "action_type": "viewed_reader_activities",
        "user_role": "consultant",
        "full_name": None,
    }


def test_nobody_is_told_of_looks_at_others(
    ann: Caller, ben: Caller, cara: Caller, cast: Cast
) -> None:
    cara.get(f"/api/readers/{cast.ann.id}")
    assert (len(told(ann)), told(ben), told(cara)) == (1, [], [])


def test_what_an_admin_did_to_an_account_is_told_too(
    ann: Caller, cast: Cast, db: Database, clock: Clock
) -> None:
    log_event(db, AuditEvent(cast.dora.id, AuditAction.SET_PASSWORD, cast.ann.id, "cli"), clock())
    assert [(it["action_type"], it["user_role"]) for it in told(ann)] == [("set_password", "admin")]


def test_looks_come_in_pages_newest_first(
    ann: Caller, cast: Cast, db: Database, clock: Clock
) -> None:
    for _ in range(5):
        log_event(
            db, AuditEvent(cast.cara.id, AuditAction.VIEWED_READER_PROFILE, cast.ann.id), clock()
        )
    first = told(ann, "?limit=3")
    rest = told(ann, f"?limit=3&before={first[-1]['id']}")
    assert [look["id"] for look in (*first, *rest)] == [5, 4, 3, 2, 1]
    problem(ann.get("/api/me/access-log?limit=501"), 422)


def test_an_installation_can_name_its_staff_and_never_names_a_reader(
    url: str, cast: Cast, db: Database, clock: Clock
) -> None:
    log_event(db, AuditEvent(cast.cara.id, AuditAction.VIEWED_READER_PROFILE, cast.ann.id), clock())
    log_event(db, AuditEvent(cast.ben.id, AuditAction.VIEWED_READER_PROFILE, cast.ann.id), clock())
    app = create_app(Settings(url, bcrypt_cost=4, looks_told_by="name"), clock)
    api = Api(app.test_client(), app=app)
    try:
        names = [look["full_name"] for look in told(api.login("ann@example.org"))]
    finally:
        api.stop()
    assert names == [None, "Cara Cook"]


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_page_is_read_off_an_index_however_long_the_log_is(db: Database) -> None:
    values = {"user_id": 1, "before": 9, "length": 5}
    plan = driver_connection(db).execute(f"EXPLAIN QUERY PLAN {_ACCESSES._sqlite}", values)
    steps = " ".join(row[3] for row in plan)
    assert "idx_consultant_log_target_id (target_user_id=? AND id<?)" in steps
    assert "TEMP B-TREE" not in steps
