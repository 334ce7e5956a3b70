"""A user is erased: all rows about the user go, all others stay, and none follow later."""

from itertools import islice
from pathlib import Path

import pytest
from conftest import NOON, Cast, StillClock
from grouped import put_into

from readwatch.domain.activities import Activity
from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.cases import NewCaseNote, NoteKind
from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.domain.health import RollupMismatches
from readwatch.store import case_notes
from readwatch.store.audit.log import append_in_transaction, log_event, transaction_on
from readwatch.store.engine.errors import engine_errors
from readwatch.store.engine.privileges import Role
from readwatch.store.identity import invitations, lockout, users
from readwatch.store.identity.resume_tokens import save_resume_token
from readwatch.store.identity.session_cache import SessionCache
from readwatch.store.identity.tokens import hash_token, new_resume_token
from readwatch.store.lifecycle import erasure
from readwatch.store.recording import rebuild
from readwatch.store.recording.activities import record_activities

ANN = "ann@example.org"
TITLE = "The Count of Monte Cristo"
TRACES = ("Ann Archer", ANN, TITLE, "secret note", "ann-event", "10.9.8.7")


def read(activities: int) -> list[Activity]:
    """What Ann read: many pages in one hour."""
    return [
        Activity(
            ("page_read", "quiz_completed")[page % 2],
            content_id=f"{TITLE} {page % 7}",
            content_title=TITLE,
            duration_seconds=30,
            metadata='{"text":"secret note"}',
            event_id=f"ann-event-{page}",
            occurred_at=NOON.replace(minute=page % 60),
        )
        for page in range(activities)
    ]


@pytest.fixture
def about_ann(db, cast: Cast, enter, post, clock):
    """Ann has read more than one chunk erases, and Ben a little at the same time."""
    ann = enter(cast.ann, token="ann's", ip_address="10.9.8.7", user_agent="Ann's tablet")
    with db.atomic():
        save_resume_token(db, ann, new_resume_token(), clock())
        lockout.record_failure(db, ANN, "10.9.8.7", clock())
    post(ann, *read(erasure.CHUNK_ROWS + 100))
    post(
        enter(cast.ben),
        *(Activity("page_read", "momo", event_id=str(page)) for page in range(3)),
        Activity("quiz_completed", "momo"),
    )
    db.execute_sql("INSERT INTO archived_totals (user_id) SELECT user_id FROM reader_sessions")
    for table in ("content_progress", "quizzes"):
        db.execute_sql(f"INSERT INTO archived_{table} SELECT * FROM reader_{table}")
    with db.atomic():
        for user in (cast.ann, cast.ben):
            log = AuditEvent(cast.dora.id, AuditAction.INVITED_USER, user.id)
            append_in_transaction(db, log, clock())
            invitations.add_invitations(db, {user.id: invitations.new_code()}, clock())
            put_into(db, "4b", user)
    for user in (cast.ann, cast.ben):
        note = NewCaseNote(user.id, NoteKind.NOTE, f"phoned {user.full_name}")
        case_notes.add_note(db, note, clock(), author_id=cast.cara.id, details="console")
    return ann


@pytest.fixture
def erase(connected, cast: Cast, clock):
    """`erase()` erases Ann, or only the first `chunks` of her rows."""

    def erase(chunks: int | None = None) -> list[erasure.ErasedChunk]:
        db = connected(Role.ERASURE)
        with db.atomic():
            erasure.close_account(db, cast.ann.id, clock())
            event = AuditEvent(cast.dora.id, AuditAction.ERASED_USER, cast.ann.id)
            append_in_transaction(db, event, clock())
        return list(islice(erasure.erase_chunks(db, cast.ann.id, clock()), chunks))

    return erase


def all_rows(db) -> str:
    """Return all rows of all tables, as text."""
    return "\n".join(
        repr(tuple(row))
        for table in db.get_tables()
        for row in db.execute_sql(f"SELECT * FROM {table}")
    )


def mismatches(db) -> RollupMismatches:
    """Return how far the rollups differ from the activities."""
    return sum((chunk.compare(db) for chunk in rebuild.chunks(db)), RollupMismatches())


