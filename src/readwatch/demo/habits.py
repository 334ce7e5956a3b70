"""The behaviour of one reader as pure functions: the next actions and their times.

`begin` returns a reader before the first login. `step` is called at `Reading.due` and returns the
requests of the app and the next state. This module does not depend on HTTP.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum, StrEnum
from random import Random
from typing import Final, TypeAlias
from uuid import UUID

from readwatch.demo.books import LEVELS, PAGES_PER_CHAPTER, Book, pick
from readwatch.demo.cast import Habit, SimulatedReader
from readwatch.domain.activities import MAX_DURATION_SECONDS, Activity, canonical_json

PASS_MARK: Final = 60
_NEVER: Final = datetime.max.replace(tzinfo=UTC)
_WORDS_PER_MINUTE: Final = dict(zip(LEVELS, (70, 100, 140, 180, 230, 280), strict=True))
_NOTES: Final = (
    "Look this word up.",
    "Why does she stay? Ask on Thursday.",
    "¡Qué frase!",
    "ここが好き。",
    "Вернуться сюда.",
    "هذا جميل",
    "I laughed out loud on the bus 😂",
)


@dataclass(frozen=True, slots=True)
class BookPosition:
    """The position of a reader in a book, and the activities that follow from the last page."""

    book: Book
    page: int = 0
    finished: frozenset[str] = frozenset()
    to_come: tuple[str, ...] = ()
    quiz_attempt: int = 0


class Signal(Enum):
    """Requests of an app other than activities."""

    LOGIN = "login"
    HEARTBEAT = "heartbeat"
    LOGOUT = "logout"


AppRequest: TypeAlias = Signal | Activity
"""What an app sends to the service."""


class Phase(StrEnum):
    """The phase of a reader; PAUSED sends heartbeats, SILENT sends nothing."""

    AWAY = "away"
    READING = "reading"
    PAUSED = "paused"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Rhythm:
    """The frequency of readers' activities and the length of their phases.

    A reader who reads has an activity every `activity_seconds` on average and turns up to `stride`
    pages. `speed` shortens the phases (at 1 a pause lasts ten minutes); at 0 everybody only reads,
    from the login on. The server determines the interval of heartbeats.
    """

    activity_seconds: float = 10.0
    speed: float = 1.0
    stride: int = 1


PLAIN: Final = Rhythm(speed=0.0)  # readers who only read
DEMO: Final = Rhythm(speed=4.0, stride=3)


@dataclass(frozen=True, slots=True)
class Manner:
    """The parameters of a habit: seconds of reading at speed 1, the next phase, the time between
    activities as a factor, and the probability of a quiz after a chapter.
    """

    reads_for: float
    afterwards: Mapping[Phase, int]
    gap: float = 1.0
    quizzes: float = 0.1


MANNERS: Final[Mapping[Habit, Manner]] = {
    Habit.STEADY: Manner(1800, {Phase.PAUSED: 9, Phase.AWAY: 1}),
    Habit.BURSTS: Manner(300, {Phase.PAUSED: 18, Phase.SILENT: 1, Phase.AWAY: 1}, gap=0.35),
    Habit.PAUSES: Manner(500, {Phase.PAUSED: 1}, gap=1.3),
    Habit.FALLS_SILENT: Manner(400, {Phase.SILENT: 4, Phase.PAUSED: 1}),
    Habit.QUIZ_TAKER: Manner(1200, {Phase.PAUSED: 8, Phase.AWAY: 2}, quizzes=0.9),
    Habit.COMES_BACK: Manner(400, {Phase.AWAY: 1}),
}
_LASTS: Final = {Phase.PAUSED: 600.0, Phase.SILENT: 800.0, Phase.AWAY: 800.0}


@dataclass(frozen=True, slots=True)
class Reading:
    """The state of one reader at one time."""

    reader: SimulatedReader
    rhythm: Rhythm
    position: BookPosition
    phase: Phase
    phase_ends_at: datetime
    active_at: datetime
    activity_at: datetime = _NEVER
    heartbeat_at: datetime = _NEVER
    heartbeat_every: timedelta = timedelta(seconds=60)

    @property
    def due(self) -> datetime:
        """The time of the reader's next action."""
        return min(self.phase_ends_at, self.activity_at, self.heartbeat_at)

    def with_heartbeat_interval(self, heartbeat_seconds: float, now: datetime) -> "Reading":
        """Return the reader with the interval of heartbeats from the server."""
        every = timedelta(seconds=min(max(0.01, heartbeat_seconds), 86_400))
        if every == self.heartbeat_every or self.heartbeat_at == _NEVER:
            return replace(self, heartbeat_every=every)
        return replace(self, heartbeat_every=every, heartbeat_at=now + every)


