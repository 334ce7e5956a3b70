"""The rules for names and passwords."""

import pytest

from readwatch.domain.common_passwords import COMMON_PASSWORDS
from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.domain.users import MIN_PASSWORD_LENGTH, UserRole, checked_name, checked_password


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Ann Archer", "Ann Archer"),
        ("  Ann\t \n Archer  ", "Ann Archer"),
        ("Ngũgĩ wa Thiong'o", "Ngũgĩ wa Thiong'o"),
        ("علی\u200cرضا", "علی\u200cرضا"),  # noqa: RUF001 - Persian
        ("李", "李"),
        ("x" * 255, "x" * 255),
    ],
)
def test_a_name_is_kept_as_it_is_given_but_for_its_spaces(given, kept):
    assert checked_name(given) == kept


@pytest.mark.parametrize(
    "name",
    ["", " \t\n", "x" * 256, "Ann\x1b[2J", "Ann\0", "Ann\u202e", "Ann\u200b", "\ud800", "A\x9bnn"],
    ids=ascii,
)
def test_a_name_that_is_empty_or_too_long_or_cannot_be_shown_is_refused(name):
    with pytest.raises(ReadwatchError) as refusal:
        checked_name(name)
    assert (refusal.value.kind, refusal.value.field) == (ErrorKind.INVALID, "full_name")


@pytest.mark.parametrize(
    ("password", "role"),
    [
        ("8 chars!", UserRole.READER),
        ("x" * 12, UserRole.CONSULTANT),
        ("x" * 12, UserRole.ADMIN),
        ("x" * 72, UserRole.ADMIN),
        ("ü" * 36, UserRole.ADMIN),
        ("  spaces count  ", UserRole.ADMIN),
    ],
)
def test_a_good_password_is_not_changed(password, role):
    assert checked_password(password, role) == password


@pytest.mark.parametrize(
    ("password", "role"),
    [
        ("", UserRole.READER),
        ("x" * 7, UserRole.READER),
        ("x" * 11, UserRole.CONSULTANT),
        ("x" * 11, UserRole.ADMIN),
        ("x" * 73, UserRole.READER),
        ("ü" * 37, UserRole.READER),
        ("not in UTF-8 \udce4", UserRole.READER),
    ],
    ids=ascii,
)
def test_a_password_that_is_short_or_longer_than_bcrypt_takes_is_refused_and_not_repeated(
    password, role
):
    with pytest.raises(ReadwatchError) as refusal:
        checked_password(password, role)
    assert (refusal.value.kind, refusal.value.field) == (ErrorKind.INVALID, "password")
    assert not password or password not in refusal.value.message


@pytest.mark.parametrize(
    ("password", "role"),
    [
        ("12345678", UserRole.READER),
        ("password", UserRole.READER),
        ("Password1", UserRole.READER),
        ("QWERTYUIOP123", UserRole.CONSULTANT),
        ("passw0rd1234", UserRole.ADMIN),
    ],
)
def test_a_password_that_is_guessed_first_is_refused(password, role):
    with pytest.raises(ReadwatchError, match="too common") as refusal:
        checked_password(password, role, field="new_password")
    assert (refusal.value.kind, refusal.value.field) == (ErrorKind.INVALID, "new_password")


def test_the_common_passwords_are_those_that_the_other_rules_let_through():
    assert all(
        len(password) >= min(MIN_PASSWORD_LENGTH.values()) and password == password.lower()
        for password in COMMON_PASSWORDS
    )


def test_consultants_and_admins_are_staff_and_readers_are_not():
    assert {role for role in UserRole if role.is_staff} == {UserRole.CONSULTANT, UserRole.ADMIN}
