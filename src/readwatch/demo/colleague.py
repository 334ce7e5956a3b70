"""A colleague of the demo's consultant, who has worked on some cases."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from readwatch.domain.arrivals import NO_ARRIVALS
from readwatch.domain.attention import DEFAULT_THRESHOLDS
from readwatch.domain.cases import NewCaseNote, NoteKind
from readwatch.domain.users import UserRole
from readwatch.monitor.attention import Attention
from readwatch.store import case_notes
from readwatch.store.audit.log import list_access
from readwatch.store.engine.connections import connection, open_database
from readwatch.store.engine.privileges import Role
from readwatch.store.identity import users

# Minutes before the start, what was done, the note, and for how long a case is snoozed.
_DONE = (
    (26, NoteKind.TAKEN, "reads with her after lunch", None),
    (19, NoteKind.SNOOZED, "waits for a new tablet", 120),
    (11, NoteKind.NOTE, "would like a shorter book", None),
)


def share_cases(url: str, emails: Sequence[str], now: datetime) -> None:
    """Add the colleague, and a note about each of the first readers who may need somebody."""
    admin, console, log = (
        open_database(url, role) for role in (Role.ADMIN, Role.CONSOLE, Role.ACCESS_LOG)
    )
    with connection(admin):
        with admin.atomic():
            colleague = users.add_user(
                admin,
                users.NewUser(
                    email="carl@example.org",
                    full_name="Carl Colleague",
                    user_role=UserRole.CONSULTANT,
                    password_hash="",  # nobody logs in
                ),
                now,
            )
        readers = [users.find_user(admin, email) for email in emails[: len(_DONE)]]
    attention = Attention(DEFAULT_THRESHOLDS)
    with connection(log), connection(console):
        attention.refresh(console, list_access(console, colleague.id), now, NO_ARRIVALS)
        for reader, (minutes, kind, text, snooze) in zip(readers, _DONE, strict=False):
            until = None if snooze is None else now + timedelta(minutes=snooze)
            case = attention.case_of(reader.id)
            reasons = None if until is None else case.reason_keys if case else ()
            case_notes.add_note(
                log,
                NewCaseNote(reader.id, kind, text, until, reasons=reasons),
                now - timedelta(minutes=minutes),
                author_id=colleague.id,
                details="console, from attention",
            )
    for db in (admin, console, log):
        db.close()