def begin(
    reader: SimulatedReader,
    rhythm: Rhythm,
    login_at: datetime,
    rng: Random,
    position: BookPosition | None = None,
) -> Reading:
    """Return a reader who logs in at `login_at` and continues at `position` or at random."""
    return Reading(
        reader=reader,
        rhythm=rhythm,
        position=position or somewhere(reader, rng),
        phase=Phase.AWAY,
        phase_ends_at=login_at,
        active_at=login_at,
    )


def step(reading: Reading, now: datetime, rng: Random) -> tuple[Reading, tuple[AppRequest, ...]]:
    """Return the reader after `now` and the requests of the app at `now`: none before `due`."""
    if now >= reading.phase_ends_at:
        return _next_phase(reading, now, rng)
    requests: tuple[AppRequest, ...] = ()
    if now >= reading.heartbeat_at:
        reading = replace(reading, heartbeat_at=now + reading.heartbeat_every)
        requests = (Signal.HEARTBEAT,)
    if now >= reading.activity_at:
        seconds = (now - reading.active_at).total_seconds()
        pages = rng.randint(1, reading.rhythm.stride)
        position, activity = read_on(reading.reader, reading.position, now, seconds, pages, rng)
        reading = replace(
            reading, position=position, active_at=now, activity_at=now + _gap(reading, rng)
        )
        requests = (*requests, activity)
    return reading, requests


def _next_phase(
    reading: Reading, now: datetime, rng: Random
) -> tuple[Reading, tuple[AppRequest, ...]]:
    before, after = reading.phase, Phase.READING
    if before is Phase.READING:
        afterwards = MANNERS[reading.reader.habit].afterwards
        after = rng.choices(tuple(afterwards), tuple(afterwards.values()))[0]
    requests: tuple[AppRequest, ...] = ()
    if before is Phase.AWAY:
        requests = (Signal.LOGIN,)
    elif after is Phase.AWAY:
        requests = (Signal.LOGOUT,)
    elif before is Phase.SILENT:
        requests = (Signal.HEARTBEAT,)  # the app sends again, with its old session
    heartbeat_at = reading.heartbeat_at
    if after in (Phase.AWAY, Phase.SILENT):
        heartbeat_at = _NEVER
    elif before in (Phase.AWAY, Phase.SILENT):
        heartbeat_at = now + reading.heartbeat_every
    gap = _gap(reading, rng)
    if before is Phase.AWAY and reading.rhythm.speed:
        gap *= rng.uniform(0.05, 0.5)  # after a login reading starts soon
    reading = replace(
        reading,
        phase=after,
        phase_ends_at=_end_of(after, reading, now, rng),
        active_at=now,
        activity_at=now + gap if after is Phase.READING else _NEVER,
        heartbeat_at=heartbeat_at,
    )
    return reading, requests


def _end_of(phase: Phase, reading: Reading, now: datetime, rng: Random) -> datetime:
    if not reading.rhythm.speed:
        return _NEVER
    mean = _LASTS.get(phase, MANNERS[reading.reader.habit].reads_for) / reading.rhythm.speed
    return now + timedelta(seconds=mean * rng.uniform(0.4, 1.6))


def _gap(reading: Reading, rng: Random) -> timedelta:
    # The plain rhythm is the same for all habits.
    manner = MANNERS[reading.reader.habit].gap if reading.rhythm.speed else 1.0
    return timedelta(seconds=reading.rhythm.activity_seconds * manner * rng.uniform(0.7, 1.3))


