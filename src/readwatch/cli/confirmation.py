"""What cannot be undone is confirmed by typing the e-mail again."""

import sys

import click

from readwatch.domain.errors import invalid
from readwatch.domain.users import normalised_email


def confirm_email(email: str, *, action: str, refusal: str) -> None:
    """Ask for the e-mail of an account again; refuse a different one, or if there is no terminal.

    `action` is as in "delete the account", `refusal` as in "nothing was deleted".
    """
    if not sys.stdin.isatty():
        raise invalid("there is no terminal to ask on; use --yes")
    typed = click.prompt(f"This cannot be undone. Type the e-mail again to {action}")
    if normalised_email(typed) != normalised_email(email):
        raise invalid(f"{refusal}: the e-mail is different")
