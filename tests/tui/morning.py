"""A fixed morning for text snapshots: six readers, what they did, and the weeks before."""

from collections.abc import Mapping
from datetime import timedelta

from conftest import NOON, Cast, StillClock
from grouped import put_into
from reading_app import ReadingApp

from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.cases import NewCaseNote, NoteKind
from readwatch.domain.users import User, UserRole
from readwatch.store import case_notes
from readwatch.store.audit.log import log_event
from readwatch.store.engine.connections import Database
from readwatch.store.identity.users import NewUser, add_user

# Minutes before noon, the reader, and the activity.
MORNING = (
    (175, "Ann", "reads", "Moby-Dick", 3),
    (170, "Ann", "reads", "Moby-Dick", 4),
    (168, "Ann", "leaves", "", 0),
    (58, "Zoë", "reads", "Die unendliche Geschichte", 71),
    (44, "Ann", "reads", "Dracula", 40),
    (41, "李明", "reads", "红楼梦", 8),
    (40, "Ann", "reads", "Dracula", 41),
    (31, "Ben", "reads", "The Hobbit, or There and Back Again", 99),
    (30, "Ann", "finishes a chapter of", "Dracula", 42),
    (22, "Zoë", "reads", "Die unendliche Geschichte", 74),
    (16, "Ben", "takes the quiz on", "The Hobbit, or There and Back Again", 100),
    (12, "李明", "reads", "红楼梦", 9),
    (9, "Ben", "is still there", "", 0),
    (6, "Ann", "reads", "Dracula", 44),
    (5, "Ben", "is still there", "", 0),
    (4.2, "Zoë", "is still there", "", 0),
    (2.8, "李明", "is still there", "", 0),
    (2, "Ann", "reads", "Dracula", 45),
    (1, "Ben", "is still there", "", 0),
    (0.2, "Ann", "reads", "Dracula", 46),
)
DOES = {
    "reads": "page_read",
    "finishes a chapter of": "chapter_finished",
    "takes the quiz on": "quiz_completed",
}
DEVICES = {"Ann": "tablet", "Ben": "phone", "Zoë": "e-reader", "李明": "phone"}


def record_morning(db: Database, cast: Cast, clock: StillClock) -> ReadingApp:
    """Record everything until noon; return the app of a reader who has not logged in yet."""
    strangers = [
        _newcomer(db, name)
        for name in ("Zoë Ångström-Müller", "李明", "Absent Abby", "Maximiliane von Hohenstein")
    ]
    people = {user.full_name.split()[0]: user for user in (cast.ann, cast.ben, *strangers)}
    apps = {name: ReadingApp(db, user, clock) for name, user in people.items()}
    for days in (80, 40, 20, 9, 8, 6, 3, 2, 1):
        _an_evening(apps["Ann"], clock, days)
    put_into(db, "4b", *(people[name] for name in ("Ann", "Ben", "Zoë", "李明")))
    put_into(db, "5a", people["Absent"], people["Maximiliane"])
    here: set[str] = set()
    for minutes, name, what, title, progress in MORNING:
        clock.moment = NOON - timedelta(minutes=minutes)
        if name not in here:
            apps[name].logs_in(DEVICES[name])
            here.add(name)
        apps[name].sends_a_heartbeat()
        if what == "leaves":
            apps[name].logs_out()
            here.remove(name)
        elif what in DOES:
            apps[name].reads(
                title,
                progress,
                activity_type=DOES[what],
                metadata={"page": progress * 4, "note": "Look this word up."},
            )
    _log_events(db, cast)
    _add_notes(db, cast, people)
    clock.moment = NOON
    return apps["Absent"]


def _log_events(db: Database, cast: Cast) -> None:
    """Log that Cara logged in, and opened Ann's page several times."""
    profile, from_list = AuditAction.VIEWED_READER_PROFILE, "console, from online"
    for minutes, event in (
        (
            1500,
            AuditEvent(cast.cara.id, AuditAction.FAILED_LOGIN, None, "console: wrong password"),
        ),
        (70, AuditEvent(cast.cara.id, AuditAction.LOGGED_IN, None, "console")),
        (42, AuditEvent(cast.cara.id, profile, cast.ann.id, from_list)),
        (31, AuditEvent(cast.cara.id, profile, cast.ann.id, from_list)),
        (25, AuditEvent(cast.cara.id, profile, cast.ben.id, from_list)),
        (20, AuditEvent(cast.cara.id, profile, cast.ann.id, from_list)),
        (
            12,
            AuditEvent(
                cast.cara.id, AuditAction.EXPORTED_VIEW, None, "console, from online, csv, rows 5"
            ),
        ),
    ):
        log_event(db, event, NOON - timedelta(minutes=minutes))


def _add_notes(db: Database, cast: Cast, people: Mapping[str, User]) -> None:
    """Dora has taken a case and snoozed another one."""
    for minutes, name, kind, text, until in (
        (35, "Ben", NoteKind.NOTE, "Asked for the next volume.", None),
        (3, "Ben", NoteKind.TAKEN, "", None),
        (2, "Zoë", NoteKind.SNOOZED, "Her tablet is being charged.", NOON + timedelta(minutes=50)),
    ):
        reasons = None if until is None else ()
        note = NewCaseNote(people[name].id, kind, text, until, reasons=reasons)
        at = NOON - timedelta(minutes=minutes)
        case_notes.add_note(db, note, at, author_id=cast.dora.id, details="console, from attention")


def _newcomer(db: Database, name: str) -> User:
    email = f"{name.split()[0].lower()}@example.org"
    new = NewUser(
        email=email,
        full_name=name,
        user_role=UserRole.READER,
        password_hash="x",
        reading_level="B1",
        timezone="Europe/Vienna",
    )
    return add_user(db, new, NOON - timedelta(days=30))


def _an_evening(app: ReadingApp, clock: StillClock, days: int) -> None:
    clock.moment = NOON + timedelta(hours=7) - timedelta(days=days)
    app.logs_in("tablet")
    for _ in range(1 + days % 4):
        app.reads("Emma", min(99, 2 * (81 - days)))
        clock.advance(minutes=11)
        app.sends_a_heartbeat()
    app.logs_out()


def add_many_readers(db: Database, clock: StillClock, readers: int = 1000) -> None:
    """Record many readers who are online."""
    with db.atomic():
        for number in range(readers):
            app = ReadingApp(db, _newcomer(db, f"Reader{number:04}"), clock)
            app.reads(f"Volume {number % 37}", number % 101)
