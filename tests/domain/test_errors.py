"""What is shown or logged of an exception that nobody foresaw."""

import pytest

from readwatch.domain.errors import exception_location


def test_the_location_of_an_exception_is_its_type_file_and_line_without_its_message() -> None:
    with pytest.raises(LookupError) as raised:
        raise LookupError("Ann Archer")
    assert exception_location(raised.value) == "LookupError in domain/test_errors.py, line 10"


def test_an_exception_that_was_not_raised_has_no_file() -> None:
    assert exception_location(LookupError("Ann Archer")) == "LookupError"
