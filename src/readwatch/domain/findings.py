"""What a diagnosis has found: sentences for a person, each with its fix."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from readwatch.domain.errors import ReadwatchError, exception_location

Repair = Callable[[], str]
"""Fixes what was found, without a question, and returns a sentence about what it did."""

LOOK_UP = "look for this message in docs/troubleshooting.md"


class Severity(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARNING = "warning"  # it works, and will not forever
    ERROR = "error"  # something does not work, or data is in danger


@dataclass(frozen=True, slots=True)
class Finding:
    """One result: its check, one sentence, and for a warning or an error one sentence or command
    that fixes it.

    `repair` does that, if it is safe without a person who thinks about it.
    """

    check: str
    severity: Severity
    text: str
    fix: str | None = None
    repair: Repair | None = field(default=None, compare=False)


def ok(check: str, text: str) -> Finding:
    """Return a finding that says that all is well."""
    return Finding(check, Severity.OK, text)


def warning(check: str, text: str, fix: str, repair: Repair | None = None) -> Finding:
    """Return a finding about something that works and will not forever."""
    return Finding(check, Severity.WARNING, text, fix, repair)


def error(check: str, text: str, fix: str, repair: Repair | None = None) -> Finding:
    """Return a finding about something that does not work, or that endangers data."""
    return Finding(check, Severity.ERROR, text, fix, repair)


def findings_of(
    check: str, run: Callable[[], Iterable[Finding]], fix_of: Callable[[str], str] | None = None
) -> Iterator[Finding]:
    """Yield the findings of a check; a failure of the check itself is one of them.

    `fix_of` returns the fix for the message of an error.
    """
    try:
        yield from run()
    except ReadwatchError as failure:
        yield error(check, failure.message, fix_of(failure.message) if fix_of else LOOK_UP)
    except Exception as failure:  # noqa: BLE001 - of any kind; its message could have personal data
        yield warning(
            check,
            f"this check failed: {exception_location(failure)}",
            "report it with the output of: readwatch doctor --json",
        )


def worst(findings: Iterable[Finding]) -> Severity:
    """Return the highest severity of some findings, `OK` without any."""
    order = list(Severity)
    return max((each.severity for each in findings), key=order.index, default=Severity.OK)
