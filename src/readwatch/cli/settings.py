"""Settings: an option, `READWATCH_<NAME>` in the environment, or a key of a TOML file.

The option has priority over the environment, and the environment over the file. Only the file has
`[keys]`. `readwatch settings` shows the values and their sources.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import click
from click.core import ParameterSource
from platformdirs import user_config_path, user_data_path, user_state_path

from readwatch.cli.examples import examples
from readwatch.cli.output import print_json, print_table
from readwatch.cli.settings_file import most_similar
from readwatch.cli.settings_pages import example_file, toml_value

F = TypeVar("F", bound=Callable[..., Any])

_PREFIX = "READWATCH_"


def setting(name: str, *, variable: str | None = None, **attributes: Any) -> Callable[[F], F]:
    """Return an option `--name` that can also be set as `READWATCH_NAME`."""
    variable = variable or name.lstrip("-").replace("-", "_").upper()
    return click.option(name, envvar=f"{_PREFIX}{variable}", show_envvar=True, **attributes)


acting_admin = click.option(
    "--as",
    "admin",
    metavar="EMAIL",
    envvar=f"{_PREFIX}ADMIN",
    show_envvar=True,
    help="The admin who does this; required if there are several.",
)


anchor_log_setting = setting(
    "--anchor-log",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="File of the anchors that serve writes.  [default: a file in this user's state folder]",
)


erasure_list_setting = setting(
    "--erasure-list",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="File of the erased accounts, for restored backups.  "
    "[default: a file in this user's state folder]",
)


def default_anchor_log(database_url: str) -> Path:
    """Return the file for the anchors of a database: of this user, and away from the database."""
    return _state_file("anchors", database_url)


def default_erasure_list(database_url: str) -> Path:
    """Return the file for the erased accounts of a database: of this user, as the anchors."""
    return _state_file("erased", database_url)


def default_slow_query_log(database_url: str) -> Path:
    """Return the file for the slow queries of a database: of this user, as the anchors."""
    return _state_file("slow-queries", database_url)


def _state_file(name: str, database_url: str) -> Path:
    from readwatch.store.engine.fingerprint import url_fingerprint  # needs SQLite

    folder = user_state_path("readwatch", appauthor=False)
    return folder / f"{name}-{url_fingerprint(database_url)}.txt"


def default_database() -> str:
    """Return the URL of the default database: a file of this user."""
    return f"sqlite:///{user_data_path('readwatch', appauthor=False) / 'readwatch.db'}"


def default_config() -> Path:
    """Return the path of the default settings file."""
    return user_config_path("readwatch", appauthor=False) / "readwatch.toml"


def default_preferences_folder() -> Path:
    """Return the default folder for the preferences of consultants."""
    return user_state_path("readwatch", appauthor=False)


def without_password(url: str) -> str:
    """Return a database URL without the password that it may contain."""
    url = re.sub(r"^(postgres\w*://[^:@/?#]*):[^/?#]*@", r"\1:…@", url)
    return re.sub(r"([?&](?:ssl)?password=)[^&]*", r"\1…", url)


# All commands -----------------------------------------------------------------------------------


def all_settings(command: click.Command, context: click.Context) -> dict[str, click.Option]:
    """Return the settings of a command and its subcommands, by name."""
    settings = {option.name or "": option for option in _own_settings(command)}
    for _, subcommand in _subcommands(command, context):
        settings |= all_settings(subcommand, context)
    return settings


def settings_by_command(
    root: click.Command, context: click.Context
) -> dict[str, tuple[click.Option, tuple[str, ...]]]:
    """Return each setting with the names of the commands that have it, all subcommands as one."""
    everywhere = ("all commands",)
    settings: dict[str, tuple[click.Option, tuple[str, ...]]] = {}
    for option in _own_settings(root):
        settings[option.name or ""] = (option, everywhere)
    for name, command in _subcommands(root, context):
        for setting_name, option in all_settings(command, context).items():
            _, names = settings.get(setting_name, (option, ()))
            settings[setting_name] = (option, (*names, name))
    return settings


def default_map(
    config: dict[str, Any], command: click.Command, context: click.Context
) -> dict[str, Any]:
    """Return the settings as click's `default_map`: a table per command, nested by group.

    The map has only parameters with an environment variable. Other parameters, such as the EMAIL
    of `user erase`, can only be given on the command line.
    """
    names = [option.name for option in _own_settings(command) if option.name in config]
    defaults = {name: config[name] for name in names}
    for name, subcommand in _subcommands(command, context):
        defaults[name] = default_map(config, subcommand, context)
    return defaults


def misspelt_variables(
    root: click.Group, context: click.Context, *, of_all_commands: bool = False
) -> Iterator[str]:
    """Yield one sentence for each variable of the environment that is almost a setting of the
    invoked command, or of any.

    Other variables with this prefix are not readwatch's: Kubernetes sets some for a service of
    that name.
    """
    names = {name.removeprefix(_PREFIX) for name in os.environ if name.startswith(_PREFIX)}
    own = {_variable(option) for option in _own_settings(root)}
    invoked = root.get_command(context, context.invoked_subcommand or "")
    if of_all_commands:
        own |= {_variable(option) for option in all_settings(root, context).values()}
    elif invoked is not None:
        own |= {_variable(option) for option in all_settings(invoked, context).values()}
    similar = {name: most_similar(name, own) for name in names - own}
    if not any(similar.values()):  # which saves importing all commands
        return
    variables = {_variable(option) for option in all_settings(root, context).values()}
    for name in sorted(names - variables):
        if similar[name] is not None:
            yield f"{_PREFIX}{name} is not a setting; did you mean {_PREFIX}{similar[name]}?"


def _variable(option: click.Option) -> str:
    return str(option.envvar).removeprefix(_PREFIX)


def _own_settings(command: click.Command) -> Iterator[click.Option]:
    for parameter in command.params:
        if isinstance(parameter, click.Option) and parameter.envvar and parameter.name:
            yield parameter


def _subcommands(
    command: click.Command, context: click.Context
) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            subcommand = command.get_command(context, name)
            if subcommand is not None:
                yield name, subcommand


# readwatch settings -----------------------------------------------------------------------------


class _Effective(NamedTuple):
    """The value of a setting, and where it comes from."""

    setting: str
    value: object
    source: str


_COMPUTED: Mapping[str, Callable[[str], object]] = {
    "database": lambda _: default_database(),
    "config": lambda _: default_config(),
    "anchor_log": default_anchor_log,
    "erasure_list": default_erasure_list,
    "slow_query_log": default_slow_query_log,
}
"""The settings whose default depends on the user or on the URL of the database."""


@click.command(
    epilog=examples("readwatch settings", "readwatch settings --example > readwatch.toml")
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--example", is_flag=True, help="Print a settings file with all settings.")
@click.pass_context
def command(context: click.Context, *, as_json: bool, example: bool) -> None:
    """Show the settings: their values, and where each value comes from."""
    root = context.find_root()
    if example:
        click.echo(example_file(settings_by_command(root.command, root), root), nl=False)
        return
    rows = list(_effective_settings(root))
    if as_json:
        print_json([row._asdict() for row in rows])
    else:
        print_table(_Effective._fields, [row._replace(value=toml_value(row.value)) for row in rows])


def checked_settings(root: click.Context) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the values of all settings, and one sentence for each wrong one, which has its
    default."""
    values: dict[str, Any] = {}
    complaints = []
    for name, option in sorted(all_settings(root.command, root).items()):
        only = click.Command("settings", params=[option])
        try:
            resolved = only.make_context("settings", [], default_map=root.meta["readwatch.config"])
            values[name] = resolved.params[name]
        except click.BadParameter as error:
            complaints.append(f"{option.envvar}: {error.message}")
            values[name] = option.get_default(click.Context(only))
    return values, tuple(complaints)


def _effective_settings(root: click.Context) -> Iterator[_Effective]:
    """Yield all settings by name, and the keys of the console that the settings file changes."""
    options = all_settings(root.command, root)
    file = str(root.meta["readwatch.config_path"])
    # A command that has all options finds their values as click does for every command.
    every = click.Command("settings", params=[*options.values()])
    resolved = every.make_context(
        "readwatch settings", [], default_map=root.meta["readwatch.config"]
    )
    for name, option in sorted(options.items()):
        value, source = resolved.params[name], _source(resolved, option, file)
        if root.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            value, source = root.params[name], option.opts[0]
        elif value is None and name in _COMPUTED:
            value = _COMPUTED[name](root.meta["readwatch.database"])
        text = str(value) if isinstance(value, Path) else value
        yield _Effective(name, without_password(text) if name == "database" else text, source)
    for action, key in root.meta["readwatch.keys"].items():
        yield _Effective(f"keys.{action}", key, file)


def _source(resolved: click.Context, option: click.Option, file: str) -> str:
    match resolved.get_parameter_source(option.name or ""):
        case ParameterSource.ENVIRONMENT:
            return str(option.envvar)
        case ParameterSource.DEFAULT_MAP:
            return file
    return "default"
