"""Whoever gets an answer has their rows on disk, and nobody pays for a neighbour's mistake."""

import os
import shutil
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Event, Thread
from typing import Any

import apsw
import peewee
import pytest

from readwatch.domain.activities import Activity, ActivityStatus
from readwatch.domain.errors import ErrorKind, ReadwatchError, conflict, unavailable
from readwatch.domain.sessions import Principal
from readwatch.domain.users import UserRole
from readwatch.store.engine import sqlite
from readwatch.store.engine.connections import Database, connection
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.statements import Statement
from readwatch.store.engine.times import from_db_time
from readwatch.store.recording import writer as writing
from readwatch.store.recording.activities import ActivityBatch
from readwatch.store.recording.writer import Backlog, CommitStats, Write, Writer

LONG = 30  # seconds: who waits longer waits for ever

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

NOTE = Statement(
    "INSERT INTO failed_logins (subject, failures, last_failed_at) "
    "VALUES (:subject, 1, '2026-11-22 12:00:00.000')"
)


def note(subject: str) -> Write[str]:
    """A small write whose row is easy to find."""

    def write(db: Database) -> str:
        NOTE(db, subject=subject)
        return f"noted {subject}"

    return write


def in_background(work: Callable[..., object], *arguments: object) -> Future[Any]:
    """Run something in a thread of its own; if it hangs, only its answer is missing."""
    answer: Future[Any] = Future()

    def settle() -> None:
        try:
            answer.set_result(work(*arguments))
        except Exception as error:  # noqa: BLE001 - for the one who asks for the answer
            answer.set_exception(error)

    Thread(target=settle, daemon=True).start()
    return answer


def refusal_of(answer: Future[Any]) -> str:
    error = answer.exception(timeout=LONG)
    assert isinstance(error, ReadwatchError)
    return error.message


@pytest.fixture
def writer(opened, url):
    writer = Writer(opened(url, Role.INGEST))
    yield writer
    in_background(writer.close).result(timeout=LONG)


@pytest.fixture
def noted(connected) -> Callable[[], set[str]]:
    """`noted()` is what another connection sees."""

    def noted() -> set[str]:
        rows = connected(Role.OWNER).execute_sql("SELECT subject FROM failed_logins").fetchall()
        return {subject for (subject,) in rows}

    return noted


def until(holds: Callable[[], bool]) -> None:
    """Let the other threads work until something holds."""
    deadline = time.monotonic() + LONG
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.001)


@contextmanager
def busy(writer: Writer):
    """Keep the writer thread busy; yield a function that submits a write during that.

    What is handed in waits, in order, and is then written and committed together.
    """
    began, go_on = Event(), Event()
    handed_in: list[Future[Any]] = []

    def hand_in(write: Write[object]) -> Future[Any]:
        handed_in.append(in_background(writer.run, write))
        while writer._waiting.qsize() < len(handed_in):
            assert not handed_in[-1].done()
            time.sleep(0)  # lets the other thread go first
        return handed_in[-1]

    def wait(_: Database) -> None:
        began.set()
        go_on.wait()

    in_background(writer.run, wait)
    began.wait()
    try:
        yield hand_in
    finally:
        go_on.set()


def in_one_group(writer: Writer, *writes: Write[object]) -> list[Any]:
    """Run writes that share a commit; return what each got, its result or its error."""
    with busy(writer) as hand_in:
        answers = [hand_in(write) for write in writes]
    return [answer.exception(timeout=LONG) or answer.result() for answer in answers]


# Both engines -----------------------------------------------------------------------------------


def test_the_answer_comes_after_the_commit(writer, noted):
    assert writer.run(note("a")) == "noted a"
    assert noted() == {"a"}


def test_when_the_database_is_not_to_be_had_the_others_do_not_wait_for_it_one_by_one(writer, noted):
    tried = []

    def wait_in_vain(db: Database) -> None:
        tried.append(db)
        raise unavailable("the database is busy; try again")

    answers = in_one_group(writer, note("a"), wait_in_vain, wait_in_vain)

    assert len(tried) == 1
    assert {answer.kind for answer in answers} == {ErrorKind.UNAVAILABLE}
    assert noted() == set()


