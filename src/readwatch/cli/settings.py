"""Settings: an option, `READWATCH_<NAME>` in the environment, or a key of a TOML file.

The option has priority over the environment, and the environment over the file. Only the file has
`[keys]`.
"""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click
from platformdirs import user_config_path, user_data_path, user_state_path

from readwatch.domain.errors import misconfigured

F = TypeVar("F", bound=Callable[..., Any])


def setting(name: str, *, variable: str | None = None, **attributes: Any) -> Callable[[F], F]:
    """Return an option `--name` that can also be set as `READWATCH_NAME`."""
    variable = variable or name.lstrip("-").replace("-", "_").upper()
    return click.option(name, envvar=f"READWATCH_{variable}", show_envvar=True, **attributes)


acting_admin = click.option(
    "--as",
    "admin",
    metavar="EMAIL",
    envvar="READWATCH_ADMIN",
    show_envvar=True,
    help="The admin who does this; required if there are several.",
)


anchor_log_setting = setting(
    "--anchor-log",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="File of the anchors that serve writes.  [default: a file in this user's state folder]",
)


def default_anchor_log(database_url: str) -> Path:
    """Return the file for the anchors of a database: of this user, and away from the database."""
    from readwatch.store.engine.fingerprint import url_fingerprint  # needs SQLite

    name = f"anchors-{url_fingerprint(database_url)}.txt"
    return user_state_path("readwatch", appauthor=False) / name


def default_database() -> str:
    """Return the URL of the default database: a file of this user."""
    return f"sqlite:///{user_data_path('readwatch', appauthor=False) / 'readwatch.db'}"


def default_config() -> Path:
    """Return the path of the default settings file."""
    return user_config_path("readwatch", appauthor=False) / "readwatch.toml"


def default_preferences_folder() -> Path:
    """Return the default folder for the preferences of consultants."""
    return user_state_path("readwatch", appauthor=False)


def read_config(path: Path, *, required: bool) -> dict[str, Any]:
    """Return the settings in a TOML file; a missing file has none, unless it is required."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if required:
            raise misconfigured(f"there is no configuration file at {path}") from None
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise misconfigured(f"the configuration file {path} cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise misconfigured(f"the configuration file {path} is not TOML: {error}") from None


def refuse_unknown_settings(config: dict[str, Any], names: set[str], path: Path) -> None:
    """Refuse a key that is not a setting of any command, because it is most likely misspelt."""
    for key in sorted(set(config) - names):
        raise misconfigured(
            f"{path}: there is no setting {key!r}; settings: {', '.join(sorted(names))}"
        )


def refuse_wrong_types(
    config: dict[str, Any], settings: Mapping[str, click.Option], path: Path
) -> None:
    """Refuse a value of another type than its option has, before click converts it.

    A text can be any value, as in the environment.
    """
    for key, value in config.items():
        types, expected = _toml_types(settings[key])
        if not isinstance(value, str) and type(value) not in types:
            raise misconfigured(f"{path}: {key} must be {expected}")


def _toml_types(option: click.Option) -> tuple[set[type], str]:
    if option.is_flag:
        return {bool}, "true or false"
    if isinstance(option.type, click.types.FloatParamType):
        return {int, float}, "a number"
    return {int}, "text or a whole number"


def take_console_keys(config: dict[str, Any], path: Path) -> dict[str, str]:
    """Remove the table `[keys]` from the settings and return it; other tables are not allowed."""
    keys = config.pop("keys", {})
    if not isinstance(keys, dict) or not all(isinstance(key, str) for key in keys.values()):
        raise misconfigured(f'{path}: [keys] must be a table of texts, such as filter = "f"')
    return keys


def all_settings(command: click.Command, context: click.Context) -> dict[str, click.Option]:
    """Return the settings that a TOML file can have for a command and its subcommands, by key."""
    settings = {option.name or "": option for option in _own_settings(command)}
    for _, subcommand in _subcommands(command, context):
        settings |= all_settings(subcommand, context)
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
