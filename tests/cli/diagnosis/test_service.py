"""What the answer of a service means, and whether its proxies are those of the settings."""

import pytest

from readwatch import __version__
from readwatch.cli.diagnosis.service import answer_findings, listening_ports, proxy_findings
from readwatch.domain.findings import Severity
from readwatch.domain.server_answer import ServerAnswer, ServerState

WHERE = "http://127.0.0.1:8765"
TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:01BB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1145 1
   1: 0100007F:573C 0100007F:D2FE 06 00000000:00000000 03:000015DE 00000000     0        0 0 3
   2: 00000000000000000000000001000000:223D 00000000000000000000000000000000:0000 0A 0:0 0
"""


@pytest.mark.parametrize(
    ("answer", "severity", "words"),
    [
        (ServerAnswer(WHERE, ServerState.READY, __version__, 6), Severity.OK, "is ready"),
        (ServerAnswer(WHERE, ServerState.READY, "0.0.9", 6), Severity.ERROR, "this program has"),
        (ServerAnswer(WHERE, ServerState.READY, __version__, 5), Severity.ERROR, "schema 6"),
        (
            ServerAnswer(WHERE, ServerState.NOT_READY, reasons=("the disk is full", "b")),
            Severity.ERROR,
            f"{WHERE} is not ready: the disk is full; b",
        ),
        (ServerAnswer(WHERE, ServerState.STOPPED), Severity.WARNING, "so apps cannot post"),
        (ServerAnswer(WHERE, ServerState.SILENT), Severity.ERROR, "does not answer"),
        (ServerAnswer(WHERE, ServerState.ANOTHER_PROGRAM), Severity.ERROR, "another program"),
    ],
)
def test_each_answer_has_its_meaning(answer: ServerAnswer, severity: Severity, words: str) -> None:
    [finding] = answer_findings(answer, 6, is_expected=True)
    assert finding.severity is severity
    assert words in finding.text


def test_a_service_that_may_be_elsewhere_is_not_missed() -> None:
    stopped = ServerAnswer(WHERE, ServerState.STOPPED)
    [finding] = answer_findings(stopped, 6, is_expected=False)
    assert finding.severity is Severity.OK


def test_the_ports_on_which_programs_listen_are_read_from_the_kernels_table() -> None:
    assert listening_ports(TABLE) == {443, 8765}
    assert listening_ports("") == frozenset()


@pytest.mark.parametrize(
    ("hops", "host", "ports", "fix"),
    [
        (0, "127.0.0.1", {8765}, None),
        (0, "192.0.2.7", {443}, None),
        (1, "127.0.0.1", {443}, None),
        (1, "::1", (), None),
        (1, "localhost", (), None),
        (1, "192.0.2.7", (), "set host = 127.0.0.1, or let a firewall admit only the proxy"),
        (
            1,
            "books.example.org",
            (),
            "set host = 127.0.0.1, or let a firewall admit only the proxy",
        ),
        (0, "127.0.0.1", {80}, "set proxy_hops = 1 if it is a proxy of the service"),
        (0, "::1", {443}, "set proxy_hops = 1 if it is a proxy of the service"),
    ],
)
def test_the_number_of_proxies_fits_what_listens(
    hops: int, host: str, ports: set[int], fix: str | None
) -> None:
    [finding] = proxy_findings(hops, host, ports)
    assert finding.fix == fix
