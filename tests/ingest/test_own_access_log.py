"""Users can read who accessed their data: when, in which view, and in which role."""

from typing import Any

import pytest
from conftest import NOON, Cast
from ingest.api import Api, ApiClient, problem

from readwatch.domain.audit import GENESIS, AuditAction, AuditEvent
from readwatch.domain.clock import Clock
from readwatch.ingest.app import create_app
from readwatch.ingest.services import Settings
from readwatch.store.audit.log import log_event
from readwatch.store.engine.connections import Database, driver_connection
from readwatch.store.reader_data import _ACCESSES


def own_entries(app: ApiClient, query: str = "") -> list[dict[str, Any]]:
    answer = app.get(f"/api/me/access-log{query}")
    assert answer.status_code == 200
    return answer.get_json()["entries"]


def test_an_entry_names_the_time_the_view_and_the_role(
    ann: ApiClient, cara: ApiClient, cast: Cast
) -> None:
    assert own_entries(ann) == []
    cara.get(f"/api/readers/{cast.ann.id}/activities")
    (entry,) = own_entries(ann)
    assert entry == {
        "id": entry["id"],
        "created_at": NOON.isoformat(),
        "action_type": "viewed_reader_activities",
        "user_role": "consultant",
        "full_name": None,
    }


def test_nobody_sees_entries_about_others(
    ann: ApiClient, ben: ApiClient, cara: ApiClient, cast: Cast
) -> None:
    cara.get(f"/api/readers/{cast.ann.id}")
    assert (len(own_entries(ann)), own_entries(ben), own_entries(cara)) == (1, [], [])


def test_an_admin_s_change_of_an_account_is_included(
    ann: ApiClient, cast: Cast, db: Database, clock: Clock
) -> None:
    log_event(db, AuditEvent(cast.dora.id, AuditAction.SET_PASSWORD, cast.ann.id, "cli"), clock())
    assert [(it["action_type"], it["user_role"]) for it in own_entries(ann)] == [
        ("set_password", "admin")
    ]


def test_entries_come_in_pages_newest_first(
    ann: ApiClient, cast: Cast, db: Database, clock: Clock
) -> None:
    for _ in range(5):
        log_event(
            db, AuditEvent(cast.cara.id, AuditAction.VIEWED_READER_PROFILE, cast.ann.id), clock()
        )
    first = own_entries(ann, "?limit=3")
    rest = own_entries(ann, f"?limit=3&before={first[-1]['id']}")
    assert [entry["id"] for entry in (*first, *rest)] == [5, 4, 3, 2, 1]
    problem(ann.get("/api/me/access-log?limit=501"), 422)


def test_the_end_of_the_whole_log_is_included(
    ann: ApiClient, cast: Cast, db: Database, clock: Clock
) -> None:
    def head() -> dict[str, Any]:
        return dict(ann.get("/api/me/access-log").get_json()["head"])

    assert head() == {"id": 0, "row_hash": GENESIS}
    log_event(db, AuditEvent(cast.cara.id, AuditAction.VIEWED_READER_PROFILE, cast.ben.id), clock())
    (row_hash,) = db.execute_sql("SELECT row_hash FROM consultant_access_log").fetchone()
    assert head() == {"id": 1, "row_hash": row_hash}


def test_a_setting_shows_the_names_of_staff_and_never_of_readers(
    url: str, cast: Cast, db: Database, clock: Clock
) -> None:
    log_event(db, AuditEvent(cast.cara.id, AuditAction.VIEWED_READER_PROFILE, cast.ann.id), clock())
    log_event(db, AuditEvent(cast.ben.id, AuditAction.VIEWED_READER_PROFILE, cast.ann.id), clock())
    app = create_app(Settings(url, bcrypt_cost=4, viewers_shown_by="name"), clock)
    api = Api(app.test_client(), app=app)
    try:
        names = [entry["full_name"] for entry in own_entries(api.login("ann@example.org"))]
    finally:
        api.stop()
    assert names == [None, "Cara Cook"]


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_page_is_read_from_an_index_whatever_the_size_of_the_log(db: Database) -> None:
    values = {"user_id": 1, "before": 9, "length": 5}
    plan = driver_connection(db).execute(f"EXPLAIN QUERY PLAN {_ACCESSES.text(db)}", values)
    steps = " ".join(row[3] for row in plan)
    assert "idx_consultant_log_target_id (target_user_id=? AND id<?)" in steps
    assert "TEMP B-TREE" not in steps
