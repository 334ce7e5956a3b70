"""`readwatch maintenance`: archive and delete what is old or has expired."""

import click

from readwatch.cli.maintenance import archive, purge, run


@click.group()
def command() -> None:
    """Archive and delete what is old or has expired, also while the service is running."""


command.add_command(archive.command)
command.add_command(purge.command)
command.add_command(run.run)
command.add_command(run.sweep)
