"""The behaviour of one reader, pure: what they do next, and when.

`begin` puts a reader before their first login. `step` is called when `Reading.due` has come and
gives what the reader does at that moment and the state after it. Nothing here knows about HTTP.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum, StrEnum
from random import Random
from typing import Final, TypeAlias
from uuid import UUID

from readwatch.demo.books import LEVELS, PAGES_PER_CHAPTER, Book, pick
from readwatch.demo.cast import Habit, Person
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
class Place:
    """Where a reader is in their book, and which activities the last page has brought about."""

    book: Book
    page: int = 0
    finished: frozenset[str] = frozenset()
    to_come: tuple[str, ...] = ()
    quiz_attempt: int = 0


class Signal(Enum):
    """What an app says besides activities; falling silent is to say nothing."""

    LOGIN = "login"
    HEARTBEAT = "heartbeat"
    LOGOUT = "logout"


Action: TypeAlias = Signal | Activity


class Phase(StrEnum):
    """What a reader is in the middle of: PAUSED still sends heartbeats, SILENT sends nothing."""

    AWAY = "away"
    READING = "reading"
    PAUSED = "paused"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How lively life is.

    A reader who reads does something every `activity_seconds` on average and turns up to `stride`
    pages. `pace` shortens the phases (at 1 a pause lasts ten minutes); at 0 everybody only reads,
    from login to the end. Heartbeats keep the rhythm that the server asks for.
    """

    activity_seconds: float = 10.0
    pace: float = 1.0
    stride: int = 1


PLAIN: Final = Rhythm(pace=0.0)  # what the seed plans for: the load of the benchmarks
DEMO: Final = Rhythm(pace=4.0, stride=3)


@dataclass(frozen=True, slots=True)
class Manner:
    """What a habit means: seconds of reading at pace 1, what follows it, speed, love of quizzes."""

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
    """One reader at one moment."""

    person: Person
    rhythm: Rhythm
    place: Place
    phase: Phase
    phase_ends_at: datetime
    active_at: datetime
    activity_at: datetime = _NEVER
    heartbeat_at: datetime = _NEVER
    heartbeat_every: timedelta = timedelta(seconds=60)

    @property
    def due(self) -> datetime:
        """The next moment at which the reader does something."""
        return min(self.phase_ends_at, self.activity_at, self.heartbeat_at)

    def told(self, heartbeat_seconds: float, now: datetime) -> "Reading":
        """Take in how often the server wants a heartbeat."""
        every = timedelta(seconds=min(max(0.01, heartbeat_seconds), 86_400))
        if every == self.heartbeat_every or self.heartbeat_at == _NEVER:
            return replace(self, heartbeat_every=every)
        return replace(self, heartbeat_every=every, heartbeat_at=now + every)


def begin(
    person: Person, rhythm: Rhythm, login_at: datetime, rng: Random, place: Place | None = None
) -> Reading:
    """Make a reader who will log in at `login_at` and go on at `place`, or somewhere in a book."""
    return Reading(
        person=person,
        rhythm=rhythm,
        place=place or somewhere(person, rng),
        phase=Phase.AWAY,
        phase_ends_at=login_at,
        active_at=login_at,
    )


def step(reading: Reading, now: datetime, rng: Random) -> tuple[Reading, tuple[Action, ...]]:
    """Tell what the reader does at `now`, and the reader after it; nothing before it is due."""
    if now >= reading.phase_ends_at:
        return _next_phase(reading, now, rng)
    actions: tuple[Action, ...] = ()
    if now >= reading.heartbeat_at:
        reading = replace(reading, heartbeat_at=now + reading.heartbeat_every)
        actions = (Signal.HEARTBEAT,)
    if now >= reading.activity_at:
        seconds = (now - reading.active_at).total_seconds()
        pages = rng.randint(1, reading.rhythm.stride)
        place, activity = read_on(reading.person, reading.place, now, seconds, pages, rng)
        reading = replace(reading, place=place, active_at=now, activity_at=now + _gap(reading, rng))
        actions = (*actions, activity)
    return reading, actions


def _next_phase(reading: Reading, now: datetime, rng: Random) -> tuple[Reading, tuple[Action, ...]]:
    before, after = reading.phase, Phase.READING
    if before is Phase.READING:
        afterwards = MANNERS[reading.person.habit].afterwards
        after = rng.choices(tuple(afterwards), tuple(afterwards.values()))[0]
    actions: tuple[Action, ...] = ()
    if before is Phase.AWAY:
        actions = (Signal.LOGIN,)
    elif after is Phase.AWAY:
        actions = (Signal.LOGOUT,)
    elif before is Phase.SILENT:
        actions = (Signal.HEARTBEAT,)  # the app is back and tries the session it had
    heartbeat_at = reading.heartbeat_at
    if after in (Phase.AWAY, Phase.SILENT):
        heartbeat_at = _NEVER
    elif before in (Phase.AWAY, Phase.SILENT):
        heartbeat_at = now + reading.heartbeat_every
    gap = _gap(reading, rng)
    if before is Phase.AWAY and reading.rhythm.pace:
        gap *= rng.uniform(0.05, 0.5)  # whoever logs in has the book open at once
    reading = replace(
        reading,
        phase=after,
        phase_ends_at=_end_of(after, reading, now, rng),
        active_at=now,
        activity_at=now + gap if after is Phase.READING else _NEVER,
        heartbeat_at=heartbeat_at,
    )
    return reading, actions


