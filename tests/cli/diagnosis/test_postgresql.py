"""The settings of a PostgreSQL server, without a server: each case needs another one."""

import pytest
from conftest import NOON

from readwatch.cli.diagnosis.postgresql import privilege_findings, server_findings
from readwatch.domain.findings import Severity
from readwatch.store.engine.server_settings import ServerSettings

GOOD = {
    "fsync": "on",
    "full_page_writes": "on",
    "max_connections": "100",
    "server_encoding": "UTF8",
    "synchronous_commit": "on",
}


def texts(settings: dict[str, str], *, major: int = 17, is_standby: bool = False) -> list[str]:
    server = ServerSettings(major, is_standby, GOOD | settings, NOON)
    return [finding.text for finding in server_findings(server, pool_size=20)]


def test_a_primary_with_safe_settings_is_fine() -> None:
    assert texts({}) == ["PostgreSQL 17, a primary, with safe settings"]
    assert texts({"synchronous_commit": "remote_apply"}) == texts({})


@pytest.mark.parametrize("name", ["fsync", "full_page_writes", "synchronous_commit"])
def test_what_must_not_be_off_is_an_error(name: str) -> None:
    [text] = texts({name: "off"})
    assert text.startswith(f"{name} is off: after a ")


def test_an_old_server_a_standby_another_encoding_and_few_connections_are_named() -> None:
    assert texts({}, major=13) == ["PostgreSQL 13 gets no corrections any more"]
    assert texts({}, is_standby=True)[0].startswith("this is a standby")
    assert texts({"server_encoding": "LATIN1"})[0].startswith("the encoding of the database is LA")
    assert texts({"max_connections": "23"})[0].startswith("max_connections is 23, and one service")
    assert texts({"max_connections": "24"}) == texts({})


def test_each_privilege_that_is_not_enforced_is_a_warning() -> None:
    assert [finding.severity for finding in privilege_findings(())] == [Severity.OK]
    first, second = privilege_findings(("there is no role a", "there is no role b"))
    assert {first.severity, second.severity} == {Severity.WARNING}
