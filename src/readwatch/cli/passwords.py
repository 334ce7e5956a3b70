"""How a command gets a password: asked twice on the terminal, or one line of standard input."""

import sys

import click

from readwatch.domain.errors import invalid
from readwatch.domain.users import UserRole, checked_password


def read_password(role: UserRole, *, from_stdin: bool) -> str:
    """Return a new password that suits the role."""
    if from_stdin:
        return checked_password(sys.stdin.readline().rstrip("\r\n"), role)
    if not sys.stdin.isatty():
        raise invalid("there is no terminal to ask for a password; use --password-stdin")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return checked_password(password, role)