def test_all_rows_about_the_user_are_erased_and_all_others_stay(db, cast: Cast, about_ann, erase):
    before = erasure.rows_about(db, cast.ann.id, ANN)
    assert before == {
        "reader_activities": 600,
        "activity_receipts": 600,
        "reader_content_progress": 7,
        "reader_quizzes": 7,
        "reader_hours": 1,
        "archived_totals": 1,
        "archived_content_progress": 7,
        "archived_quizzes": 7,
        "resume_tokens": 1,
        "invitations": 1,
        "reader_sessions": 1,
        "staff_sessions": 0,
        "reader_profiles": 1,
        "reader_group_members": 1,
        "consultant_groups": 0,
        "case_notes": 1,
        "failed_logins": 2,
        "users": 1,
    }
    bens = erasure.rows_about(db, cast.ben.id, cast.ben.email)
    assert all(trace in all_rows(db) for trace in TRACES)

    erased = erase()

    assert sum(chunk.rows for chunk in erased if chunk.table == "reader_activities") == 600
    assert max(chunk.rows for chunk in erased) == erasure.CHUNK_ROWS
    assert set(erasure.rows_about(db, cast.ann.id, ANN).values()) == {0}
    assert [trace for trace in TRACES if trace in all_rows(db)] == []
    assert erasure.rows_about(db, cast.ben.id, cast.ben.email) == bens
    counts = db.execute_sql("SELECT activity_type, activities FROM activity_counts ORDER BY 1")
    assert [tuple(row) for row in counts] == [("page_read", 3), ("quiz_completed", 1)]
    assert not mismatches(db)


def test_an_erasure_that_was_interrupted_continues_later(db, cast: Cast, about_ann, erase):
    erase(chunks=1)
    half = erasure.rows_about(db, cast.ann.id, ANN)
    assert (half["reader_activities"], half["users"]) == (100, 1)
    counted = db.execute_sql("SELECT sum(activities) FROM activity_counts").fetchone()[0]
    assert counted == 100 + 4, "the counts are lowered with the activities"

    erase()
    assert set(erasure.rows_about(db, cast.ann.id, ANN).values()) == {0}
    assert erase() == []


def test_a_request_that_was_authenticated_before_writes_no_row_afterwards(
    db, cast: Cast, about_ann, erase, clock
):
    erase()
    with pytest.raises(Exception, match=r"(?i)foreign.?key"), engine_errors(), db.atomic():
        record_activities(db, about_ann, read(1), clock())
    with pytest.raises(ReadwatchError) as refused:
        users.require_unchanged(db, cast.ann)  # as a login does before it opens a session
    assert refused.value.kind is ErrorKind.UNAUTHENTICATED
    assert set(erasure.rows_about(db, cast.ann.id, ANN).values()) == {0}


def test_a_session_cache_refuses_the_token_although_no_session_is_left(
    connected, about_ann, erase, clock: StillClock
):
    ingest = connected(Role.INGEST)
    session_cache = SessionCache(ingest, transaction_on(ingest))
    assert session_cache.find(hash_token("ann's"), clock()) == about_ann
    clock.advance(hours=5)
    erase()
    assert session_cache.find(hash_token("ann's"), clock.advance(seconds=3)) is None


def test_the_unused_space_of_the_files_has_no_trace_of_the_user(
    db, connected, engine: str, about_ann, erase
):
    if engine == "postgresql":
        db.execute_sql("ANALYZE")
        assert ANN in samples(db)
        erase()
        assert erasure.clear_unused_space(db) is None
        assert [trace for trace in TRACES if trace in samples(db)] == []
        return
    erase()
    for each in connected.opened.values():
        each.execute_sql("SELECT count(*) FROM users").fetchone()  # the connections stay open
    assert ANN in in_files(db.database)
    assert erasure.clear_unused_space(db) is None
    assert [trace for trace in TRACES if trace in in_files(db.database)] == []


def samples(db) -> str:
    """Return the samples of values from which PostgreSQL plans."""
    rows = db.execute_sql("SELECT most_common_vals::text, histogram_bounds::text FROM pg_stats")
    return repr(rows.fetchall())


def in_files(path: str) -> str:
    """Return all bytes of a SQLite database and its WAL, as text."""
    return "".join(Path(f"{path}{end}").read_bytes().decode("latin-1") for end in ("", "-wal"))


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_an_open_read_transaction_is_reported_as_the_reason_for_a_wal_that_stays(
    url: str, db, opened, about_ann, erase, monkeypatch
):
    monkeypatch.setattr("readwatch.store.engine.sqlite.BUSY_TIMEOUT_SECONDS", 0)
    reader = opened(url, Role.CONSOLE)
    reader.connect()
    with reader.atomic("DEFERRED"):
        reader.execute_sql("SELECT count(*) FROM users").fetchone()
        erase()
        assert "still reads" in (erasure.clear_unused_space(db) or "")
    assert erasure.clear_unused_space(db) is None


def test_the_last_active_admin_cannot_be_erased(db, cast: Cast, clock):
    with pytest.raises(ReadwatchError, match="last active admin"), db.atomic():
        erasure.close_account(db, cast.dora.id, clock())


def test_entries_of_the_access_log_that_name_the_user_are_counted(db, cast: Cast, clock):
    assert erasure.named_in_access_log(db, cast.ann.id) == 0
    log_event(
        db, AuditEvent(cast.cara.id, AuditAction.LISTED_USERS, details="filter ann ARCHER"), clock()
    )
    assert erasure.named_in_access_log(db, cast.ann.id) == 1
