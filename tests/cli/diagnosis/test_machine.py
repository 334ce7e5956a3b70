"""The machine: limits, the terminal, proxies."""

import resource

import pytest

from readwatch.cli.diagnosis.machine import (
    Terminal,
    file_limit_findings,
    proxy_variable_findings,
    sqlite_findings,
    terminal_findings,
)
from readwatch.domain.findings import Severity

GOOD = Terminal(80, 24, "utf-8", "xterm-256color")


def test_the_sqlite_of_this_program_is_safe() -> None:
    [finding] = sqlite_findings()
    assert finding.severity is Severity.OK


@pytest.mark.parametrize(
    ("limit", "severity", "words"),
    [
        (1024, Severity.WARNING, "1,024 open files allows 512 connections"),
        (16384, Severity.OK, "allows 8,192 connections"),
        (1 << 20, Severity.OK, "allows 8,192 connections"),
        (resource.RLIM_INFINITY, Severity.OK, "allows 8,192 connections"),
    ],
)
def test_the_limit_of_open_files_says_how_many_connections_fit(
    limit: int, severity: Severity, words: str
) -> None:
    [finding] = file_limit_findings(limit)
    assert finding.severity is severity
    assert words in finding.text


@pytest.mark.parametrize(
    ("terminal", "fixes"),
    [
        (None, []),
        (GOOD, []),
        (Terminal(70, 24, "UTF-8", "xterm"), ["make the window larger"]),
        (Terminal(80, 20, "utf8", "xterm"), ["make the window larger"]),
        (Terminal(80, 24, "utf-8", "dumb"), ["export TERM=xterm-256color"]),
        (Terminal(80, 24, "utf-8", ""), ["export TERM=xterm-256color"]),
        (
            Terminal(80, 24, "ANSI_X3.4-1968", "xterm"),
            ["export LANG=C.UTF-8, or use: readwatch console --ascii"],
        ),
    ],
)
def test_a_terminal_needs_a_size_a_kind_and_utf_8(
    terminal: Terminal | None, fixes: list[str]
) -> None:
    findings = list(terminal_findings(terminal))
    assert [finding.fix for finding in findings if finding.fix] == fixes
    assert findings


@pytest.mark.parametrize(
    ("environment", "is_fine"),
    [
        ({}, True),
        ({"HTTPS_PROXY": "http://proxy:3128"}, True),  # the service speaks plain HTTP
        ({"http_proxy": ""}, True),
        ({"http_proxy": "http://proxy:3128"}, False),
        ({"ALL_PROXY": "socks5://proxy"}, False),
        ({"HTTP_PROXY": "http://proxy:3128", "NO_PROXY": "127.0.0.1, localhost"}, True),
        ({"HTTP_PROXY": "http://proxy:3128", "NO_PROXY": "localhost"}, False),
        ({"HTTP_PROXY": "http://proxy:3128", "no_proxy": "*"}, True),
    ],
)
def test_a_proxy_of_the_environment_must_not_catch_this_machine(
    environment: dict[str, str], is_fine: bool
) -> None:
    [finding] = proxy_variable_findings(environment)
    assert (finding.severity is Severity.OK) == is_fine
