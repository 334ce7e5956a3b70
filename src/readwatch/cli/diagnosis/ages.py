"""Clocks, and the age of what an admin does regularly: backups, anchors and clean-ups."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from readwatch.domain.clock import MAX_CLOCK_DIFFERENCE, ago, ago_in_words, length_of
from readwatch.domain.findings import Finding, error, ok, warning

MAX_BACKUP_AGE = timedelta(days=2)
"""A backup is for every night; one night may fail."""

MAX_ANCHOR_AGE = timedelta(days=1)
"""A service that runs writes one each hour."""

MAX_CLEAN_UP_AGE = timedelta(days=8)
"""A clean-up is for every day; a week of failures is a finding."""

_SET_CLOCK = "timedatectl set-ntp true"


def backup_findings(last: datetime | None, now: datetime, fix: str) -> Iterator[Finding]:
    """Check the age of the last backup; `fix` says how one is made."""
    if last is None or now - last > MAX_BACKUP_AGE:
        age = None if last is None else ago(last, now)
        text = "no backup was made lately" if age is None else f"the last backup is {age} old"
        yield warning("backup", text, fix)
    else:
        yield ok("backup", f"the last backup was made {ago_in_words(last, now)}")


def anchor_findings(last: datetime | None, now: datetime) -> Iterator[Finding]:
    """Check the age of the last anchor of the access log."""
    if last is None or now - last > MAX_ANCHOR_AGE:
        text = (
            "the access log was never anchored by this user"
            if last is None
            else f"the last anchor of the access log is {ago(last, now)} old"
        )
        yield warning(
            "anchor",
            text,
            "readwatch serve writes one each hour; READWATCH_ANCHOR_LOG names its file",
        )
    else:
        yield ok("anchor", f"the access log was anchored {ago_in_words(last, now)}")


def clean_up_findings(last: datetime | None, now: datetime) -> Iterator[Finding]:
    """Check whether clean-ups have stopped; without any, the service deletes what has expired."""
    if last is None:
        yield ok("clean-up", "the service deletes what has expired; maintenance run never ran")
    elif now - last > MAX_CLEAN_UP_AGE:
        text = f"the last clean-up was {ago_in_words(last, now)}"
        yield warning("clean-up", text, "readwatch maintenance run, every day by a timer")
    else:
        yield ok("clean-up", f"the last clean-up was {ago_in_words(last, now)}")


def newest_row_findings(newest: datetime | None, now: datetime) -> Iterator[Finding]:
    """Check whether the newest row of the database is in the future."""
    if newest is not None and newest - now > MAX_CLOCK_DIFFERENCE:
        yield error(
            "clock",
            f"the newest row is {length_of(newest - now)} in the future: this clock is wrong, or "
            "was when the row was written",
            _SET_CLOCK,
        )
    else:
        yield ok("clock", "no row is newer than this machine's clock")


def other_clock_findings(whose: str, at: datetime | None, now: datetime) -> Iterator[Finding]:
    """Compare the clock of this machine with another one, which may tell whole seconds only."""
    if at is not None and abs(at - now) > MAX_CLOCK_DIFFERENCE:
        yield error(
            "clock",
            f"the clock of {whose} differs from that of this machine by {length_of(abs(at - now))}",
            f"{_SET_CLOCK}, on both machines",
        )
