"""`readwatch maintenance`: delete what has expired or is old."""

import click

from readwatch.cli import maintenance_purge, maintenance_run


@click.group()
def command() -> None:
    """Delete what has expired or is old, also while the service is running."""


command.add_command(maintenance_run.run)
command.add_command(maintenance_run.sweep)
command.add_command(maintenance_purge.command)
