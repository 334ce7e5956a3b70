"""`readwatch group`: groups of readers, and the consultants who see only these."""

import click

from readwatch.cli.group import changes, consultants, list_groups, readers, show


@click.group()
def command() -> None:
    """Put readers into groups, and limit consultants to groups; each change is logged."""


command.add_command(changes.add)
command.add_command(changes.delete)
command.add_command(changes.rename)
command.add_command(consultants.assign)
command.add_command(consultants.unassign)
command.add_command(list_groups.command)
command.add_command(readers.add_reader)
command.add_command(readers.remove_reader)
command.add_command(show.command)
