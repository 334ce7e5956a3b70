"""Confirmation of an action that cannot be undone, or that holds up others."""

import sys

import click

from readwatch.domain.errors import invalid
from readwatch.domain.users import normalised_email


def require_terminal() -> None:
    """Refuse a question that nobody can answer."""
    if not sys.stdin.isatty():
        raise invalid("there is no terminal to ask on; use --yes")


def confirm(prompt: str, *, refusal: str) -> None:
    """Ask on stderr, and refuse every answer except yes, or without a terminal.

    `refusal` is, for example, "nothing was changed".
    """
    require_terminal()
    if not click.confirm(prompt, err=True):
        raise invalid(refusal)


def confirm_email(email: str, *, action: str, refusal: str) -> None:
    """Ask for the e-mail of an account again; refuse a different e-mail, or without a terminal.

    `action` is, for example, "delete the account", and `refusal` "nothing was deleted".
    """
    require_terminal()
    typed = click.prompt(f"This cannot be undone. Type the e-mail again to {action}")
    if normalised_email(typed) != normalised_email(email):
        raise invalid(f"{refusal}: the e-mail is different")
