"""`readwatch console`: the console for consultants, live or printed once."""

import codecs
import shutil
import sys
from datetime import timedelta
from functools import partial
from pathlib import Path

import click

from readwatch.cli.attention import attention_settings, thresholds_of
from readwatch.cli.echo import without_echo
from readwatch.cli.engine import engine_of, engine_settings
from readwatch.cli.examples import examples
from readwatch.cli.main import console_keys, database_url
from readwatch.cli.option_types import Number, WholeNumber
from readwatch.cli.passwords import read_own_password
from readwatch.cli.settings import default_preferences_folder, default_slow_query_log, setting
from readwatch.domain.clock import system_clock
from readwatch.domain.errors import invalid, misconfigured
from readwatch.domain.slow_queries import append_slow_query
from readwatch.monitor.settings import ConsoleSettings
from readwatch.store.engine.slow_queries import SlowQueryLog

_OTHER_LINES = 5  # above and below the rows, and the prompt of the shell


@click.command(epilog=examples("readwatch console --email cara@example.org --filter 'idle>10m'"))
@setting("--email", help="E-mail of the account that logs in; the console asks for the password.")
@setting(
    "--lock-after",
    type=WholeNumber(0),
    metavar="MINUTES",
    default=10,
    show_default=True,
    help="Lock the screen after this time without key or mouse; 0 never locks it.",
)
@setting("--mask", is_flag=True, help="Show initials instead of names in the lists.")
@setting(
    "--theme",
    type=click.Choice(["dark", "light", "terminal"]),
    help="Colours; terminal uses its own.  [default: what was last chosen in the palette]",
)
@setting(
    "--ascii",
    is_flag=True,
    help="Draw symbols and frames in ASCII, even if the terminal can draw others.",
)
@setting(
    "--refresh",
    type=Number(0.2, 60),
    metavar="SECONDS",
    default=0.6,
    show_default=True,
    help="Minimum time between refreshes.",
)
@click.option(
    "--view",
    default="online",
    show_default=True,
    metavar="NAME",
    help="The first list: online, activity, readers, attention, access_log, groups, day.",
)
@click.option(
    "--filter",
    default="",
    metavar="TERMS",
    help="Filter of the first list, such as 'idle>10m dracula'.",
)
@click.option(
    "--sort",
    default="",
    metavar="COLUMN",
    help="Sort column of the first list; -COLUMN reverses the order.",
)
@click.option(
    "--at",
    default="",
    metavar="TIME",
    help="Time of the past that online, activity or day shows, such as 'yesterday 14:00'.",
)
@click.option("--once", is_flag=True, help="Print one screen as text and exit.")
@click.option("--json", "as_json", is_flag=True, help="Print one screen as JSON and exit.")
@click.option("--rows", type=WholeNumber(0, 20_000), help="Maximum number of rows to print.")
@click.option(
    "--password-stdin", is_flag=True, help="Read the password from stdin; with --once or --json."
)
@attention_settings
@engine_settings
@setting("--bell", is_flag=True, help="Ring the bell when another reader needs you.")
@setting("--no-title", is_flag=True, help="Leave the title of the terminal's window alone.")
@click.pass_context
def command(
    context: click.Context,
    /,  # a setting in ** could have this name
    *,
    email: str | None,
    lock_after: int,
    mask: bool,
    theme: str | None,
    ascii: bool,
    refresh: float,
    view: str,
    filter: str,
    sort: str,
    at: str,
    once: bool,
    as_json: bool,
    rows: int | None,
    password_stdin: bool,
    bell: bool,
    no_title: bool,
    busy_timeout: int,
    page_cache: int | None,
    statement_timeout: int | None,
    slow_query_ms: int,
    slow_query_log: Path | None,
    **attention: int,
) -> None:
    """Watch the readers live: what they read, their progress, and who needs help."""
    url = database_url(context)
    file = slow_query_log or default_slow_query_log(url)
    # The console owns the terminal, so its slow queries go to the file only.
    slow_queries = SlowQueryLog("console", partial(append_slow_query, file), system_clock)
    engine = engine_of(busy_timeout, page_cache, statement_timeout)
    settings = ConsoleSettings(
        url,
        email=email,
        preferences_folder=default_preferences_folder(),
        lock_after=timedelta(minutes=lock_after) or None,
        mask=mask,
        theme=theme,
        ascii=ascii,
        keys=console_keys(context),
        refresh=timedelta(seconds=refresh),
        view=view,
        filter=filter,
        sort=sort,
        at=at,
        thresholds=thresholds_of(attention),
        bell=bell,
        has_title=not no_title,
        engine=slow_queries.watched(engine, slow_query_ms),
    )
    context.call_on_close(slow_queries.close)
    if once or as_json:
        _print_once(settings, rows=rows, as_json=as_json, password_stdin=password_stdin)
    elif rows is not None or password_stdin:
        raise invalid("--rows and --password-stdin work only with --once or --json")
    elif not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise misconfigured("the console needs a terminal; --once and --json do not")
    else:
        with without_echo():  # a password may be typed before anything asks for it
            from readwatch.tui.run import run

            run(settings)


def _print_once(
    settings: ConsoleSettings, *, rows: int | None, as_json: bool, password_stdin: bool
) -> None:
    from readwatch.tui.once import print_once

    if not settings.email:
        raise invalid("name who logs in with --email EMAIL")
    width, height = shutil.get_terminal_size()
    lines = print_once(
        settings,
        partial(read_own_password, from_stdin=password_stdin),
        rows=max(1, height - _OTHER_LINES) if rows is None else rows,
        width=width,
        encoding=codecs.lookup(sys.stdout.encoding or "utf-8").name,
        as_json=as_json,
    )
    for line in lines:
        click.echo(line)
