"""`readwatch stats`: the day at a glance."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import click

from readwatch.cli.attention import attention_settings, thresholds_of
from readwatch.cli.database import database
from readwatch.cli.examples import examples
from readwatch.cli.main import database_url
from readwatch.cli.operator import cli_event
from readwatch.cli.option_types import WholeNumber
from readwatch.cli.output import local_time, print_json, print_line, print_table
from readwatch.cli.report.charts import duration
from readwatch.cli.settings import acting_admin
from readwatch.domain.activities import RecordedActivity
from readwatch.domain.arrivals import NO_ARRIVALS, arrivals_after
from readwatch.domain.attention import Thresholds
from readwatch.domain.audit import AuditAction
from readwatch.domain.clock import midnight, system_clock
from readwatch.monitor.attention import Attention
from readwatch.monitor.build import live_stats
from readwatch.monitor.snapshots import LiveStats
from readwatch.store.audit import log as audit_log
from readwatch.store.audit.log import ListAccess, RowAccess
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database
from readwatch.store.identity import users
from readwatch.store.lists.query import ResultIds
from readwatch.store.lists.readers import ReaderSummary
from readwatch.store.reports import today
from readwatch.store.reports.today import Today
from readwatch.store.totals import heartbeats


@click.command(epilog=examples("readwatch stats", "readwatch stats --rows 20 --json"))
@click.option(
    "--rows",
    type=WholeNumber(0, 1000),
    default=10,
    show_default=True,
    help="Maximum number of activities, and of readers.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@attention_settings
@acting_admin
@click.pass_context
def command(
    context: click.Context,
    /,  # a setting in ** could have this name
    *,
    rows: int,
    as_json: bool,
    admin: str | None,
    **attention: int,
) -> None:
    """Show the day at a glance: who is online, what was read today, and readers' progress."""
    with database(database_url(context)) as db:
        migrations.require_current(db)
        acting_id = users.acting_admin(db, admin).id
        stats = _stats(db, acting_id, rows, thresholds_of(attention), system_clock())
    if as_json:
        print_json(stats.as_json())
    else:
        stats.print()


@dataclass(frozen=True, slots=True)
class _Stats:
    """What the command shows."""

    live: LiveStats
    need_attention: int
    today: Today
    recent_activities: tuple[RecordedActivity, ...]
    progress: tuple[ReaderSummary, ...]

    def as_json(self) -> Mapping[str, object]:
        peak = self.live.peak
        return {
            "taken_at": self.live.taken_at,
            "active_readers": self.live.online,
            "peak_today": self.live.online if peak is None else peak.readers,
            "activities_a_minute": self.live.activities_a_minute,
            "need_attention": self.need_attention,
            "readers_today": self.today.readers,
            "reading_seconds_today": self.today.seconds,
            "activities_today": self.today.activities,
            "recent_activities": [
                {
                    "full_name": activity.full_name,
                    "activity_type": activity.activity_type,
                    "content_title": activity.content_title,
                    "created_at": activity.created_at,
                }
                for activity in self.recent_activities
            ],
            "reader_progress": [
                {
                    "id": reader.user_id,
                    "full_name": reader.full_name,
                    "total_reading_time_minutes": reader.total_reading_time_minutes,
                    "total_sessions": reader.total_sessions,
                    "last_login": reader.last_login,
                    "unique_content_read": reader.unique_content_read,
                }
                for reader in self.progress
            ],
        }

    def print(self) -> None:
        print_line(f"{local_time(self.live.taken_at)}, times in the time zone of this machine")
        print_line("")
        print_table(("figure", "value"), [*self._figures()])
        print_line("")
        print_line(f"Activities of the last 30 minutes: {len(self.recent_activities)}")
        if self.recent_activities:
            print_table(
                ("time", "reader", "activity", "title"),
                [
                    (
                        f"{it.created_at.astimezone():%H:%M:%S}",
                        it.full_name,
                        it.activity_type,
                        it.content_title,
                    )
                    for it in self.recent_activities
                ],
            )
        print_line("")
        print_line(f"Readers by their last login: {len(self.progress)}")
        if self.progress:
            print_table(
                ("reader", "minutes", "sessions", "titles", "last login"),
                [
                    (
                        it.full_name,
                        f"{it.total_reading_time_minutes:,}",
                        f"{it.total_sessions:,}",
                        f"{it.unique_content_read:,}",
                        local_time(it.last_login),
                    )
                    for it in self.progress
                ],
            )

    def _figures(self) -> Iterator[tuple[str, str]]:
        peak = self.live.peak
        yield "readers online now", f"{self.live.online:,}"
        if peak is not None:
            yield "at most today", f"{peak.readers:,}, at {peak.minute.astimezone():%H:%M}"
        yield "may need attention", f"{self.need_attention:,}"
        yield "readers who read today", f"{self.today.readers:,}"
        yield "reading time today", duration(self.today.seconds // 60)
        yield "activities today", f"{self.today.activities:,}"
        yield "activities in the last minute", f"{self.live.activities_a_minute:,}"


def _stats(
    db: Database, acting_id: int, rows: int, thresholds: Thresholds, now: datetime
) -> _Stats:
    """Return the figures and the rows, after each list of rows is logged."""
    access = audit_log.list_access(db, acting_id)

    def log_rows(name: str, ids: ResultIds) -> RowAccess:
        event = cli_event(
            actor_id=acting_id,
            action_type=AuditAction.VIEWED_STATS,
            details=f"cli, {name}, rows {len(ids.ids)}",
        )
        return audit_log.log_rows(db, access, event, ids.reader_ids, now)

    recent = today.recent_ids(db, access, now, rows)
    latest = today.progress_ids(db, access, now, rows)
    recent_access, latest_access = log_rows("activities", recent), log_rows("readers", latest)
    return _Stats(
        live=live_stats(db, access.scope, now),
        need_attention=_need_attention(db, access, thresholds, now),
        today=today.today(db, latest_access, midnight(now)),
        recent_activities=today.recent_activities(db, recent_access, recent, now),
        progress=today.progress(db, latest_access, latest, now),
    )


def _need_attention(db: Database, access: ListAccess, thresholds: Thresholds, now: datetime) -> int:
    attention = Attention(thresholds)
    arrivals = arrivals_after(NO_ARRIVALS, heartbeats(db, now, NO_ARRIVALS), now)
    attention.refresh(db, access, now, arrivals)
    return len(attention.in_need)
