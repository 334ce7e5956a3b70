"""`readwatch user`: add, show and change accounts."""

import click

from readwatch.cli.user import (
    add,
    changes,
    edit,
    erase,
    export,
    import_accounts,
    invite,
    list_accounts,
    show,
)


@click.group()
def command() -> None:
    """Add, show and change accounts; each command is logged in the access log."""


command.add_command(add.command)
command.add_command(changes.activate)
command.add_command(changes.change_role)
command.add_command(changes.delete)
command.add_command(changes.passwd)
command.add_command(changes.suspend)
command.add_command(edit.command)
command.add_command(erase.command)
command.add_command(export.command)
command.add_command(import_accounts.command)
command.add_command(invite.command)
command.add_command(list_accounts.command)
command.add_command(show.command)
