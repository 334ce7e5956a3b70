"""Findings: how bad they are together, and that a check that fails is one of them."""

from collections.abc import Iterator

from readwatch.domain.errors import unavailable
from readwatch.domain.findings import (
    LOOK_UP,
    Finding,
    Severity,
    error,
    findings_of,
    ok,
    warning,
    worst,
)


def test_the_worst_of_some_findings_counts() -> None:
    fine, soon, wrong = ok("a", "fine"), warning("b", "soon", "do it"), error("c", "no", "fix it")
    assert worst([]) is Severity.OK
    assert worst([fine]) is Severity.OK
    assert worst([soon, fine]) is Severity.WARNING
    assert worst([fine, wrong, soon]) is Severity.ERROR


def test_a_check_that_is_refused_is_an_error_with_its_message() -> None:
    def check() -> Iterator[Finding]:
        yield ok("disk", "fine so far")
        raise unavailable("the database is busy; try again")

    findings = list(findings_of("disk", check))
    assert findings == [
        ok("disk", "fine so far"),
        error("disk", "the database is busy; try again", LOOK_UP),
    ]
    assert list(findings_of("disk", check, lambda message: message[:3]))[1].fix == "the"


def test_a_check_that_fails_unexpectedly_is_a_warning_without_the_message() -> None:
    def check() -> Iterator[Finding]:
        raise ValueError("ann@example.org")

    [finding] = findings_of("disk", check)
    assert finding.severity is Severity.WARNING
    assert finding.text.startswith("this check failed: ValueError in ")
    assert "ann" not in finding.text