def _end_of(phase: Phase, reading: Reading, now: datetime, rng: Random) -> datetime:
    if not reading.rhythm.pace:
        return _NEVER
    mean = _LASTS.get(phase, MANNERS[reading.person.habit].reads_for) / reading.rhythm.pace
    return now + timedelta(seconds=mean * rng.uniform(0.4, 1.6))


def _gap(reading: Reading, rng: Random) -> timedelta:
    # The plain rhythm of a benchmark is the same for everybody: habits change it only in a story.
    manner = MANNERS[reading.person.habit].gap if reading.rhythm.pace else 1.0
    return timedelta(seconds=reading.rhythm.activity_seconds * manner * rng.uniform(0.7, 1.3))


def somewhere(person: Person, rng: Random) -> Place:
    """Pick a place in the first two thirds of a book that suits the person."""
    book = pick(person.preferred_language, person.reading_level, (), rng)
    return Place(book, page=rng.randrange(book.pages * 2 // 3))


def read_on(
    person: Person, place: Place, now: datetime, seconds: float, pages: int, rng: Random
) -> tuple[Place, Activity]:
    """Tell the next activity of a reader: what their last page brought about, else the next pages.

    Progress never falls within a book; after the last page comes another book.
    """
    if place.page >= place.book.pages and not place.to_come:
        finished = place.finished | {place.book.content_id}
        book = pick(person.preferred_language, person.reading_level, finished, rng)
        place = Place(book, finished=finished)
    if place.to_come:
        kind, place = place.to_come[0], replace(place, to_come=place.to_come[1:])
    else:
        kind = rng.choices(("page_read", "bookmark_added", "annotation"), (86, 6, 8))[0]
    metadata: dict[str, object] = {}
    match kind:
        case "page_read":
            place = _turn_pages(person, place, pages, rng)
            words = max(1, round(seconds * _WORDS_PER_MINUTE[person.reading_level] / 60))
            metadata = {"words": words}
        case "annotation":
            metadata = {"note": rng.choice(_NOTES)}
        case "quiz_started":
            place = replace(place, quiz_attempt=place.quiz_attempt + 1)
            metadata = {"attempt": place.quiz_attempt, "questions": 10}
        case "quiz_completed":
            score = 10 * min(10, max(0, round(rng.gauss(7, 2))))  # one of five is not enough
            passed = score >= PASS_MARK
            metadata = {"attempt": place.quiz_attempt, "score": score, "passed": passed}
            if not passed and place.quiz_attempt < 2:
                place = replace(place, to_come=("quiz_started", "quiz_completed"))
    takes_time = kind in ("page_read", "annotation", "quiz_completed")
    activity = Activity(
        activity_type=kind,
        content_id=place.book.content_id,
        content_title=place.book.title,
        progress_percentage=place.page * 100 // place.book.pages,
        duration_seconds=min(MAX_DURATION_SECONDS, max(1, round(seconds))) if takes_time else 0,
        metadata=canonical_json(
            {"page": place.page, "chapter": _chapter(kind, place.page), **metadata}
        ),
        event_id=_event_id(now, rng),
        occurred_at=now,
    )
    return place, activity


def _turn_pages(person: Person, place: Place, pages: int, rng: Random) -> Place:
    page = min(place.page + pages, place.book.pages)
    to_come: tuple[str, ...] = ()
    if page // PAGES_PER_CHAPTER > place.page // PAGES_PER_CHAPTER:
        to_come = ("chapter_finished",)
        if rng.random() < MANNERS[person.habit].quizzes:
            to_come = ("chapter_finished", "quiz_started", "quiz_completed")
    return replace(place, page=page, to_come=to_come, quiz_attempt=0)


def _chapter(kind: str, page: int) -> int:
    # Whoever turned several pages may be in the next chapter already when the last one counts.
    if kind == "chapter_finished" or kind.startswith("quiz_"):
        return page // PAGES_PER_CHAPTER
    return max(0, page - 1) // PAGES_PER_CHAPTER + 1


def _event_id(now: datetime, rng: Random) -> str:
    # UUIDv7: the moment keeps two runs with one seed apart, and the server's index in order.
    milliseconds = int(now.timestamp() * 1000)
    number = milliseconds << 80 | 0x7 << 76 | rng.getrandbits(12) << 64
    return str(UUID(int=number | 0b10 << 62 | rng.getrandbits(62)))