def somewhere(reader: SimulatedReader, rng: Random) -> BookPosition:
    """Return a random position in the first two thirds of a suitable book."""
    book = pick(reader.preferred_language, reader.reading_level, (), rng)
    return BookPosition(book, page=rng.randrange(book.pages * 2 // 3))


def read_on(
    reader: SimulatedReader,
    position: BookPosition,
    now: datetime,
    seconds: float,
    pages: int,
    rng: Random,
) -> tuple[BookPosition, Activity]:
    """Return the next activity of a reader: a pending one after the last page, or the next pages.

    Progress never decreases within a book; after the last page the reader begins another book.
    """
    if position.page >= position.book.pages and not position.to_come:
        finished = position.finished | {position.book.content_id}
        book = pick(reader.preferred_language, reader.reading_level, finished, rng)
        position = BookPosition(book, finished=finished)
    if position.to_come:
        kind, position = position.to_come[0], replace(position, to_come=position.to_come[1:])
    else:
        kind = rng.choices(("page_read", "bookmark_added", "annotation"), (86, 6, 8))[0]
    metadata: dict[str, object] = {}
    match kind:
        case "page_read":
            position = _turn_pages(reader, position, pages, rng)
            words = max(1, round(seconds * _WORDS_PER_MINUTE[reader.reading_level] / 60))
            metadata = {"words": words}
        case "annotation":
            metadata = {"note": rng.choice(_NOTES)}
        case "quiz_started":
            position = replace(position, quiz_attempt=position.quiz_attempt + 1)
            metadata = {"attempt": position.quiz_attempt, "questions": 10}
        case "quiz_completed":
            score = 10 * min(10, max(0, round(rng.gauss(7, 2))))  # one of five is not enough
            passed = score >= PASS_MARK
            metadata = {"attempt": position.quiz_attempt, "score": score, "passed": passed}
            if not passed and position.quiz_attempt < 2:
                position = replace(position, to_come=("quiz_started", "quiz_completed"))
    return position, _activity(kind, position, now, seconds, metadata, rng)


def fail_quiz(position: BookPosition, now: datetime, rng: Random) -> Activity:
    """Return a quiz about the chapter at `position` that was not passed, at the first attempt."""
    metadata = {"attempt": 1, "score": rng.choice((20, 30, 40)), "passed": False}
    return _activity("quiz_completed", position, now, rng.uniform(60, 240), metadata, rng)


def _activity(
    kind: str,
    position: BookPosition,
    now: datetime,
    seconds: float,
    metadata: Mapping[str, object],
    rng: Random,
) -> Activity:
    takes_time = kind in ("page_read", "annotation", "quiz_completed")
    return Activity(
        activity_type=kind,
        content_id=position.book.content_id,
        content_title=position.book.title,
        progress_percentage=position.page * 100 // position.book.pages,
        duration_seconds=min(MAX_DURATION_SECONDS, max(1, round(seconds))) if takes_time else 0,
        metadata=canonical_json(
            {"page": position.page, "chapter": _chapter(kind, position.page), **metadata}
        ),
        event_id=_event_id(now, rng),
        occurred_at=now,
    )


def _turn_pages(
    reader: SimulatedReader, position: BookPosition, pages: int, rng: Random
) -> BookPosition:
    page = min(position.page + pages, position.book.pages)
    to_come: tuple[str, ...] = ()
    if page // PAGES_PER_CHAPTER > position.page // PAGES_PER_CHAPTER:
        to_come = ("chapter_finished",)
        if rng.random() < MANNERS[reader.habit].quizzes:
            to_come = ("chapter_finished", "quiz_started", "quiz_completed")
    return replace(position, page=page, to_come=to_come, quiz_attempt=0)


def _chapter(kind: str, page: int) -> int:
    # After several pages a reader may be in the next chapter when the last one is finished.
    if kind == "chapter_finished" or kind.startswith("quiz_"):
        return page // PAGES_PER_CHAPTER
    return max(0, page - 1) // PAGES_PER_CHAPTER + 1


def _event_id(now: datetime, rng: Random) -> str:
    # UUIDv7: the time in the id makes the ids of two runs with one seed differ, and the index of
    # the server grows at its end.
    milliseconds = int(now.timestamp() * 1000)
    number = milliseconds << 80 | 0x7 << 76 | rng.getrandbits(12) << 64
    return str(UUID(int=number | 0b10 << 62 | rng.getrandbits(62)))
