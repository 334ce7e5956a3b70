"""`readwatch group list`: all groups, without any personal data."""

import click

from readwatch.cli.database import database
from readwatch.cli.examples import examples
from readwatch.cli.main import database_url
from readwatch.cli.output import print_json, print_line, print_table
from readwatch.store.engine import migrations
from readwatch.store.identity import groups


@click.command("list", epilog=examples("readwatch group list"))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """List the groups and how many people are in them."""
    with database(database_url(context)) as db:
        migrations.require_current(db)
        every = groups.summaries(db)
    if as_json:
        print_json(
            [
                {
                    "name": each.group.name,
                    "readers": each.readers,
                    "consultants": each.consultants,
                    "created_at": each.group.created_at,
                }
                for each in every
            ]
        )
    elif every:
        print_table(
            ("group", "readers", "consultants"),
            [(each.group.name, each.readers, each.consultants) for each in every],
        )
    else:
        print_line("there are no groups yet; add one with: readwatch group add NAME")
