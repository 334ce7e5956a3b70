"""The metrics for Prometheus, and who may read them."""

from dataclasses import replace
from typing import Any

import pytest
from ingest.api import Api, ApiClient, problem
from prometheus_client.parser import text_string_to_metric_families

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
