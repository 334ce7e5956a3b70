"""What cannot be undone is confirmed by typing whom it is about."""

import sys

import click

from readwatch.domain.errors import invalid
from readwatch.domain.users import normalised_email


def confirm_email(email: str, deed: str, undone: str) -> None:
    """Ask for the e-mail of an account again; refuse another one, and to go on without a terminal.

    `deed` is as in "delete the account", `undone` as in "nothing was deleted".
    """
    if not sys.stdin.isatty():
        raise invalid("there is no terminal to ask on; use --yes")
    typed = click.prompt(f"This cannot be undone. Type the e-mail again to {deed}")
    if normalised_email(typed) != normalised_email(email):
        raise invalid(f"{undone}: that is another e-mail")
