"""`readwatch db health`: check the database, quickly or completely, and show its slow queries."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from readwatch.cli.database import database
from readwatch.cli.db.status import anchor_time, no_backup
from readwatch.cli.engine import slow_query_log_setting
from readwatch.cli.examples import examples
from readwatch.cli.main import database_url
from readwatch.cli.output import (
    busy,
    local_time,
    print_json,
    print_line,
    print_table,
    with_progress,
)
from readwatch.cli.settings import (
    anchor_log_setting,
    default_anchor_log,
    default_slow_query_log,
)
from readwatch.domain.clock import system_clock
from readwatch.domain.errors import misconfigured
from readwatch.domain.health import (
    CheckResult,
    DatabaseStatus,
    FullCheck,
    PostgreSQLState,
    RollupMismatches,
    SQLiteFile,
    age_results,
    format_bytes,
    full_results,
    log_results,
    sample_results,
    status_results,
)
from readwatch.domain.plural import counted
from readwatch.domain.slow_queries import SlowStatement, read_slow_queries, slowest_statements
from readwatch.domain.text import clean
from readwatch.store.audit.last_jobs import BACKUP, last_done
from readwatch.store.audit.quick_check import quick_check
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database, is_sqlite
from readwatch.store.engine.privileges import Role
from readwatch.store.lifecycle import health
from readwatch.store.recording import rebuild as rollup_rebuild
from readwatch.store.recording.rollup_sample import random_readers, rollups_of

SAMPLED_READERS = 20
SLOWEST = 5
SHOWN_CHARACTERS = 500  # of a statement, and of its plan; --json has all


@click.command(
    "health", epilog=examples("readwatch db health --quick", "readwatch db health --json")
)
@click.option("--quick", is_flag=True, help="Take seconds: compare the rollups of a few readers.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@anchor_log_setting
@slow_query_log_setting
@click.pass_context
def command(
    context: click.Context,
    *,
    quick: bool,
    as_json: bool,
    anchor_log: Path | None,
    slow_query_log: Path | None,
) -> int:
    """Check the database; the exit code is 0 if it is healthy.

    This also compares all rollups, the totals that screens show, with the activities, and searches
    for signs that the access log was cut off or lost its triggers. It reads the whole database;
    with --quick it takes seconds at any size. The service may keep running.
    """
    url = database_url(context)
    with database(url, Role.MAINTENANCE) as db:
        migrations.require_current(db)
        jobs = _jobs(db, anchor_log or default_anchor_log(url))
        report = _quick_report(db, jobs) if quick else _full_report(db, jobs)
    slow = _slowest(slow_query_log or default_slow_query_log(url))
    if as_json:
        print_json(report.as_json() | {"slow_queries": [asdict(each) for each in slow]})
    else:
        _print(report, slow)
    return 0 if report.healthy else 1


@dataclass(frozen=True, slots=True)
class _Jobs:
    """When the last backup and the last anchor were made; None for never, or unknown."""

    last_backup: datetime | None
    last_anchor: datetime | None


@dataclass(frozen=True, slots=True)
class _Report:
    """The results of all checks, and the values from which they come."""

    results: Sequence[CheckResult]
    status: DatabaseStatus
    jobs: _Jobs
    log_findings: Sequence[str] | None
    full: FullCheck | None = None
    mismatches: RollupMismatches | None = None
    sampled_readers: int | None = None

    @property
    def healthy(self) -> bool:
        return all(result.healthy for result in self.results)

    def as_json(self) -> dict[str, Any]:
        status = asdict(self.status)
        file, server = status.pop("file"), status.pop("server")
        longest = self.status.server and self.status.server.longest_transaction
        return {
            "healthy": self.healthy,
            "quick": self.full is None,
            **status,
            **(file or _nulls(SQLiteFile)),
            **(server or _nulls(PostgreSQLState)),
            **asdict(self.jobs),
            "longest_transaction": longest.total_seconds() if longest else None,
            **(asdict(self.full) if self.full else _nulls(FullCheck)),
            "sampled_readers": self.sampled_readers,
            "wrong_rows": None if self.mismatches is None else asdict(self.mismatches),
            "access_log": self.log_findings,
            "fixes": {result.name: result.fix for result in self.results if result.fix},
        }


def _nulls(of: Any) -> dict[str, None]:
    return dict.fromkeys(field.name for field in fields(of))


def _jobs(db: Database, anchor_log: Path) -> _Jobs:
    anchored_at, _ = anchor_time(anchor_log)
    return _Jobs(last_done(db, BACKUP), anchored_at)


def _ages(db: Database, jobs: _Jobs) -> Iterator[CheckResult]:
    return age_results(
        jobs.last_backup,
        jobs.last_anchor,
        system_clock(),
        no_backup=no_backup(is_file=is_sqlite(db)),
    )


def _quick_report(db: Database, jobs: _Jobs) -> _Report:
    status = health.database_status(db)
    log_findings = quick_check(db)
    readers = random_readers(db, SAMPLED_READERS)
    mismatches = _compared(db, rollups_of(readers), "Comparing the rollups of some readers")
    results = (
        *status_results(status, system_clock()),
        *_ages(db, jobs),
        *sample_results(len(readers), mismatches),
        *log_results(log_findings),
    )
    return _Report(
        results, status, jobs, log_findings, mismatches=mismatches, sampled_readers=len(readers)
    )


def _full_report(db: Database, jobs: _Jobs) -> _Report:
    status = health.database_status(db)
    with busy("Reading the whole database"):
        full = health.full_check(db)
    mismatches = log_findings = None
    if not full.damages:
        mismatches = _compared(db, rollup_rebuild.chunks(db), "Comparing rollups with activities")
        log_findings = quick_check(db)
    results = (
        *status_results(status, system_clock()),
        *_ages(db, jobs),
        *full_results(full, mismatches),
        *log_results(log_findings),
    )
    return _Report(results, status, jobs, log_findings, full, mismatches)


def _compared(
    db: Database, chunks: Sequence[rollup_rebuild.Chunk], description: str
) -> RollupMismatches:
    steps = with_progress(chunks, description)
    return sum((chunk.compare(db) for chunk in steps), RollupMismatches())


def _slowest(file: Path) -> tuple[SlowStatement, ...]:
    try:
        return slowest_statements(read_slow_queries(file), SLOWEST)
    except OSError as error:
        raise misconfigured(f"{file} cannot be read: {error.strerror}") from None


def _print(report: _Report, slow: Sequence[SlowStatement]) -> None:
    print_table(("check", "result", "finding"), [_row(result) for result in report.results])
    if report.full is not None:
        print_line("")
        print_table(
            ("table with its indexes", "size"),
            [(table.name, format_bytes(table.size)) for table in report.full.tables],
        )
    for line in _slow_lines(slow):
        print_line(line)


def _row(result: CheckResult) -> tuple[str, str, str]:
    if result.fix is None:
        return result.name, "ok", result.text
    return result.name, "WRONG", f"{result.text}: {result.fix}"


def _slow_lines(slow: Sequence[SlowStatement]) -> Iterator[str]:
    if slow:
        yield ""
        yield "slowest queries of serve and the console"
    for each in slow:
        times = counted(each.times, "time")
        yield f"{each.milliseconds:,} ms at most, {times}, last {local_time(each.last_at)}"
        yield f"  {clean(each.sql, limit=SHOWN_CHARACTERS)}"
        if each.plan:
            yield f"  plan: {clean(each.plan, limit=SHOWN_CHARACTERS)}"
