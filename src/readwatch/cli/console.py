"""`readwatch console`: what consultants sit in front of."""

import sys

import click

from readwatch.cli.faces import ConsoleCall, Faces
from readwatch.cli.main import database_url
from readwatch.cli.settings import default_desks, setting
from readwatch.domain.errors import misconfigured


@click.command()
@setting("--email", help="Who signs in; the password is asked in the console.")
@click.pass_context
def command(context: click.Context, email: str | None) -> None:
    """Watch the readers, live: who reads what, how far, and who needs help."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise misconfigured("the console needs a terminal")
    faces: Faces = context.obj
    faces.console(ConsoleCall(database_url(context), email, default_desks()))
