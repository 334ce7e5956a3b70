"""Errors and their kinds; each program maps a kind to its own response."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import PurePath


class ErrorKind(StrEnum):
    """The kinds of errors that a program tells apart."""

    INVALID = "invalid"  # the input breaks a rule
    UNAUTHENTICATED = "unauthenticated"  # not logged in
    FORBIDDEN = "forbidden"  # logged in, but not allowed
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"  # the object exists already, with other content
    THROTTLED = "throttled"  # too often; try again later
    UNAVAILABLE = "unavailable"  # the database cannot be used now
    MISCONFIGURED = "misconfigured"  # the installation has to be fixed


class ReadwatchError(Exception):
    """An error with a message for the user, without personal data of others.

    `field` names the invalid input, `retry_after` is in seconds.
    """

    def __init__(
        self,
        kind: ErrorKind,
        message: str,
        *,
        field: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.field = field
        self.retry_after = retry_after


def invalid(message: str, *, field: str | None = None) -> ReadwatchError:
    """Return the error for input that breaks a rule."""
    return ReadwatchError(ErrorKind.INVALID, message, field=field)


def not_found(message: str) -> ReadwatchError:
    """Return the error for something that does not exist."""
    return ReadwatchError(ErrorKind.NOT_FOUND, message)


def conflict(message: str, *, field: str | None = None) -> ReadwatchError:
    """Return the error for something that exists already."""
    return ReadwatchError(ErrorKind.CONFLICT, message, field=field)


def misconfigured(message: str) -> ReadwatchError:
    """Return the error for an installation that has to be fixed."""
    return ReadwatchError(ErrorKind.MISCONFIGURED, message)


def unavailable(message: str) -> ReadwatchError:
    """Return the error for a database that cannot be used now."""
    return ReadwatchError(ErrorKind.UNAVAILABLE, message)


def internal_error(error: Exception) -> ReadwatchError:
    """Return the error for an unexpected exception, without its message: personal data."""
    return unavailable(f"internal error: {type(error).__name__}")


def exception_location(error: BaseException) -> str:
    """Return the type of an exception, and the file with its folder and the line that raised it;
    not its message, which could hold personal data."""
    frames = traceback.extract_tb(error.__traceback__)
    name = type(error).__name__
    if not frames:
        return name
    file = PurePath(*PurePath(frames[-1].filename).parts[-2:])
    return f"{name} in {file}, line {frames[-1].lineno}"


@contextmanager
def safe_errors() -> Iterator[None]:
    """Convert every exception to a `ReadwatchError`, whose message may be shown."""
    try:
        yield
    except ReadwatchError:
        raise
    except Exception as error:  # noqa: BLE001 - of any kind; shown without its own message
        raise internal_error(error) from None
