"""`readwatch`: the group of all commands, each imported when it is called."""

import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from readwatch import __version__
from readwatch.cli.faces import Faces
from readwatch.cli.settings import (
    ForAllCommands,
    default_config,
    default_database,
    names_of_settings,
    own_keys,
    read_config,
    refuse_odd_values,
    refuse_unknown,
    setting,
)
from readwatch.domain.errors import ReadwatchError

_COMMANDS = {
    "init": "Make or upgrade the database, and the first admin.",
    "serve": "Serve the API that readers' apps post to.",
    "console": "Watch the readers, live.",
    "demo": "Try all of it with invented readers.",
    "user": "Add, show and change accounts.",
    "session": "See and end readers' sessions.",
    "audit": "Check, list and export the access log.",
    "db": "Check the database, and mend it.",
}
_BELOW = (
    *("add", "list", "show", "suspend", "activate", "delete", "erase", "passwd", "role", "import"),
    "revoke",
    *("verify", "anchor", "export"),
    *("health", "rebuild", "rights", "grant"),
)


class _LateGroup(click.Group):
    """A group that lists its commands from a table and imports only the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        cmd_name: str,
    ) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(f"readwatch.cli.{cmd_name}").command
        return command

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        formatter: click.HelpFormatter,
    ) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_LateGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="readwatch")
@setting(
    "--database",
    metavar="URL",
    help="sqlite:///path or postgresql://…; without it a file of this user.",
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
    """See who is reading what, live, and keep a record of who looked."""
    path = config or default_config()
    settings = read_config(path, required=config is not None)
    context.meta["readwatch.keys"] = own_keys(settings, path)
    if settings:
        # Which file is read cannot be told in the file itself.
        refuse_unknown(settings, set(names_of_settings(readwatch, context)) - {"config"}, path)
        refuse_odd_values(settings, path)
    context.default_map = ForAllCommands(settings, frozenset({*_COMMANDS, *_BELOW}))
    context.meta["readwatch.database"] = str(
        database or settings.get("database") or default_database()
    )


def database_url(context: click.Context) -> str:
    """Return the database that this call is about."""
    url: str = context.meta["readwatch.database"]
    return url


def console_keys(context: click.Context) -> dict[str, str]:
    """Return the keys of the console that somebody would rather have, by what they do."""
    keys: dict[str, str] = context.meta["readwatch.keys"]
    return keys


def command_line(faces: Faces) -> None:
    """Run the command line and leave the process with its exit code.

    A failure is one line on stderr; what was unforeseen shows where it happened, never with what.
    """
    try:
        result: Any = readwatch.main(obj=faces, standalone_mode=False, prog_name="readwatch")
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        sys.exit(130)
    except ReadwatchError as error:
        click.echo(f"readwatch: {error.message}", err=True)
        sys.exit(1)
    except BrokenPipeError:
        sys.exit(141)
    except Exception as error:  # noqa: BLE001 - the message could hold personal data
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(place.filename).name}, line {place.lineno}, in {place.name}"
        click.echo(f"readwatch: a fault of the program: {type(error).__name__}, {where}", err=True)
        sys.exit(70)
    sys.exit(result if isinstance(result, int) else 0)
