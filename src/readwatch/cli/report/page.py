"""The report about a week as one HTML page: no script, and nothing from elsewhere."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from readwatch.cli.markup import Markup, fill, joined
from readwatch.cli.report.charts import (
    bar_of_progress,
    bar_with_median,
    chart_of_days,
    chart_of_readers,
    duration,
    small_days,
)
from readwatch.cli.report.words import day_of, days_of, difference, made, share, whose_reading
from readwatch.domain.plural import counted
from readwatch.domain.week import CaseOfWeek, ReaderOfWeek, Reading, TitleRead, WeekReport

_CSS = Path(__file__).with_name("page.css")

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Reading{of_group} in week {week}</title>
<style>
{css}</style>
</head>
<body>
<header>
<p class="kicker">readwatch · week {week}{group}</p>
<h1>{days}</h1>
<p class="made">{made}</p>
</header>
<main>
{sections}
</main>
<footer>
<p>{notes}</p>
</footer>
</body>
</html>
"""

_NOTES = (
    "Reading time is the sum of the durations that the apps report; it counts on the day on which"
    " it occurred. The median is that of all who have read: half of them read less, half"
    " of them more. Deleted accounts are left out. This page has personal data: delete it when you"
    " no longer need it. The access log says who made it."
)


def page(report: WeekReport) -> Markup:
    """Return the page of a report."""
    sections = (
        _tiles(report),
        _charts(report),
        _attention(report),
        _readers(report),
        _paused(report),
        _titles(report),
    )
    return fill(
        _PAGE,
        week=report.week,
        of_group=f" of {report.group}" if report.group else "",
        group=f" · {report.group}" if report.group else "",
        css=Markup(_CSS.read_text(encoding="utf-8")),
        days=days_of(report.week),
        made=made(report),
        sections=joined(sections),
        notes=_NOTES,
    )


# Sections ---------------------------------------------------------------------------------------


