"""`readwatch maintenance`: what keeps a database small over the years."""

import click

from readwatch.cli import maintenance_archive


@click.group()
def command() -> None:
    """Move old activities out of the database, also while the service is running."""


command.add_command(maintenance_archive.command)
