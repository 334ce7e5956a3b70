"""`readwatch console`: what consultants sit in front of."""

import sys
from datetime import timedelta

import click

from readwatch.cli.faces import ConsoleCall, Faces
from readwatch.cli.main import database_url
from readwatch.cli.settings import default_desks, setting
from readwatch.domain.errors import misconfigured


@click.command()
@setting("--email", help="Who signs in; the password is asked in the console.")
@setting(
    "--cover-after",
    type=click.IntRange(0),
    metavar="MINUTES",
    default=10,
    show_default=True,
    help="Cover the screen after so long without a key or the mouse; 0 is never.",
)
@setting("--mask", is_flag=True, help="Show initials in the lists, until a reader is opened.")
@click.pass_context
def command(context: click.Context, email: str | None, cover_after: int, mask: bool) -> None:
    """Watch the readers, live: who reads what, how far, and who needs help."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise misconfigured("the console needs a terminal")
    faces: Faces = context.obj
    idle = timedelta(minutes=cover_after) or None
    faces.console(ConsoleCall(database_url(context), email, default_desks(), idle, mask))
