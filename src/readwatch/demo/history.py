"""The past weeks of a simulated reader: sessions with a daily and a weekly rhythm."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

from readwatch.demo.books import pick
from readwatch.demo.cast import Habit, SimulatedReader, user_agent
from readwatch.demo.habits import BookPosition, read_on
from readwatch.domain.activities import Activity

# Local hour, the spread around it, and the share of the day's reading.
_WEEKDAY: Final = ((7.2, 0.7, 0.2), (12.5, 0.5, 0.2), (20.5, 1.2, 0.6))
_WEEKEND: Final = ((10.0, 1.0, 0.35), (15.0, 1.5, 0.3), (21.0, 1.2, 0.35))
_USUAL_SESSION: Final = 9  # activities
_LONGEST_SESSION_SECONDS: Final = 7200
_ENDED_AFTER: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class PastSession:
    """A past session, times in UTC; `left_at` is the position at its end."""

    started_at: datetime
    last_heartbeat: datetime
    ended_at: datetime
    device_type: str
    user_agent: str
    activities: tuple[Activity, ...]
    left_at: BookPosition


def history(
    reader: SimulatedReader,
    until: datetime,
    weeks: float,
    rng: Random,
    *,
    activities_per_week: float = 45.0,
) -> Iterator[PastSession]:
    """Yield simulated sessions of the `weeks` before `until`, oldest first, all ended by then.

    A reader has half to one and a half times `activities_per_week`, minus those missed on days
    without reading.
    """
    zone = ZoneInfo(reader.timezone)
    free_from = until.astimezone(UTC) - timedelta(weeks=weeks)
    day, last_day = free_from.astimezone(zone).date(), until.astimezone(zone).date()
    per_day = activities_per_week * rng.uniform(0.5, 1.5) / 7
    stride = rng.randint(4, 9)
    lark_or_owl = rng.uniform(-1.0, 1.2)
    position = BookPosition(pick(reader.preferred_language, reader.reading_level, (), rng))
    while day <= last_day:
        if rng.random() < 0.03:
            day += timedelta(days=rng.randint(2, 6))
            continue
        for started_at, size in _day(day, zone, per_day, lark_or_owl, rng):
            if started_at < free_from:
                continue
            session = _session(reader, position, started_at, size, stride, rng)
            if session.ended_at > until:
                return
            yield session
            free_from, position = session.ended_at, session.left_at
        day += timedelta(days=1)


def _day(
    day: date, zone: ZoneInfo, per_day: float, lark_or_owl: float, rng: Random
) -> Iterator[tuple[datetime, int]]:
    weekend = day.weekday() >= 5
    for hour, spread, share in _WEEKEND if weekend else _WEEKDAY:
        expected = per_day * share * (1.3 if weekend else 0.95)
        chance = min(1.0, expected / _USUAL_SESSION)
        if rng.random() >= chance:
            continue
        minutes = 60 * (hour + lark_or_owl + rng.uniform(-spread, spread))
        local = datetime.combine(day, time(), zone) + timedelta(minutes=minutes)
        yield local.astimezone(UTC), max(1, round(expected / chance * rng.uniform(0.5, 1.5)))


def _session(
    reader: SimulatedReader,
    position: BookPosition,
    started_at: datetime,
    size: int,
    stride: int,
    rng: Random,
) -> PastSession:
    now = started_at
    longest = min(240.0, _LONGEST_SESSION_SECONDS / size)
    activities = []
    for _ in range(size):
        seconds = longest * rng.uniform(0.3, 1.0)
        now += timedelta(seconds=seconds)
        position, activity = read_on(reader, position, now, seconds, stride, rng)
        activities.append(activity)
    last_heartbeat = now + timedelta(seconds=rng.uniform(0, 60))
    fell_silent = rng.random() < (0.6 if reader.habit is Habit.FALLS_SILENT else 0.1)
    ended_at = last_heartbeat + (_ENDED_AFTER if fell_silent else timedelta(seconds=5))
    # Everybody sometimes reads on a phone.
    other = reader.device_type != "mobile" and rng.random() < 0.15
    return PastSession(
        started_at=started_at,
        last_heartbeat=last_heartbeat,
        ended_at=ended_at,
        device_type="mobile" if other else reader.device_type,
        user_agent=user_agent("mobile", rng) if other else reader.user_agent,
        activities=tuple(activities),
        left_at=position,
    )
