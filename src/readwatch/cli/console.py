"""`readwatch console`: what consultants sit in front of."""

import sys
from datetime import timedelta

import click

from readwatch.cli.faces import Faces
from readwatch.cli.main import console_keys, database_url
from readwatch.cli.settings import default_desks, setting
from readwatch.domain.console import ConsoleSettings
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
@setting(
    "--theme",
    type=click.Choice(["dark", "light", "terminal"]),
    help="Colours; terminal is its own. Otherwise those chosen last in the palette.",
)
@setting("--ascii", is_flag=True, help="Draw marks and frames in ASCII; otherwise as it can.")
@setting(
    "--refresh",
    type=click.FloatRange(0.2, 60),
    metavar="SECONDS",
    default=0.6,
    show_default=True,
    help="Take a new picture at most so often.",
)
@click.pass_context
def command(
    context: click.Context,
    email: str | None,
    cover_after: int,
    mask: bool,
    theme: str | None,
    ascii: bool,
    refresh: float,
) -> None:
    """Watch the readers, live: who reads what, how far, and who needs help."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise misconfigured("the console needs a terminal")
    faces: Faces = context.obj
    settings = ConsoleSettings(
        database_url(context),
        email=email,
        desks=default_desks(),
        cover_after=timedelta(minutes=cover_after) or None,
        mask=mask,
        theme=theme,
        ascii=ascii,
        keys=console_keys(context),
        refresh=timedelta(seconds=refresh),
    )
    faces.console(settings)
