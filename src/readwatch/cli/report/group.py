"""`readwatch report`: reports for people who open no console."""

import click

from readwatch.cli.report import week


@click.group()
def command() -> None:
    """Write a report about a week of reading."""


command.add_command(week.command)
