"""Clocks, and how old a backup, an anchor and a clean-up may be."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial

import pytest
from conftest import NOON

from readwatch.cli.diagnosis import ages
from readwatch.domain.findings import Finding, Severity

Check = Callable[[datetime | None, datetime], Iterator[Finding]]


@pytest.mark.parametrize(
    ("findings", "limit"),
    [
        (partial(ages.backup_findings, fix="a backup"), ages.MAX_BACKUP_AGE),
        (ages.anchor_findings, ages.MAX_ANCHOR_AGE),
    ],
)
def test_what_was_never_done_or_long_ago_is_a_warning(findings: Check, limit: timedelta) -> None:
    def severity(age: timedelta | None) -> Severity:
        [finding] = findings(None if age is None else NOON - age, NOON)
        return finding.severity

    assert severity(None) is Severity.WARNING
    assert severity(limit + timedelta(seconds=1)) is Severity.WARNING
    assert severity(limit) is Severity.OK
    assert severity(timedelta(0)) is Severity.OK


def test_a_clean_up_is_missed_only_if_there_was_one() -> None:
    [finding] = ages.clean_up_findings(None, NOON)
    assert finding.severity is Severity.OK
    [finding] = ages.clean_up_findings(NOON - timedelta(days=20), NOON)
    assert (finding.severity, finding.text) == (Severity.WARNING, "the last clean-up was 20 d ago")
    [finding] = ages.clean_up_findings(NOON, NOON)
    assert finding.text == "the last clean-up was just now"


@pytest.mark.parametrize(
    ("seconds", "severity"), [(-9999, Severity.OK), (30, Severity.OK), (31, Severity.ERROR)]
)
def test_the_newest_row_is_not_in_the_future(seconds: int, severity: Severity) -> None:
    [finding] = ages.newest_row_findings(NOON + timedelta(seconds=seconds), NOON)
    assert finding.severity is severity
    assert [each.severity for each in ages.newest_row_findings(None, NOON)] == [Severity.OK]


@pytest.mark.parametrize(
    ("seconds", "differs"), [(-31, True), (-30, False), (30, False), (90, True)]
)
def test_another_clock_may_differ_by_half_a_minute(seconds: int, differs: bool) -> None:
    at = NOON + timedelta(seconds=seconds)
    assert bool(list(ages.other_clock_findings("PostgreSQL", at, NOON))) == differs
    assert list(ages.other_clock_findings("the service", None, NOON)) == []
