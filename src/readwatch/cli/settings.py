"""Settings: an option, `READWATCH_<NAME>` in the environment, or a key of a TOML file.

The option wins over the environment, the environment over the file. Only the file has `[keys]`.
"""

import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import click
from platformdirs import user_config_path, user_data_path, user_state_path

from readwatch.domain.errors import misconfigured

F = TypeVar("F", bound=Callable[..., Any])


def setting(name: str, *, variable: str | None = None, **attributes: Any) -> Callable[[F], F]:
    """Return an option `--name` that is also `READWATCH_NAME`."""
    variable = variable or name.lstrip("-").replace("-", "_").upper()
    return click.option(name, envvar=f"READWATCH_{variable}", show_envvar=True, **attributes)


acting_admin = click.option(
    "--as",
    "admin",
    metavar="EMAIL",
    envvar="READWATCH_ADMIN",
    show_envvar=True,
    help="The acting admin, if there are several.",
)


def default_database() -> str:
    """Return the URL of the database that is used when none is named: one file of this user."""
    return f"sqlite:///{user_data_path('readwatch', appauthor=False) / 'readwatch.db'}"


def default_config() -> Path:
    """Return the file that is read when none is named."""
    return user_config_path("readwatch", appauthor=False) / "readwatch.toml"


def default_desks() -> Path:
    """Return the folder for what this user's consoles keep between sittings."""
    return user_state_path("readwatch", appauthor=False)


def read_config(path: Path, *, required: bool) -> dict[str, Any]:
    """Return the settings in a TOML file; a missing one is empty unless it was asked for."""
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


def refuse_unknown(config: dict[str, Any], known: set[str], path: Path) -> None:
    """Refuse a key that no command has, which is a misspelling more often than not."""
    for key in sorted(set(config) - known):
        raise misconfigured(
            f"{path}: there is no setting {key!r}; known: {', '.join(sorted(known))}"
        )


def refuse_odd_values(config: dict[str, Any], path: Path) -> None:
    """Refuse what no setting can be, before an option makes something else of it."""
    for key, value in config.items():
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            raise misconfigured(f"{path}: {key} has to be text or a whole number")


def own_keys(config: dict[str, Any], path: Path) -> dict[str, str]:
    """Take the only table that a file can have out of the settings: the keys of the console."""
    keys = config.pop("keys", {})
    if not isinstance(keys, dict) or not all(isinstance(key, str) for key in keys.values()):
        raise misconfigured(f'{path}: [keys] has to be a table of texts, such as filter = "f"')
    return keys


def names_of_settings(command: click.Command, context: click.Context) -> Iterator[str]:
    """Yield the keys that a TOML file can hold for a command and the commands below it."""
    for parameter in command.params:
        if isinstance(parameter, click.Option) and parameter.envvar and parameter.name:
            yield parameter.name
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None:
                yield from names_of_settings(below, context)


class ForAllCommands(dict[str, Any]):
    """One flat table of settings in the shape that click asks for: a table for each command."""

    def __init__(self, config: dict[str, Any], commands: frozenset[str]) -> None:
        super().__init__(config)
        self._commands = commands

    def get(self, key: str, default: Any = None) -> Any:
        """Return a setting, or this very table for the name of a command."""
        return self if key in self._commands else super().get(key, default)
