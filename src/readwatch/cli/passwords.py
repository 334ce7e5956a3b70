"""Passwords for commands, from a prompt on the terminal or one line of standard input."""

import sys

import click

from readwatch.cli.option_types import WholeNumber
from readwatch.cli.settings import setting
from readwatch.domain.errors import invalid
from readwatch.domain.users import UserRole, checked_password
from readwatch.store.identity.passwords import DEFAULT_COST

bcrypt_cost_setting = setting(
    "--bcrypt-cost",
    type=WholeNumber(4, 16),
    default=DEFAULT_COST,
    show_default=True,
    help="Cost of a password hash; one more doubles the time.",
)


def read_password(role: UserRole, *, from_stdin: bool) -> str:
    """Return a new password that satisfies the rules of the role; a prompt asks twice."""
    return checked_password(_given_password(from_stdin=from_stdin, twice=True), role)


def read_own_password(*, from_stdin: bool) -> str:
    """Return the password for a login; the prompt is on stderr."""
    return _given_password(from_stdin=from_stdin, twice=False)


def _given_password(*, from_stdin: bool, twice: bool) -> str:
    if from_stdin:
        try:
            return sys.stdin.readline().rstrip("\r\n")
        except UnicodeDecodeError:
            raise invalid("the password on standard input is not UTF-8") from None
    if not sys.stdin.isatty():
        raise invalid("there is no terminal to ask for a password; use --password-stdin")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=twice, err=True)
    return password
