"""The settings file: TOML, checked completely before a command runs."""

import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click

from readwatch.domain.errors import misconfigured


def read_config(path: Path, *, required: bool) -> dict[str, Any]:
    """Return the settings in a TOML file; a missing file has none, unless it is required."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if required:
            raise misconfigured(f"there is no settings file at {path}") from None
        return {}
    except OSError as error:
        raise misconfigured(f"the settings file {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise misconfigured(f"the settings file {path} is not text in UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise misconfigured(f"the settings file {path} is not TOML: {error}") from None


def take_console_keys(config: dict[str, Any], path: Path) -> dict[str, str]:
    """Remove the table `[keys]` from the settings and return it; other tables are not allowed."""
    keys = config.pop("keys", {})
    if not isinstance(keys, dict) or not all(isinstance(key, str) for key in keys.values()):
        raise misconfigured(f'{path}: [keys] must be a table of texts, such as filter = "f"')
    return keys


def check_settings(
    config: Mapping[str, Any],
    options: Mapping[str, click.Option],
    path: Path,
    context: click.Context,
) -> None:
    """Refuse unknown keys and wrong values; the error names the file and the key.

    Otherwise click would name the variable of the environment instead.
    """
    for key, value in config.items():
        if key not in options:
            raise misconfigured(f"{path}: {_unknown(key, value, options)}")
        _check_value(options[key], key, value, path, context)


def most_similar(name: str, names: Iterable[str]) -> str | None:
    """Return the name that was probably meant; None if no name is similar."""
    matches = get_close_matches(name, list(names), n=1, cutoff=0.7)
    return matches[0] if matches else None


def _unknown(key: str, value: object, options: Mapping[str, click.Option]) -> str:
    if isinstance(value, dict):
        return (
            f"there is no table [{key}]; write its settings at the top of the file, before any "
            "table: a setting is for all commands that have it"
        )
    similar = most_similar(key, options)
    if similar is not None:
        return f"there is no setting {key!r}; did you mean {similar!r}?"
    return f"there is no setting {key!r}; settings: {', '.join(sorted(options))}"


def _check_value(
    option: click.Option, key: str, value: object, path: Path, context: click.Context
) -> None:
    types, expected = _toml_types(option)
    # A text can be any value, as in the environment.
    if not isinstance(value, str) and type(value) not in types:
        raise misconfigured(f"{path}: {key} must be {expected}")
    try:
        option.type_cast_value(context, value)
    except click.BadParameter as error:
        raise misconfigured(f"{path}: {key}: {error.message}") from None


def _toml_types(option: click.Option) -> tuple[set[type], str]:
    """Return the types of TOML that an option accepts besides a text, and their name."""
    if option.is_flag:
        return {bool}, "true or false"
    if isinstance(option.type, click.types.FloatParamType):
        return {int, float}, "a number"
    if isinstance(option.type, click.types.IntParamType):
        return {int}, "a whole number"
    return set(), "text"
