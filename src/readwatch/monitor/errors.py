"""What is said of a failure that nobody foresaw: its own words could hold personal data."""

from collections.abc import Iterator
from contextlib import contextmanager

from readwatch.domain.errors import ReadwatchError, unavailable


@contextmanager
def safe_errors() -> Iterator[None]:
    """Tell of each failure by a sentence: whoever lives on has something to say."""
    try:
        yield
    except ReadwatchError:
        raise
    except Exception as error:  # noqa: BLE001 - told without its own words
        raise internal_error(error) from None


def internal_error(error: Exception) -> ReadwatchError:
    """Return the sentence for a failure that nobody foresaw."""
    return unavailable(f"a fault of the program: {type(error).__name__}")
