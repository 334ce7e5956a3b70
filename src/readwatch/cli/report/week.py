"""`readwatch report week`: a week of reading as a page that can be mailed, or as text."""

from pathlib import Path

import click

from readwatch.cli.attention import attention_settings, thresholds_of
from readwatch.cli.database import database
from readwatch.cli.examples import examples
from readwatch.cli.files import FILE, new_text_file
from readwatch.cli.main import database_url
from readwatch.cli.operator import cli_event
from readwatch.cli.output import busy, local_time, print_json, print_line
from readwatch.cli.report.page import page
from readwatch.cli.report.text import print_report
from readwatch.cli.settings import acting_admin
from readwatch.domain.attention import Thresholds
from readwatch.domain.audit import AuditAction
from readwatch.domain.clock import system_clock
from readwatch.domain.errors import conflict, invalid
from readwatch.domain.groups import Group
from readwatch.domain.week import Week, WeekReport, parsed_week, week_of
from readwatch.store.audit import log as audit_log
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database
from readwatch.store.identity import groups, users
from readwatch.store.lifecycle import archives
from readwatch.store.reports import week as week_reports


@click.command(
    "week",
    epilog=examples(
        "readwatch report week --output week.html",
        "readwatch report week --week 2026-W48 --group 4b --text",
    ),
)
@click.option(
    "--week",
    "name",
    metavar="WEEK",
    help="A week such as 2026-W48, or a date in it.  [default: the last week that has ended]",
)
@click.option("--group", "group_name", metavar="NAME", help="Only the readers of this group.")
@click.option(
    "--output",
    "file",
    type=FILE,
    metavar="FILE.html",
    help="A new page that only you can read; it loads nothing and prints on A4.",
)
@click.option("--text", "as_text", is_flag=True, help="Print text instead.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")
@attention_settings
@acting_admin
@click.pass_context
def command(
    context: click.Context,
    /,  # a setting in ** could have this name
    *,
    name: str | None,
    group_name: str | None,
    file: Path | None,
    as_text: bool,
    as_json: bool,
    admin: str | None,
    **attention: int,
) -> None:
    """Report who read how much and what, and who may need attention.

    Reading is compared with the week before and with the median of all readers of the report, who
    are those of a group as it is now or all. The report is logged before anything is read.
    """
    if [file is not None, as_text, as_json].count(True) != 1:
        raise click.UsageError("give one of --output FILE.html, --text and --json", context)
    if file is not None and file.suffix.lower() not in (".html", ".htm"):
        raise invalid("the name of the file must end in .html")
    now = system_clock()
    of_week = parsed_week(name) if name else week_of(now.astimezone().date()).before
    if of_week.starts[0] > now:
        raise invalid(f"the week {of_week} has not begun")
    form = "html" if file else "json" if as_json else "text"
    with database(database_url(context)) as db:
        migrations.require_current(db)
        acting_id = users.acting_admin(db, admin).id
        group = None if group_name is None else groups.find_group(db, group_name)
        if file is None:
            report = _report(db, acting_id, of_week, group, form, thresholds_of(attention))
        else:
            with new_text_file(file) as text:
                report = _report(db, acting_id, of_week, group, form, thresholds_of(attention))
                text.write(page(report))
    if file is not None:
        print_line(f"wrote the report about the week {of_week} to {file}")
    elif as_json:
        print_json(report.as_json())
    else:
        print_report(report)


def _refuse_archived(db: Database, of_week: Week) -> None:
    """Refuse a week without all its activities, or with another one to be compared with."""
    until = archives.newest_arrival(db)
    if until is not None and of_week.before.starts[0] <= until:
        raise conflict(
            f"activities up to {local_time(until)} were archived, and the report about the week "
            f"{of_week} needs them: see docs/retention.md"
        )


@busy("Reading both weeks")
def _report(
    db: Database,
    acting_id: int,
    of_week: Week,
    group: Group | None,
    form: str,
    thresholds: Thresholds,
) -> WeekReport:
    """Return the report, after it is logged."""
    _refuse_archived(db, of_week)
    now = system_clock()
    access = audit_log.list_access(db, acting_id)
    extent = week_reports.week_extent(db, access, of_week, group, now)
    cases = week_reports.cases_of_week(db, access, extent, thresholds)
    readers = week_reports.readers_in_report(db, access, extent, cases)
    event = cli_event(
        actor_id=acting_id,
        action_type=AuditAction.EXPORTED_REPORT,
        details=f"cli, week {of_week}{f', group {group.name}' if group else ''}, {form}",
    )
    rows = audit_log.log_rows(db, access, event, readers, now)
    return week_reports.week_report(db, rows, extent, cases)
