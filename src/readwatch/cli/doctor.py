"""`readwatch doctor`: what is wrong with the database, the settings and the machine."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from readwatch import __version__
from readwatch.cli.diagnosis.page import print_page
from readwatch.cli.diagnosis.sections import Section, Subject, all_findings, sections
from readwatch.cli.examples import examples
from readwatch.cli.main import database_url
from readwatch.cli.output import print_json
from readwatch.cli.settings import (
    acting_admin,
    checked_settings,
    misspelt_variables,
    without_password,
)
from readwatch.domain.clock import system_clock
from readwatch.domain.findings import Finding, Repair, Severity, findings_of, ok, worst


@click.command(epilog=examples("readwatch doctor", "readwatch doctor --fix"))
@click.option(
    "--backups",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Check the permissions of the backups in this folder too.",
)
@click.option("--fix", is_flag=True, help="Fix what is safe to fix, and say what was done.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@acting_admin
@click.pass_context
def command(
    context: click.Context, admin: str | None, backups: Path | None, *, fix: bool, as_json: bool
) -> int:
    """Find what is wrong, and say how to fix it; the exit code is 0 if nothing is.

    It checks the settings, the database and its files, the service, and this machine, also when the
    database is missing, damaged or locked. It shows no personal data and needs no admin; what --fix
    changes inside the database is logged for one.
    """
    subject = _subject(context.find_root(), database_url(context), admin, backups)
    diagnosed = list(sections(subject))
    repaired = list(_repaired(diagnosed)) if fix else []
    if repaired:
        diagnosed = list(sections(subject))
    url = without_password(subject.url)
    if as_json:
        print_json(_as_json(url, diagnosed, repaired))
    else:
        print_page(f"readwatch {__version__}, {url}", diagnosed, repaired)
    return 0 if worst((*all_findings(diagnosed), *repaired)) is Severity.OK else 1


def _subject(root: click.Context, url: str, admin: str | None, backups: Path | None) -> Subject:
    assert isinstance(root.command, click.Group)  # noqa: S101 - for the types only
    values, complaints = checked_settings(root)
    return Subject(
        url=url,
        admin=admin,
        settings_file=root.meta["readwatch.config_path"],
        file_refusal=root.meta.get("readwatch.config_error"),
        values=values,
        complaints=complaints,
        misspelt=tuple(misspelt_variables(root.command, root, of_all_commands=True)),
        backups=backups,
        now=system_clock(),
    )


def _repaired(diagnosed: Iterable[Section]) -> Iterator[Finding]:
    """Fix what has a safe repair, and yield what was done or why it was not."""
    for _, findings in diagnosed:
        for finding in findings:
            if finding.repair is not None:
                yield from findings_of(
                    finding.check, partial(_repair, finding.check, finding.repair)
                )


def _repair(check: str, repair: Repair) -> Iterator[Finding]:
    yield ok(check, repair())


def _as_json(url: str, diagnosed: Iterable[Section], repaired: Sequence[Finding]) -> dict[str, Any]:
    members = [
        {"section": title.lower(), **_members(finding), "repairable": finding.repair is not None}
        for title, findings in diagnosed
        for finding in findings
    ]
    return {
        "version": __version__,
        "database": url,
        "severity": worst(all_findings(diagnosed)),
        "findings": members,
        "repaired": [_members(finding) for finding in repaired],
    }


def _members(finding: Finding) -> dict[str, Any]:
    return {
        "check": finding.check,
        "severity": finding.severity,
        "text": finding.text,
        "fix": finding.fix,
    }
