"""What is shown or logged of an exception that nobody foresaw."""

from readwatch.domain.errors import exception_location


def test_the_location_of_an_exception_is_its_type_file_and_line_without_its_message() -> None:
    try:
        raise LookupError("Ann Archer")
    except LookupError as error:
        assert exception_location(error) == "LookupError in domain/test_errors.py, line 8"


def test_an_exception_that_was_not_raised_has_no_file() -> None:
    assert exception_location(LookupError("Ann Archer")) == "LookupError"
