"""How a command gets a password: asked twice on the terminal, or one line of standard input."""

import sys

import click

from readwatch.cli.settings import setting
from readwatch.domain.errors import invalid
from readwatch.domain.users import UserRole, checked_password
from readwatch.store.passwords import DEFAULT_COST

bcrypt_cost_setting = setting(
    "--bcrypt-cost",
    type=click.IntRange(4, 16),
    default=DEFAULT_COST,
    show_default=True,
    help="The work in a password hash; one more doubles it.",
)


def read_password(role: UserRole, *, from_stdin: bool) -> str:
    """Return a new password that suits the role."""
    if from_stdin:
        try:
            line = sys.stdin.readline().rstrip("\r\n")
        except UnicodeDecodeError:
            raise invalid("the password on standard input is not UTF-8") from None
        return checked_password(line, role)
    if not sys.stdin.isatty():
        raise invalid("there is no terminal to ask for a password; use --password-stdin")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return checked_password(password, role)
