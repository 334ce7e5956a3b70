"""`readwatch`: the group of all commands; it imports a command when it is called."""

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from readwatch import __version__
from readwatch.cli.output import print_line
from readwatch.cli.settings import (
    all_settings,
    default_config,
    default_database,
    default_map,
    misspelt_variables,
    setting,
)
from readwatch.cli.settings_file import check_settings, read_config, take_console_keys
from readwatch.cli.signals import EndedBySignal, signals_as_exceptions
from readwatch.domain.errors import ReadwatchError, exception_location

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_COMMANDS = {
    "init": "Create or upgrade the database and the first admin.",
    "serve": "Run the API that readers' apps post to.",
    "console": "Watch the readers live.",
    "demo": "Try everything with simulated readers.",
    "user": "Add, show and change accounts.",
    "group": "Put readers into groups, and limit consultants to groups.",
    "session": "List and end readers' sessions.",
    "export": "Write activities, sessions or readers as CSV or JSON Lines.",
    "report": "Write a report about a week of reading.",
    "stats": "Show the day at a glance.",
    "audit": "Check, list and export the access log.",
    "db": "Check, repair and back up the database.",
    "maintenance": "Archive and delete what is old or has expired.",
    "settings": "Show the settings and where each value comes from.",
    "doctor": "Find what is wrong, and say how to fix it.",
}
_GROUPS = {"user", "group", "report", "db", "maintenance"}
"""The commands that are packages: one module for each of their own commands."""


class _LazyGroup(click.Group):
    """A group that lists its commands from a table and imports only the called command."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        cmd_name: str,
    ) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = f"{cmd_name}.group" if cmd_name in _GROUPS else cmd_name
        command: click.Command = import_module(f"readwatch.cli.{module}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            similar = " or ".join(map(repr, self._similar(ctx, error.command_name)))
            advice = f" Did you mean {similar}?" if similar else ""
            raise click.UsageError(f"{error.message}{advice}", ctx) from None

    def _similar(self, ctx: click.Context, name: str) -> list[str]:
        """Return the commands that were probably meant: `backup` is `db backup`."""
        paths = [*self._paths(ctx)]
        return [path for path in paths if path.endswith(f" {name}")] or get_close_matches(
            name, paths
        )

    def _paths(self, ctx: click.Context) -> Iterator[str]:
        for name in _COMMANDS:
            yield name
            command = self.get_command(ctx, name)
            if isinstance(command, click.Group):
                yield from (f"{name} {each}" for each in command.list_commands(ctx))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        """Return the commands and options that begin so; no command is imported."""
        from click.shell_completion import CompletionItem  # takes 10 ms

        commands = [
            CompletionItem(name, help=line)
            for name, line in _COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return [*commands, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        formatter: click.HelpFormatter,
    ) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="readwatch")
@setting(
    "--database",
    metavar="URL",
    help="sqlite:///path or postgresql://...  [default: a file in this user's data folder]",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    envvar="READWATCH_CONFIG",
    show_envvar=True,
    help="A TOML file with settings.",
)
@click.pass_context
def readwatch(context: click.Context, database: str | None, config: Path | None) -> None:
    """See who is reading what, live, and log every access to a reader's data."""
    path = config or default_config()
    is_diagnosis = context.invoked_subcommand == "doctor"
    keys: dict[str, str] = {}
    settings: dict[str, Any] = {}
    try:
        keys, settings = _checked_file(context, path, required=config is not None)
    except ReadwatchError as error:
        if not is_diagnosis:
            raise
        context.meta["readwatch.config_error"] = error.message
    context.meta["readwatch.keys"] = keys
    context.meta["readwatch.config"], context.meta["readwatch.config_path"] = settings, path
    if settings:
        context.default_map = default_map(settings, readwatch, context)
    for sentence in () if is_diagnosis else misspelt_variables(readwatch, context):
        print_line(f"readwatch: {sentence}", err=True)
    context.meta["readwatch.database"] = str(
        database or settings.get("database") or default_database()
    )


def _checked_file(
    context: click.Context, path: Path, *, required: bool
) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the keys of the console and the settings of the settings file; refuse a wrong one."""
    settings = read_config(path, required=required)
    keys = take_console_keys(settings, path)
    if settings:
        options = all_settings(readwatch, context)
        del options["config"]  # the settings file cannot contain the name of the settings file
        check_settings(settings, options, path, context)
    return keys, settings


def database_url(context: click.Context) -> str:
    """Return the URL of the database for this call."""
    url: str = context.meta["readwatch.database"]
    return url


def console_keys(context: click.Context) -> dict[str, str]:
    """Return the keys of the console that the settings file changes, by action."""
    keys: dict[str, str] = context.meta["readwatch.keys"]
    return keys


def main() -> None:
    """Run the command line and end the process with its exit code."""
    with exit_on_failure(), signals_as_exceptions():
        result: Any = readwatch.main(standalone_mode=False, prog_name="readwatch")
    sys.exit(result if isinstance(result, int) else 0)


@contextmanager
def exit_on_failure() -> Iterator[None]:
    """End the process after a failure, with one line on stderr.

    For an unexpected exception the line has its type and location, never its message.
    """
    try:
        with _closed_generators():
            yield
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.ClickException as error:
        print_line(f"readwatch: {_with_help_command(error)}", err=True)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        print_line("stopped", err=True)
        sys.exit(130)
    except EndedBySignal:
        with suppress(OSError):  # the terminal may be gone
            print_line("stopped", err=True)
        raise
    except ReadwatchError as error:
        print_line(f"readwatch: {error.message}", err=True)
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - the message could contain personal data
        print_line(f"readwatch: internal error: {exception_location(error)}", err=True)
        sys.exit(70)


@contextmanager
def _closed_generators() -> Iterator[None]:
    """Close the generators that an exception has left open: a progress bar waits for its thread,
    which at the end of the process would never end."""
    try:
        yield
    except BaseException as error:  # ctrl+c too; it is raised again
        left: BaseException | None = error
        while left is not None:
            traceback.clear_frames(left.__traceback__)
            left = left.__context__
        raise


def _with_help_command(error: click.ClickException) -> str:
    """Return the message of an error and, for wrong usage, the command that shows the help."""
    message = error.format_message()
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is None:
        return message
    end = "" if message.endswith((".", "?", ")")) else "."
    return f"{message}{end} Help: {context.command_path} --help"
