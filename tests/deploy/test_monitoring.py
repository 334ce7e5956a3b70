"""The files for Prometheus and Grafana, and the page about monitoring, name what there is."""

import json
import re
import shutil
import subprocess
from http.client import HTTPConnection
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml  # type: ignore[import-untyped]  # schemathesis brings it
from conftest import Cast
from deploy.installed import program
from ingest.process import TIMEOUT, serving
from prometheus_client.parser import text_string_to_metric_families

from readwatch.ingest.listen_address import listening_port

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
DASHBOARD = ROOT / "deploy" / "grafana" / "readwatch.json"
PAGE = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")
RULES = yaml.safe_load((PROMETHEUS / "readwatch.rules.yml").read_text())["groups"][0]["rules"]
TESTS = yaml.safe_load((PROMETHEUS / "readwatch.rules.test.yml").read_text())["tests"]
NAME = re.compile(r"\b(?:readwatch|process)_[a-z_]+\b")
SUFFIXES = {"counter": "_total", "histogram": "", "gauge": ""}


@pytest.fixture
def engine() -> str:
    """SQLite has all metrics."""
    return "sqlite"


@pytest.fixture
def families(url: str, cast: Cast) -> list[Any]:
    """The metrics of a real service after a request."""
    with serving(url) as service:
        app = service.app(cast.ann.email)
        app.connection.request("GET", "/metrics")
        text = app.connection.getresponse().read().decode()
    return list(text_string_to_metric_families(text))


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the rows of the table under a heading of the page."""
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_page_lists_all_metrics_with_their_types_and_help(families: list[Any]) -> None:
    exported = [
        [f"`{family.name}{SUFFIXES[family.type]}`", family.type, family.documentation]
        for family in families
        if family.name.startswith("readwatch_")
    ]
    assert rows("Metrics") == exported


def test_alerts_and_dashboard_query_only_metrics_that_the_service_exports(
    families: list[Any],
) -> None:
    exported = {sample.name for family in families for sample in family.samples}
    panels = json.loads(DASHBOARD.read_text())["panels"]
    queries = [target["expr"] for panel in panels for target in panel["targets"]]
    queries += [rule["expr"] for rule in RULES]
    queries += [series["series"] for test in TESTS for series in test["input_series"]]
    for query in queries:
        names = set(NAME.findall(query)) - {"readwatch_rules"}
        assert names <= exported, query
        assert names or "up{" in query, query
    labels = {key for family in families for sample in family.samples for key in sample.labels}
    by_prometheus = {"job", "instance"}
    for query in queries:
        assert set(re.findall(r"(\w+)=~?\"", query)) <= labels | by_prometheus, query


def test_each_alert_says_what_to_do_and_is_on_the_page() -> None:
    assert [[f"`{rule['alert']}`", rule["labels"]["severity"]] for rule in RULES] == [
        row[:2] for row in rows("Alerts")
    ]
    for rule in RULES:
        assert rule["annotations"].keys() == {"summary", "runbook"}
        assert re.search(r"[.]$", rule["annotations"]["runbook"])


def test_each_alert_fires_in_a_test() -> None:
    fired = {
        sample["labels"]
        for test in TESTS
        for expression in test["promql_expr_test"]
        for sample in expression["exp_samples"]
    }
    assert fired == {f'{{alertname="{rule["alert"]}"}}' for rule in RULES}


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "config", "prometheus.yml"),
        ("check", "rules", "readwatch.rules.yml"),
        ("test", "rules", "readwatch.rules.test.yml"),
    ],
    ids=" ".join,
)
def test_prometheus_accepts_the_files(arguments: tuple[str, ...]) -> None:
    checked = subprocess.run(
        [program("promtool", "prometheus"), *arguments],
        cwd=PROMETHEUS,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "SUCCESS" in checked.stdout + checked.stderr


def test_the_panels_of_the_dashboard_do_not_overlap() -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    cells: dict[tuple[int, int], str] = {}
    for panel in panels:
        place = panel["gridPos"]
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert x < 24
                assert cells.setdefault((x, y), panel["title"]) == panel["title"]
    assert len({panel["id"] for panel in panels}) == len(panels)


@pytest.mark.proof
def test_a_real_prometheus_scrapes_the_service_and_answers_all_queries(
    url: str, cast: Cast, tmp_path: Path
) -> None:
    port = listening_port("127.0.0.1", 0)
    shutil.copytree(PROMETHEUS, tmp_path / "etc")
    configuration = tmp_path / "etc" / "prometheus.yml"
    with serving(url) as service:
        service.app(cast.ann.email)
        text = configuration.read_text()
        assert "127.0.0.1:8765" in text
        text = text.replace("127.0.0.1:8765", f"127.0.0.1:{service.port}").replace(": 15s", ": 1s")
        configuration.write_text(text.replace("scrape_timeout: 10s", "scrape_timeout: 1s"))
        command = [
            *(program("prometheus"), f"--config.file={configuration}"),
            *(f"--storage.tsdb.path={tmp_path / 'data'}", f"--web.listen-address=127.0.0.1:{port}"),
        ]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
            try:
                deadline = monotonic() + TIMEOUT
                while not asked(port, 'readwatch_build_info{job="readwatch"}'):
                    assert monotonic() < deadline
                    sleep(0.1)
                assert asked(port, 'up{job="readwatch"}')[0]["value"][1] == "1"
                for panel in json.loads(DASHBOARD.read_text())["panels"]:
                    for target in panel["targets"]:
                        asked(port, target["expr"].replace("$job", "readwatch"))
                assert len(asked(port, "count(ALERTS)")) <= 1
            finally:
                run.terminate()


def asked(port: int, query: str) -> list[Any]:
    """Return the result of a query; an error if Prometheus does not understand it."""
    connection = HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    try:
        connection.request("GET", f"/api/v1/query?{urlencode({'query': query})}")
        answer = json.loads(connection.getresponse().read() or b"{}")
    except (OSError, ValueError):
        return []  # it starts
    finally:
        connection.close()
    assert answer["status"] == "success", (query, answer)
    result: list[Any] = answer["data"]["result"]
    return result