def _tiles(report: WeekReport) -> Markup:
    now, before = report.totals, report.totals_before
    tiles = (
        ("Readers who read", f"{now.readers:,}", difference(now.readers, before.readers)),
        ("Reading time", duration(now.seconds // 60), share(now.seconds, before.seconds)),
        (
            "Median of a reader",
            duration(now.median_seconds // 60),
            share(now.median_seconds, before.median_seconds),
        ),
        ("Titles finished", f"{now.finished:,}", difference(now.finished, before.finished)),
    )
    return fill(
        '<section aria-label="The week in figures" class="tiles">{tiles}</section>',
        tiles=joined(
            fill(
                '<div><h2>{name}</h2><p class="figure">{figure}</p><p>{change}</p></div>',
                name=name,
                figure=figure,
                change=change,
            )
            for name, figure, change in tiles
        ),
    )


def _charts(report: WeekReport) -> Markup:
    return fill(
        '<section class="charts"><div><h2>Reading time by day</h2>'
        '<p class="legend"><span class="key now"></span> this week, with its value'
        ' <span class="key before"></span> the week before</p>{days}</div>'
        "<div><h2>Readers by reading time</h2>"
        '<p class="legend"><span class="key now"></span> the bar with the median,'
        " {median}</p>{readers}</div></section>",
        days=chart_of_days(
            report.week.days,
            [seconds // 60 for seconds in report.seconds_by_day],
            [seconds // 60 for seconds in report.seconds_by_day_before],
        ),
        median=duration(report.totals.median_seconds // 60),
        readers=chart_of_readers(report.minutes_of_readers, report.totals.median_seconds // 60),
    )


def _attention(report: WeekReport) -> Markup:
    return _section(
        "Who may need attention",
        "attention",
        ("Reader", "Why", "Since", "Read last"),
        [_case(case) for case in report.cases],
        report.other_cases,
        "Nobody: no failed quiz, nobody came back after a long time, nobody is stuck.",
    )


def _case(case: CaseOfWeek) -> Sequence[Markup]:
    return (
        _name(case.full_name, case.reading_level),
        fill('<td class="why">{reasons}</td>', reasons=case.reasons),
        fill("<td>{since}</td>", since=day_of(case.since)),
        fill(
            "<td><bdi>{title}</bdi>{progress}</td>",
            title=case.content_title or "nothing",
            progress=""
            if case.progress_percentage is None
            else fill(' <span class="dim">{at} %</span>', at=case.progress_percentage),
        ),
    )


def _readers(report: WeekReport) -> Markup:
    median = report.totals.median_seconds // 60
    most = max((it.reading.seconds // 60 for it in report.readers), default=0)
    in_a_day = max((max(it.reading.seconds_by_day) // 60 for it in report.readers), default=0)
    return _section(
        "Who read, and how much",
        "readers",
        ("Reader", "Mon to Sun", "Minutes", "Median", "Change", "What"),
        [
            _reader(reader, report, median, max(1, most), max(1, in_a_day))
            for reader in report.readers
        ],
        report.other_readers,
        "Nobody read in this week.",
        fill(
            '<p class="legend">The line is the median of {readers}, {median}. Change is against'
            " the week before. The dark part of a title was read in this week.</p>",
            readers=whose_reading(report),
            median=duration(median),
        ),
    )


def _reader(
    reader: ReaderOfWeek, report: WeekReport, median: int, most: int, in_a_day: int
) -> Sequence[Markup]:
    reading = reader.reading
    by_day = [seconds // 60 for seconds in reading.seconds_by_day]
    return (
        _name(reader.full_name, reader.reading_level),
        fill("<td>{days}</td>", days=small_days(report.week.days, by_day, in_a_day)),
        fill('<td class="number">{minutes:,}</td>', minutes=reading.seconds // 60),
        fill("<td>{bar}</td>", bar=bar_with_median(reading.seconds // 60, median, most)),
        fill(
            '<td class="number">{change}</td>',
            change=_change(reading),
        ),
        fill('<td class="what">{titles}</td>', titles=_titles_of(reader)),
    )


def _change(reading: Reading) -> str:
    if not reading.had_read:
        return "new"
    minutes = reading.seconds // 60 - reading.seconds_before // 60
    return f"{minutes:+,}".replace("-", "\N{MINUS SIGN}")


def _titles_of(reader: ReaderOfWeek) -> Markup:
    more = fill('<span class="dim">and {number} more</span>', number=reader.other_titles)
    return joined(
        [*map(_title, reader.titles), *([more] if reader.other_titles else [])]
    ) or Markup("no title")


def _title(title: TitleRead) -> Markup:
    return fill(
        '<span class="title"><span>{bar}</span><span class="percent">{percent}</span>'
        "<bdi>{title}</bdi></span>",
        bar=bar_of_progress(title.progress_from, title.progress_to),
        percent="" if title.progress_to is None else f"{title.progress_to} %",
        title=title.title,
    )


def _paused(report: WeekReport) -> Markup:
    if not report.paused:
        return Markup()
    return _section(
        "Who read the week before, but not in this one",
        "paused",
        ("Reader", "Minutes the week before"),
        [
            (
                _name(reader.full_name, reader.reading_level),
                fill('<td class="number">{it:,}</td>', it=reader.reading.seconds_before // 60),
            )
            for reader in report.paused
        ],
        report.other_paused,
        "",
    )


def _titles(report: WeekReport) -> Markup:
    return _section(
        "What was read most",
        "titles",
        ("Title", "Readers", "Reading time", "Finished"),
        [
            (
                fill('<th scope="row"><bdi>{title}</bdi></th>', title=title.title),
                fill('<td class="number">{readers:,}</td>', readers=title.readers),
                fill('<td class="number">{time}</td>', time=duration(title.seconds // 60)),
                fill('<td class="number">{finished:,}</td>', finished=title.finished),
            )
            for title in report.titles
        ],
        0,
        "The apps reported no titles.",
    )


# Parts ------------------------------------------------------------------------------------------


def _section(
    heading: str,
    kind: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Markup]],
    others: int,
    without_rows: str,
    legend: Markup = Markup(),  # noqa: B008 - immutable
) -> Markup:
    lines = [fill("<tr>{cells}</tr>", cells=joined(cells)) for cells in rows]
    if not lines:
        return fill(
            '<section class="{kind}"><h2>{heading}</h2><p>{text}</p></section>',
            kind=kind,
            heading=heading,
            text=without_rows,
        )
    return fill(
        '<section class="{kind}"><h2>{heading} <span class="dim">{number:,}</span></h2>{legend}'
        "<table><thead><tr>{columns}</tr></thead><tbody>{lines}</tbody></table>{others}</section>",
        kind=kind,
        heading=heading,
        number=len(lines) + others,
        legend=legend,
        columns=joined(fill('<th scope="col">{name}</th>', name=name) for name in columns),
        lines=joined(lines),
        others=fill("<p>and {others} more</p>", others=counted(others, "reader")) if others else "",
    )


def _name(full_name: str, reading_level: str) -> Markup:
    return fill(
        '<th scope="row"><bdi>{name}</bdi>{level}</th>',
        name=full_name,
        level=fill(' <span class="level">{level}</span>', level=reading_level)
        if reading_level
        else "",
    )
