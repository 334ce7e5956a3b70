"""All settings as a page of the docs and as an example of a settings file, from their options."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import click

_DEFAULT_IN_HELP = re.compile(r" *\[default: (?P<default>[^\]]*)\]")

_HEAD = """\
# Settings of readwatch: all of them, with their defaults.
#
# Remove the "# " before a setting to change it. An option of the command line, and a variable of
# the environment such as READWATCH_PORT, have priority over this file. readwatch reads the file
# that `readwatch settings` lists as "config". A setting without a default has an example.
"""

_KEYS = """
# The keys of the console, by the names of the actions; docs/console.md lists them.
# [keys]
# filter = "f"
"""


Settings = Mapping[str, tuple[click.Option, tuple[str, ...]]]
"""The option of each setting, and the commands that have it."""


def toml_value(value: object) -> object:
    """Return a value as a person writes it into a settings file, a text without quotes."""
    return str(value).lower() if isinstance(value, bool) else value


@dataclass(frozen=True, slots=True)
class _Described:
    """A setting as people read about it."""

    option: click.Option
    commands: tuple[str, ...]
    fixed_default: str | float | None
    """None if there is no default, or one that depends on something."""

    @property
    def name(self) -> str:
        return self.option.name or ""

    @property
    def help(self) -> str:
        return _DEFAULT_IN_HELP.sub("", self.option.help or "")

    @property
    def default(self) -> str:
        """The default, or how the help describes it; empty without one."""
        if self.fixed_default is not None:
            return str(toml_value(self.fixed_default))
        match = _DEFAULT_IN_HELP.search(self.option.help or "")
        return match["default"] if match else ""

    @property
    def values(self) -> str:
        """The accepted values, where they are few or have bounds."""
        kind = self.option.type
        if self.option.is_flag:
            return "true or false"
        if isinstance(kind, click.Choice):
            return ", ".join(kind.choices)
        if isinstance(kind, click.IntRange | click.FloatRange):
            bounds = f"from {kind.min}" if kind.max is None else f"{kind.min} to {kind.max}"
            return f"{bounds} {self._unit}".rstrip()
        return ""

    @property
    def _unit(self) -> str:
        unit = self.option.metavar or ""
        return "MiB" if unit == "MIB" else unit.lower().replace("number", "")

    @property
    def toml(self) -> str:
        """The default as TOML; an example where there is no fixed one."""
        if self.fixed_default is not None:
            return json.dumps(self.fixed_default)
        kind = self.option.type
        if isinstance(kind, click.Choice):
            return json.dumps(kind.choices[0])
        if isinstance(kind, click.IntRange):
            return json.dumps(_EXAMPLES.get(self.name, 10))
        return json.dumps(_EXAMPLES.get(self.name, f"/path/to/{self.name}"))


_EXAMPLES: dict[str, str | int] = {
    "page_cache": 4,
    "database": "sqlite:////var/lib/readwatch/readwatch.db",
    "admin": "dora@example.org",
    "archive_folder": "/var/lib/readwatch/archive",
    "archive_older_than": "1y",
    "email": "cara@example.org",
    "purge_access_log_older_than": "3y",
    "purge_sessions_older_than": "1y",
    "purge_staff_sessions_older_than": "1y",
}


def example_file(settings: Settings, root: click.Context) -> str:
    """Return a settings file in which all settings are commented out."""
    return "".join((_HEAD, *(_example(each) for each in _described(settings, root)), _KEYS))


def _example(setting: _Described) -> str:
    lines = [setting.help, f"For: {', '.join(setting.commands)}."]
    if setting.values:
        lines.append(f"Values: {setting.values}.")
    if setting.default and setting.fixed_default is None:
        lines.append(f"Default: {setting.default}.")
    text = "".join(f"# {line}\n" for line in lines)
    return f"\n{text}# {setting.name} = {setting.toml}\n"


def markdown_table(settings: Settings, root: click.Context) -> str:
    """Return the table of all settings for the docs."""
    rows = (
        f"| `{each.name}` | {', '.join(each.commands)} | {each.default or 'none'} "
        f"| {each.values} | {_escaped(each.help)} |\n"
        for each in _described(settings, root)
    )
    head = "| setting | for | default | values | meaning |\n|---|---|---|---|---|\n"
    return "".join((head, *rows))


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def _described(settings: Settings, root: click.Context) -> Iterator[_Described]:
    """Yield all settings that a file can have, by name."""
    for name, (option, commands) in sorted(settings.items()):
        if name != "config":  # the settings file cannot contain its own name
            default = option.get_default(root)  # or click's mark for none
            fixed = default if isinstance(default, str | int | float) else None
            yield _Described(option, commands, fixed)
