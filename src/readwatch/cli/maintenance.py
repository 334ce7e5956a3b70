"""`readwatch maintenance`: archive and delete what is old or has expired."""

import click

from readwatch.cli import maintenance_archive, maintenance_purge, maintenance_run


@click.group()
def command() -> None:
    """Archive and delete what is old or has expired, also while the service is running."""


command.add_command(maintenance_run.run)
command.add_command(maintenance_run.sweep)
command.add_command(maintenance_archive.command)
command.add_command(maintenance_purge.command)
