"""Text for errors that nobody foresaw: their own messages could contain personal data."""

from collections.abc import Iterator
from contextlib import contextmanager

from readwatch.domain.errors import ReadwatchError, unavailable


@contextmanager
def safe_errors() -> Iterator[None]:
    """Turn every error into a `ReadwatchError`, whose message may be shown."""
    try:
        yield
    except ReadwatchError:
        raise
    except Exception as error:  # noqa: BLE001 - shown without its own message
        raise internal_error(error) from None


def internal_error(error: Exception) -> ReadwatchError:
    """Return the error that names only the type of one that nobody foresaw."""
    return unavailable(f"internal error: {type(error).__name__}")