def test_a_write_that_fails_is_undone_and_its_error_is_the_callers(writer, noted):
    def contradict(db: Database) -> None:
        note("a")(db)
        raise conflict("this contradicts itself", field="all")

    with pytest.raises(ReadwatchError) as failure:
        writer.run(contradict)
    assert (failure.value.kind, failure.value.field) == (ErrorKind.CONFLICT, "all")
    assert writer.run(note("b")) == "noted b"
    assert noted() == {"b"}


def test_everybody_gets_the_own_answer(writer, noted):
    with ThreadPoolExecutor(40) as threads:
        answers = list(threads.map(lambda n: writer.run(note(str(n))), range(40)))
    assert answers == [f"noted {n}" for n in range(40)]
    assert noted() == {str(n) for n in range(40)}


def test_fifty_retries_at_once_make_one_row(writer, db, cast, clock, enter):
    ann, start = enter(cast.ann), Barrier(50)
    page = Activity("page_read", "hobbit", duration_seconds=60, event_id="page 7")

    def send(_: int):
        start.wait()
        (receipt,) = writer.record(ActivityBatch(ann, (page,), clock()))
        return receipt

    with ThreadPoolExecutor(50) as threads:
        receipts = list(threads.map(send, range(50)))
    assert sorted(receipt.status for receipt in receipts) == [
        ActivityStatus.ACCEPTED,
        *[ActivityStatus.DUPLICATE] * 49,
    ]
    rows = db.execute_sql("SELECT id, duration_seconds FROM reader_activities").fetchall()
    assert rows == [(receipts[0].id, 60)]
    assert {receipt.id for receipt in receipts} == {receipts[0].id}
    total = db.execute_sql("SELECT sum(total_reading_seconds) FROM reader_profiles").fetchone()
    assert total == (60,)


def test_a_post_that_cannot_be_kept_leaves_the_posts_beside_it_alone(writer, cast, clock, enter):
    ann, nobody = enter(cast.ann), Principal(4711, UserRole.READER, 4711)
    page = Activity("page_read", "hobbit")
    with busy(writer):
        posts = [ActivityBatch(ann, (page,), clock()), ActivityBatch(nobody, (page,), clock())]
        answers = [in_background(writer.record, post) for post in posts * 2]
    kept = [answer.exception(timeout=LONG) is None for answer in answers]
    assert kept == [True, False, True, False]


def test_readers_who_do_the_same_things_in_another_order_do_not_lock_each_other_out(
    writer, db, cast, clock, enter
):
    kinds = [f"kind_{n}" for n in range(12)]
    orders = {enter(cast.ann): kinds, enter(cast.ben): kinds[::-1]}
    start = Barrier(len(orders))

    def send(caller: Principal) -> None:
        batch = tuple(Activity(kind, f"book {kind}") for kind in orders[caller])
        start.wait()
        for _ in range(20):
            writer.record(ActivityBatch(caller, batch, clock()))

    with ThreadPoolExecutor(len(orders)) as threads:
        list(threads.map(send, orders))
    counts = db.execute_sql("SELECT activity_type, activities FROM activity_counts").fetchall()
    assert sorted(counts) == sorted((kind, 40) for kind in kinds)


def test_it_tells_what_each_commit_kept(opened, url, cast, clock, enter):
    commits: list[CommitStats] = []
    writer = Writer(opened(url, Role.INGEST), commits.append)
    ann, page = enter(cast.ann), Activity("page_read", "hobbit")
    writer.record(ActivityBatch(ann, (page,) * 7, clock()))
    writer.heartbeat(ann, clock.advance(seconds=10))
    writer.close()
    assert [(commit.requests, commit.rows) for commit in commits] == [(1, 7), (0, 1)]
    assert all(commit.seconds > 0 for commit in commits)


