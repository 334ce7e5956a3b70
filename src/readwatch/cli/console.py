"""`readwatch console`: what consultants sit in front of."""

import codecs
import shutil
import sys
from datetime import timedelta
from functools import partial

import click

from readwatch.cli.attention import attention_settings, thresholds_of
from readwatch.cli.faces import Faces, OnceCall
from readwatch.cli.main import console_keys, database_url
from readwatch.cli.passwords import read_own_password
from readwatch.cli.settings import default_desks, setting
from readwatch.domain.errors import invalid, misconfigured
from readwatch.monitor.settings import ConsoleSettings

_OTHER_LINES = 5  # above and below the rows, and the prompt of the shell


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
@click.option("--view", default="online", metavar="NAME", help="The list: online, activity …")
@click.option("--filter", default="", metavar="TERMS", help="Only these rows: 'idle>10m dracula'.")
@click.option("--sort", default="", metavar="COLUMN", help="Sort by it; -COLUMN turns it around.")
@click.option("--once", is_flag=True, help="Print one screen as text, and end.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON; implies --once.")
@click.option("--rows", type=click.IntRange(0, 20_000), help="So many rows at most, with --once.")
@click.option("--password-stdin", is_flag=True, help="Read the password from stdin, with --once.")
@attention_settings
@setting("--bell", is_flag=True, help="Ring when somebody new may need a consultant.")
@click.pass_context
def command(
    context: click.Context,
    /,
    email: str | None,
    cover_after: int,
    mask: bool,
    theme: str | None,
    ascii: bool,
    refresh: float,
    view: str,
    filter: str,
    sort: str,
    once: bool,
    as_json: bool,
    rows: int | None,
    password_stdin: bool,
    bell: bool,
    **attention: int,
) -> None:
    """Watch the readers, live: who reads what, how far, and who needs help."""
    faces: Faces = context.obj
    settings = ConsoleSettings(
        database_url(context),
        email=email,
        preferences_folder=default_desks(),
        lock_after=timedelta(minutes=cover_after) or None,
        mask=mask,
        theme=theme,
        ascii=ascii,
        keys=console_keys(context),
        refresh=timedelta(seconds=refresh),
        view=view,
        filter=filter,
        sort=sort,
        thresholds=thresholds_of(attention),
        bell=bell,
    )
    if once or as_json:
        if not email:
            raise invalid("say who signs in: --email EMAIL")
        width, height = shutil.get_terminal_size()
        call = OnceCall(
            settings,
            partial(read_own_password, from_stdin=password_stdin),
            rows=max(1, height - _OTHER_LINES) if rows is None else rows,
            width=width,
            encoding=codecs.lookup(sys.stdout.encoding or "utf-8").name,
            as_json=as_json,
        )
        for line in faces.once(call):
            click.echo(line)
    elif rows is not None or password_stdin:
        raise invalid("--rows and --password-stdin are for --once and --json")
    elif not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise misconfigured("the console needs a terminal; --once and --json do not")
    else:
        faces.console(settings)
