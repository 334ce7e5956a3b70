"""The metrics for Prometheus, and who may read them."""

import shutil
from dataclasses import replace
from pathlib import Path
from threading import get_ident
from time import monotonic, sleep
from typing import Any

import pytest
from conftest import NOON, PASSWORD, StillClock
from ingest.api import Api, ApiClient, fetch_all, problem
from ingest.process import TIMEOUT
from prometheus_client.parser import text_string_to_metric_families

from readwatch import __version__
from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.ingest import metrics
from readwatch.ingest.app import create_app
from readwatch.ingest.services import Settings
from readwatch.store.audit.log import log_event
from readwatch.store.engine.connections import Database
from readwatch.store.engine.sqlite import sqlite_path

PAGE = {"activity_type": "page_read", "event_id": "e1"}


def scrape(api: Api) -> dict[tuple[str, ...], float]:
    """Return each sample by its name and the values of its labels."""
    answer = api.get("/metrics")
    assert answer.status_code == 200
    return {
        (sample.name.removeprefix("readwatch_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_requests_are_counted_by_route_and_status_and_never_by_url(
    api: Api, ann: ApiClient, cara: ApiClient, cast: Any
) -> None:
    for reader in (cast.ann, cast.ben):
        cara.get(f"/api/readers/{reader.id}?secret=1")
    api.post("/api/login", {"email": "ann@example.org", "password": "wrong"})
    api.get("/wp-admin.php")
    api.request("BREW", "/livez")

    samples = scrape(api)

    assert samples["requests_total", "GET /api/readers/<id:reader_id>", "200"] == 2
    assert samples["request_seconds_count", "GET /api/readers/<id:reader_id>"] == 2
    assert samples["requests_total", "POST /api/login", "200"] == 2
    assert samples["requests_total", "POST /api/login", "401"] == 1
    assert (samples["requests_total", "none", "404"], samples["requests_total", "none", "405"]) == (
        1,
        1,
    )
    text = api.get("/metrics").text
    assert [word for word in ("wp-admin", "BREW", "secret", "example.org") if word in text] == []


def test_activities_are_counted_by_result(api: Api, ann: ApiClient) -> None:
    ann.post("/api/activities", PAGE)
    ann.post("/api/activities", PAGE)
    ann.post("/api/activities", {"activity_type": "NO"})
    batch = [PAGE | {"content_id": "other"}, {"activity_type": "page_read"}, {}]
    ann.post("/api/activities", {"activities": batch})

    samples = scrape(api)

    by_status = ("accepted", "duplicate", "conflict", "invalid")
    assert [samples["activities_total", status] for status in by_status] == [2, 1, 1, 2]


def test_the_state_of_the_writer_and_the_readers_online_are_measured(
    api: Api, ann: ApiClient, ben: ApiClient, engine: str
) -> None:
    ann.post("/api/activities", {"activities": [{"activity_type": "page_read"}] * 7})

    samples = scrape(api)

    assert samples["commit_requests_count",] >= 3
    assert samples["commit_rows_sum",] >= 9
    assert samples["commit_seconds_sum",] > 0
    assert (samples["writer_waiting",], samples["heartbeats_shed_total",]) == (0, 0)
    assert (samples["cached_sessions",], samples["readers_online",]) == (1, 2), (
        "only Ann has sent a token"
    )
    assert ("wal_bytes",) in samples if engine == "sqlite" else ("wal_bytes",) not in samples
    assert samples["process_resident_memory_bytes",] > 0


@pytest.mark.parametrize(
    ("audience", "hops", "address", "headers", "status"),
    [
        ("loopback", 0, "127.0.0.1", {}, 200),
        ("loopback", 0, "::1", {}, 200),
        ("loopback", 0, "192.0.2.1", {}, 403),
        ("loopback", 0, "127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, 403),
        ("loopback", 0, "127.0.0.1", {"Forwarded": "for=127.0.0.1"}, 403),
        ("loopback", 1, "127.0.0.1", {}, 403),
        ("loopback", 1, "127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, 403),
        ("anyone", 0, "192.0.2.1", {"Via": "1.1 proxy"}, 200),
        ("anyone", 1, "127.0.0.1", {}, 200),
        ("off", 0, "127.0.0.1", {}, 403),
    ],
)
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_setting_says_who_may_read_them(
    api: Api, audience: str, hops: int, address: str, headers: dict[str, str], status: int
) -> None:
    services = api.app.extensions["readwatch"]
    services.settings = replace(services.settings, metrics=audience, proxy_hops=hops)
    answer = api.get("/metrics", headers=headers, environ_base={"REMOTE_ADDR": address})
    assert answer.status_code == status
    if status == 403:
        problem(answer, 403)


@pytest.mark.parametrize("path", ["//metrics", "///metrics", "//api/me", "//"])
def test_a_path_with_further_slashes_does_not_exist(api: Api, path: str) -> None:
    """A proxy that hides /metrics would not hide it under another path."""
    answer = api.client.get("/", environ_overrides={"PATH_INFO": path})
    problem(answer, 404)


def test_an_encoded_path_is_answered_as_the_path_that_it_means(api: Api) -> None:
    """The server decodes paths, so the setting applies to /metrics however it is written."""
    services = api.app.extensions["readwatch"]
    services.settings = replace(services.settings, metrics="off")
    problem(api.get("/%6detrics"), 403)


def test_wrong_passwords_and_codes_are_counted_and_those_that_are_not_checked_any_more(
    api: Api, ann: ApiClient
) -> None:
    for _ in range(5):
        api.post("/api/login", {"email": "ben@example.org", "password": "wrong"})
    api.post("/api/invitation", {"code": "a-wrong-code", "password": PASSWORD})
    change = {"current_password": "wrong", "new_password": "another good password"}
    assert ann.request("PUT", "/api/me/password", json=change).status_code == 403
    assert scrape(api)["locked_out_logins_total",] == 0

    answer = api.post("/api/login", {"email": "ben@example.org", "password": PASSWORD})

    assert answer.status_code == 429
    samples = scrape(api)
    assert (samples["failed_logins_total",], samples["locked_out_logins_total",]) == (7, 1)


def test_the_build_is_a_metric(api: Api, engine: str, db: Database) -> None:
    newest = fetch_all(db, "SELECT max(number) FROM schema_history")[0][0]
    assert scrape(api)["build_info", engine, str(newest), __version__] == 1


def test_the_sizes_are_those_of_the_database_and_its_disk(
    api: Api, engine: str, url: str, db: Database
) -> None:
    samples = scrape(api)
    if engine == "postgresql":
        (size,) = fetch_all(db, "SELECT pg_database_size(current_database())")[0]
        assert 0 < samples["database_bytes",] <= size, "measured before"
        assert ("disk_free_bytes",) not in samples, "the disk is the server's"
    else:
        path = sqlite_path(url)
        assert samples["database_bytes",] == path.stat().st_size
        assert 0 < samples["disk_free_bytes",] < shutil.disk_usage(path).total


def test_the_metrics_say_when_a_backup_was_last_checked(
    api: Api, cast: Any, db: Database, clock: StillClock
) -> None:
    retention = api.app.extensions["readwatch"].retention
    assert scrape(api)["backup_checked_timestamp_seconds",] == 0, "never"
    checked = AuditEvent(actor_id=cast.dora.id, action_type=AuditAction.CHECKED_BACKUP)
    begun = AuditEvent(actor_id=cast.dora.id, action_type=AuditAction.BACKED_UP_DATABASE)
    log_event(db, checked, NOON)
    log_event(db, checked, clock.advance(hours=1))
    log_event(db, begun, clock.advance(hours=1))

    retention.measure()
    assert scrape(api)["backup_checked_timestamp_seconds",] == NOON.timestamp() + 3600
    log_event(db, checked, clock.advance(hours=1))
    assert scrape(api)["backup_checked_timestamp_seconds",] == NOON.timestamp() + 3600
    retention.measure()
    assert scrape(api)["backup_checked_timestamp_seconds",] == NOON.timestamp() + 3 * 3600


def test_the_metrics_say_when_the_service_last_anchored_and_cleaned_up(
    url: str, cast: Any, clock: StillClock, tmp_path: Path
) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    for folder, anchored_at in ((tmp_path, NOON.timestamp()), (in_the_way, 0)):
        app = create_app(Settings(url, bcrypt_cost=4, anchor_log=folder / "anchors"), clock)
        services = app.extensions["readwatch"]
        deadline = monotonic() + TIMEOUT
        while not services.retention.completed_rounds:
            assert monotonic() < deadline
            sleep(0.001)
        samples = scrape(Api(app.test_client(), app=app))
        assert samples["anchor_timestamp_seconds",] == anchored_at
        assert samples["retention_timestamp_seconds",] == NOON.timestamp()
        services.close()


def test_a_failed_round_of_retention_changes_no_time_but_still_measures(
    api: Api, cast: Any, db: Database, clock: StillClock
) -> None:
    retention = api.app.extensions["readwatch"].retention
    log_event(db, AuditEvent(cast.dora.id, AuditAction.CHECKED_BACKUP), clock.advance(hours=1))
    api.app.extensions["readwatch"].writer.close()

    retention.run_round(1)

    samples = scrape(api)
    assert samples["retention_timestamp_seconds",] == NOON.timestamp()
    assert samples["backup_checked_timestamp_seconds",] == NOON.timestamp() + 3600


def test_a_scrape_sends_the_database_only_the_count_of_readers(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the size of the database: everything else was measured before."""
    monkeypatch.setattr(metrics, "COUNT_ONLINE_EVERY", 0.0)
    database, here = api.app.extensions["readwatch"].db, get_ident()
    sent: list[str] = []
    send = type(database).execute_sql

    def watched(self: Database, sql: str, *rest: Any, **more: Any) -> Any:
        if get_ident() == here:  # the writer has statements of its own
            sent.append(sql)
        return send(self, sql, *rest, **more)

    monkeypatch.setattr(type(database), "execute_sql", watched)
    scrape(api)
    assert len(sent) == 1
    assert "reader_sessions" in sent[0]
