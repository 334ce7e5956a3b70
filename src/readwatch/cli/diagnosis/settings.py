"""The settings: whether each value can be used, and names that are almost those of settings."""

import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from readwatch.cli.diagnosis.permissions import private_file_findings
from readwatch.domain.findings import Finding, error, ok, warning

_REQUIRED: Mapping[str, str] = {
    "archive_older_than": "archive_folder",
    "purge_access_log_older_than": "access_log_copies",
}
"""The setting without which `maintenance run` refuses another one."""


def file_findings(file: Path, refusal: str | None) -> Iterator[Finding]:
    """Check the settings file; `refusal` is why all other commands refuse it."""
    if refusal is not None:
        yield error(
            "settings file",
            refusal,
            "correct or name the file; readwatch settings --example prints one",
        )
    elif file.exists():
        yield ok("settings file", f"{file} has only settings and values that exist")


def secret_findings(file: Path, *, has_password: bool) -> Iterator[Finding]:
    """Check who can read a settings file that contains a password."""
    if has_password and file.exists() and stat.S_IMODE(file.stat().st_mode) & 0o077:
        yield from private_file_findings(file)


def value_findings(
    complaints: Iterable[str], misspelt: Iterable[str], values: Mapping[str, Any]
) -> Iterator[Finding]:
    """Check the values of all settings; each sentence is a wrong value of the environment or a
    misspelt name."""
    wrong = [
        *(error("settings", sentence, "correct the variable") for sentence in complaints),
        *(warning("settings", sentence, "rename or unset the variable") for sentence in misspelt),
        *_incomplete(values),
    ]
    yield from wrong
    if not wrong:
        yield ok("settings", "all values can be used; readwatch settings lists them")


def _incomplete(values: Mapping[str, Any]) -> Iterator[Finding]:
    for name, required in _REQUIRED.items():
        if values[name] is not None and values[required] is None:
            text = f"{name} is set and {required} is not, so maintenance run fails"
            yield error("settings", text, f"set {required}: docs/retention.md")
