"""The words of a report that the page and the text share."""

from datetime import datetime

from readwatch.domain.week import Week, WeekReport

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def days_of(week: Week) -> str:
    """Return the days of a week: `23 to 29 November 2026`."""
    first, last = week.days[0], week.days[-1]
    start = f"{first.day}"
    if first.month != last.month:
        start += f" {_MONTHS[first.month - 1]}"
    if first.year != last.year:
        start += f" {first.year}"
    return f"{start} to {last.day} {_MONTHS[last.month - 1]} {last.year}"


def day_of(at: datetime) -> str:
    """Return the day of a time, as this machine's calendar has it: `23 Nov`."""
    day = at.astimezone().date()
    return f"{day.day} {_MONTHS[day.month - 1][:3]}"


def made(report: WeekReport) -> str:
    """Return when a report was made, and up to when it goes if the week has not ended."""
    at = report.made_at.astimezone()
    text = f"Made on {at:%Y-%m-%d} at {at:%H:%M} ({at:UTC%z})."
    if report.has_ended:
        return text
    return f"{text} The week has not ended: it is compared with the same part of the week before."


def whose_reading(report: WeekReport) -> str:
    """Return whose reading a report compares: that of all readers, or of those of a group."""
    return f"the readers of {report.group}" if report.group else "all readers"


def difference(now: int, before: int) -> str:
    """Return how a number differs from that of the week before."""
    if now == before:
        return "as many as the week before"
    return f"{abs(now - before):,} {'more' if now > before else 'fewer'} than the week before"


def share(now: int, before: int) -> str:
    """Return how a quantity differs from that of the week before, in per cent of it."""
    if not before:
        return "none the week before"
    per_cent = round(100 * (now - before) / before)
    if not per_cent:
        return "as much as the week before"
    return f"{abs(per_cent):,} % {'more' if per_cent > 0 else 'less'} than the week before"