def test_a_commit_has_a_limited_number_of_rows(opened, url, cast, clock, enter, monkeypatch):
    monkeypatch.setattr(writing, "MAX_GROUP_ROWS", 3)
    commits: list[CommitStats] = []
    writer = Writer(opened(url, Role.INGEST), commits.append)
    two_pages = ActivityBatch(enter(cast.ann), (Activity("page_read", "hobbit"),) * 2, clock())
    with busy(writer):
        posts = [in_background(writer.record, two_pages) for _ in range(3)]
        until(lambda: writer.backlog().waiting == len(posts))
    assert [len(post.result(timeout=LONG)) for post in posts] == [2, 2, 2]
    writer.close()
    assert [commit.rows for commit in commits if commit.requests] == [1, 4, 2]


def test_who_waits_too_long_is_refused_and_nothing_of_it_is_written(writer, noted, monkeypatch):
    with busy(writer) as hand_in:
        patient = hand_in(note("patient"))
        monkeypatch.setattr(writing, "WRITE_TIMEOUT_SECONDS", 0.1)
        others = [in_background(writer.run, note(str(n))) for n in range(3)]
        refusals = [refusal_of(other) for other in others]
        until(lambda: writer.backlog().stuck_seconds > 0.1)
        refusals.append(refusal_of(in_background(writer.run, note("late"))))
    assert all("try again" in refusal for refusal in refusals)
    assert refusals[-1] == "the database cannot be written; try again"
    assert patient.result(timeout=LONG) == "noted patient"
    assert noted() == {"patient"}


def test_a_request_waits_for_longer_while_commits_succeed(writer, noted, monkeypatch):
    looks: list[float] = []

    def clock() -> float:
        """Stand still, so that the last commit was just now."""
        looks.append(writer._stuck_since)
        return looks[-1]

    with busy(writer) as hand_in, monkeypatch.context() as patched:
        patched.setattr(writing, "monotonic", clock)
        patched.setattr(writing, "WRITE_TIMEOUT_SECONDS", 0.01)
        answer = hand_in(note("a"))
        until(lambda: len(looks) > 10)
        assert not answer.done()
    assert answer.result(timeout=LONG) == "noted a"
    assert noted() == {"a"}


def test_the_outcome_of_a_write_that_has_begun_is_awaited_for_a_limited_time(
    writer, noted, monkeypatch
):
    monkeypatch.setattr(writing, "WRITE_TIMEOUT_SECONDS", 0.1)
    monkeypatch.setattr(writing, "OUTCOME_TIMEOUT_SECONDS", 0.1)
    began, go_on = Event(), Event()

    def write_slowly(db: Database) -> None:
        note("slow")(db)
        began.set()
        go_on.wait(LONG)

    answer = in_background(writer.run, write_slowly)
    assert began.wait(LONG)
    assert refusal_of(answer) == "the database has not confirmed the write; try again"
    go_on.set()
    writer.close()
    assert noted() == {"slow"}, "as when the answer of a commit is lost"


# Heartbeats ---------------------------------------------------------------------------------------


def test_a_heartbeat_is_on_disk_when_the_writer_has_closed_and_the_last_one_wins(
    writer, db, cast, clock, enter
):
    ann, ben = enter(cast.ann), enter(cast.ben)
    for seconds in (10, 20):
        writer.heartbeat(ann, clock.advance(seconds=seconds))
    writer.close()
    heard = db.execute_sql("SELECT last_heartbeat FROM reader_sessions ORDER BY id").fetchall()
    assert [from_db_time(row[0]) for row in heard] == [clock(), clock() - timedelta(seconds=30)]
    assert ben.session_id > ann.session_id


# Group commit -----------------------------------------------------------------------------------


