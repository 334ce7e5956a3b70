"""The report about a week as text, for terminals, mails and screen readers."""

from readwatch.cli.output import print_line, print_table
from readwatch.cli.report.charts import duration, weekday
from readwatch.cli.report.words import day_of, days_of, difference, made, share, whose_reading
from readwatch.domain.plural import counted
from readwatch.domain.text import clean
from readwatch.domain.week import ReaderOfWeek, WeekReport

_BAR = 40
"""The length of the longest bar."""

_TITLE = 40
"""The length of a title in the list of readers."""


def print_report(report: WeekReport) -> None:
    """Print a report."""
    now, before = report.totals, report.totals_before
    of_group = f", {whose_reading(report)}" if report.group else ""
    print_line(f"Week {report.week}: {days_of(report.week)}{of_group}")
    print_line(made(report))
    print_line("")
    print_table(
        ("", "this week", "compared"),
        [
            ("readers who read", f"{now.readers:,}", difference(now.readers, before.readers)),
            ("reading time", duration(now.seconds // 60), share(now.seconds, before.seconds)),
            (
                "median of a reader",
                duration(now.median_seconds // 60),
                share(now.median_seconds, before.median_seconds),
            ),
            ("titles finished", f"{now.finished:,}", difference(now.finished, before.finished)),
        ],
    )
    _print_days(report)
    _print_rows(
        "Who may need attention",
        ("reader", "why", "since", "read last"),
        [
            (
                case.full_name,
                case.reasons,
                day_of(case.since),
                case.content_title,
            )
            for case in report.cases
        ],
        report.other_cases,
    )
    _print_rows(
        "Who read, and how much (minutes)",
        ("reader", "minutes", "before", "what"),
        [_reader(reader) for reader in report.readers],
        report.other_readers,
    )
    _print_rows(
        "Who read the week before, but not in this one (minutes)",
        ("reader", "before"),
        [(it.full_name, f"{it.reading.seconds_before // 60:,}") for it in report.paused],
        report.other_paused,
    )
    _print_rows(
        "What was read most",
        ("title", "readers", "time", "finished"),
        [
            (it.title, f"{it.readers:,}", duration(it.seconds // 60), f"{it.finished:,}")
            for it in report.titles
        ],
        0,
    )


def _print_days(report: WeekReport) -> None:
    most = max(*report.seconds_by_day, *report.seconds_by_day_before, 1)
    print_line("")
    print_line("Reading time by day")
    print_table(
        ("day", "time", "before", ""),
        [
            (
                weekday(day),
                duration(seconds // 60),
                duration(before // 60),
                "#" * (_BAR * seconds // most),
            )
            for day, seconds, before in zip(
                report.week.days, report.seconds_by_day, report.seconds_by_day_before, strict=True
            )
        ],
    )


def _print_rows(
    heading: str, columns: tuple[str, ...], rows: list[tuple[str, ...]], others: int
) -> None:
    print_line("")
    print_line(f"{heading}: {len(rows) + others:,}")
    if rows:
        print_table(columns, rows)
    if others:
        print_line(f"and {counted(others, 'reader')} more")


def _reader(reader: ReaderOfWeek) -> tuple[str, ...]:
    reading = reader.reading
    titles = [
        f"{'' if it.progress_to is None else f'{it.progress_to} % '}{clean(it.title, limit=_TITLE)}"
        for it in reader.titles
    ]
    more = [f"and {reader.other_titles} more"] if reader.other_titles else []
    return (
        reader.full_name,
        f"{reading.seconds // 60:,}",
        f"{reading.seconds_before // 60:,}" if reading.had_read else "",
        ", ".join([*titles, *more]),
    )
