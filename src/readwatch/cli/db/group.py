"""`readwatch db`: check, repair and back up the database, without showing personal data."""

import click

from readwatch.cli.db import (
    backup,
    finish_restore,
    health,
    privileges,
    rebuild,
    restore,
    status,
    upgrade,
    vacuum,
)


@click.group()
def command() -> None:
    """Check, repair and back up the database, also while the service is running."""


command.add_command(backup.command)
command.add_command(finish_restore.finish_restore)
command.add_command(finish_restore.log_backup)
command.add_command(health.command)
command.add_command(privileges.grant)
command.add_command(privileges.show)
command.add_command(rebuild.command)
command.add_command(restore.command)
command.add_command(status.command)
command.add_command(upgrade.command)
command.add_command(vacuum.command)