def test_a_failing_write_does_not_affect_the_others_of_its_group(writer, noted):
    def fail(db: Database) -> None:
        note("half")(db)
        raise LookupError("a mistake in the middle")

    answers = in_one_group(writer, note("a"), fail, note("b"), note("a"), note("c"))
    assert [answers[0], answers[2], answers[4]] == ["noted a", "noted b", "noted c"]
    assert isinstance(answers[1], LookupError)
    assert isinstance(answers[3], peewee.IntegrityError)
    assert noted() == {"a", "b", "c"}


@on_sqlite
def test_a_group_is_not_seen_before_it_is_whole(writer, opened, url):
    def seen(_: Database) -> int:
        with connection(opened(url, Role.CONSOLE)) as console:
            (count,) = console.execute_sql("SELECT count(*) FROM activity_counts").fetchone()
            console.close()
        return count

    count = Statement(
        "INSERT INTO activity_counts VALUES ('2026-11-22 12:00:00.000', :activity_type, 1)"
    )
    before, after = (lambda db, name=name: count(db, activity_type=name) for name in ("a", "b"))
    answers = in_one_group(writer, before, seen, after)
    assert answers[1] == 0
    assert writer.run(seen) == 2


# The wrong database ------------------------------------------------------------------------------


@pytest.fixture
def errors() -> list[ReadwatchError | None]:
    """What the writer reports."""
    return []


@pytest.fixture
def watched(opened, url, errors, monkeypatch):
    """A writer that looks at its database many times a second."""
    monkeypatch.setattr(writing, "HEARTBEAT_FLUSH_SECONDS", 0.01)
    writer = Writer(opened(url, Role.INGEST), on_error=errors.append)
    yield writer
    in_background(writer.close).result(timeout=LONG)


@on_sqlite
def test_a_writer_without_its_file_reports_it_once_even_without_work_and_when_it_is_back(
    watched, url, errors, noted
):
    file = sqlite.sqlite_path(url)
    assert watched.run(note("a")) == "noted a"
    away = file.rename(file.with_name("away"))
    until(lambda: errors != [])
    refusal = refusal_of(in_background(watched.run, note("lost")))
    assert "was removed or replaced" in refusal
    assert [error.kind for error in errors] == [ErrorKind.MISCONFIGURED]
    away.rename(file)
    until(lambda: errors[-1] is None)
    assert len(errors) == 2
    assert watched.run(note("b")) == "noted b"
    assert noted() == {"a", "b"}


@on_sqlite
def test_a_file_that_was_moved_without_its_wal_has_all_rows_and_the_other_file_none_of_them(
    watched, url, errors, tmp_path
):
    file = sqlite.sqlite_path(url)
    other = shutil.copy(file, tmp_path / "other")
    for subject in "abc":
        watched.run(note(subject))
    moved = file.rename(tmp_path / "moved")
    os.replace(other, file)
    until(lambda: errors != [])
    watched.close()

    def subjects(path: Path) -> set[str]:
        with closing(apsw.Connection(str(path))) as connection:
            assert connection.pragma("integrity_check") == "ok"
            return {
                subject for (subject,) in connection.execute("SELECT subject FROM failed_logins")
            }

    assert subjects(moved) == {"a", "b", "c"}
    assert subjects(file) == set()


def test_after_an_upgrade_by_a_newer_program_nothing_is_written(watched, db, errors, noted):
    watched.run(note("a"))
    db.execute_sql(
        "INSERT INTO schema_history (number, name, checksum)"
        " VALUES ((SELECT max(number) + 1 FROM schema_history), 'future', 'x')"
    )
    refusal = refusal_of(in_background(watched.run, note("b")))
    assert "upgrade readwatch" in refusal
    assert [error.message for error in errors] == [refusal]
    assert noted() == {"a"}


# Closing ----------------------------------------------------------------------------------------


def test_closing_finishes_what_waits(writer, noted):
    with busy(writer) as hand_in:
        answers = [hand_in(note(str(n))) for n in range(10)]
        closing = in_background(writer.close)
    closing.result(timeout=LONG)
    assert [answer.result() for answer in answers] == [f"noted {n}" for n in range(10)]
    assert noted() == {str(n) for n in range(10)}


def test_after_closing_nothing_is_accepted_and_closing_again_is_harmless(
    writer, noted, cast, clock, enter
):
    writer.close()
    late = in_background(writer.run, note("late"))
    with pytest.raises(ReadwatchError) as refusal:
        late.result(timeout=LONG)
    assert refusal.value.kind is ErrorKind.UNAVAILABLE
    with pytest.raises(ReadwatchError, match="stopping"):
        writer.heartbeat(enter(cast.ann), clock())
    writer.close()
    assert noted() == set()


def test_nobody_waits_for_ever_who_comes_while_it_closes(writer, noted):
    start = Barrier(21)

    def come(n: int) -> str | None:
        start.wait()
        try:
            writer.run(note(str(n)))
        except ReadwatchError:
            return None
        return str(n)

    answers = [in_background(come, n) for n in range(20)]
    start.wait()
    writer.close()
    answered = {answer.result(timeout=LONG) for answer in answers}
    assert noted() == answered - {None}


@on_sqlite
def test_closing_moves_the_wal_into_the_file_also_while_others_look(writer, url, noted):
    writer.run(note("a"))
    assert noted() == {"a"}
    writer.close()
    assert sqlite.sqlite_path(f"{url}-wal").stat().st_size == 0


# When SQLite cannot ------------------------------------------------------------------------------


@on_sqlite
def test_when_sqlite_rolls_everything_back_every_request_fails_and_later_ones_succeed(
    opened, url, noted
):
    writer = Writer(opened(url, Role.OWNER))

    def limit(pages: int) -> None:
        writer.run(lambda db: db.execute_sql(f"PRAGMA max_page_count = {pages}").fetchall())

    def fill_the_disk(db: Database) -> None:
        db.execute_sql("INSERT INTO failed_logins VALUES (hex(zeroblob(400000)), 1, 'now')")

    limit(60)
    answers = in_one_group(writer, note("a"), fill_the_disk, note("b"))
    assert [getattr(answer, "kind", answer) for answer in answers] == [ErrorKind.UNAVAILABLE] * 3
    assert noted() == set()
    limit(1_000_000)
    assert writer.run(note("c")) == "noted c"
    assert noted() == {"c"}
    writer.close()


@on_sqlite
def test_while_the_database_is_locked_writes_are_refused_whole(
    opened, connected, url, noted, monkeypatch
):
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_SECONDS", 0.01)
    writer = Writer(opened(url, Role.INGEST))
    writer.run(note("a"))
    with connected(Role.OWNER).atomic(), pytest.raises(ReadwatchError) as refusal:
        writer.run(note("b"))
    assert (refusal.value.kind, "busy" in refusal.value.message) == (ErrorKind.UNAVAILABLE, True)
    assert noted() == {"a"}
    assert writer.run(note("b")) == "noted b"
    writer.close()


@on_sqlite
def test_while_the_database_is_locked_heartbeats_wait_and_the_backlog_tells_it(
    opened, connected, db, cast, clock, enter, url, monkeypatch
):
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_SECONDS", 0.01)
    monkeypatch.setattr(writing, "HEARTBEAT_FLUSH_SECONDS", 0.01)
    ann = enter(cast.ann)
    writer = Writer(opened(url, Role.INGEST))
    with connected(Role.OWNER).atomic():
        writer.heartbeat(ann, clock.advance(seconds=10))
        until(lambda: writer.backlog().last_error is not None)
        stuck = writer.backlog()
        assert (stuck.waiting, stuck.stuck_seconds > 0, "busy" in str(stuck.last_error)) == (
            0,
            True,
            True,
        )
        until(lambda: 0 < writer.backlog().busy <= 1)
    until(lambda: replace(writer.backlog(), busy=0.0) == Backlog(0, 0.0, 0.0, None, 0.0))
    writer.close()
    assert (
        from_db_time(db.execute_sql("SELECT last_heartbeat FROM reader_sessions").fetchone()[0])
        == clock()
    )
