"""The last quiz of each reader in each content: a rollup of the activities that end a quiz.

The domain reads the result of the quiz from the app's metadata once, and the result is stored.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import peewee
from peewee import EXCLUDED, fn

from readwatch.domain.attention import Quiz, quiz_result
from readwatch.store.audit.log import ListAccess
from readwatch.store.engine.bulk import BulkRow, BulkStatement, insert_given
from readwatch.store.engine.compiled import TRUE, CompiledQuery, Param, is_not_true
from readwatch.store.engine.connections import Database
from readwatch.store.engine.models import ArchivedQuizzes, ReaderQuizzes
from readwatch.store.engine.times import from_db_time, to_db_time

QUIZ_ENDED = "quiz_completed"
"""The type of the activities that end a quiz."""

QuizRow = tuple[int, str, bool | None, float | None, str]
"""A row of `reader_quizzes`: user id, content id, passed, score, and the time of the end."""

_COLUMNS = {
    "user_id": "bigint",
    "content_id": "text",
    "passed": "boolean",
    "score": "double precision",
    "occurred_at": "timestamptz",
}


def _insert(table: Any) -> peewee.ModelInsert:
    return insert_given(table.user, table.content_id, table.passed, table.score, table.occurred_at)


def _upsert(table: Any) -> BulkStatement:
    """Return a statement that replaces earlier quizzes of the same reader and content."""
    return BulkStatement(
        _COLUMNS,
        _insert(table).on_conflict(
            conflict_target=[table.user, table.content_id],
            preserve=[table.passed, table.score, table.occurred_at],
            where=EXCLUDED.occurred_at >= table.occurred_at,
        ),
    )


_ADD_QUIZZES = BulkStatement(_COLUMNS, _insert(ReaderQuizzes))
_UPSERT_QUIZZES = _upsert(ReaderQuizzes)
_ARCHIVE_QUIZZES = _upsert(ArchivedQuizzes)
# The first condition is the condition of the index, which contains all selected columns.
_FAILED = CompiledQuery(
    ReaderQuizzes.select(
        ReaderQuizzes.user,
        ReaderQuizzes.content_id,
        ReaderQuizzes.occurred_at,
        ReaderQuizzes.passed,
        ReaderQuizzes.score,
    )
    .where(
        is_not_true(ReaderQuizzes.passed),
        ReaderQuizzes.occurred_at > Param("since"),
        ~fn.coalesce(ReaderQuizzes.passed, ReaderQuizzes.score >= Param("pass_score"), TRUE),
    )
    .order_by(ReaderQuizzes.occurred_at)
)


def quiz_row(user_id: int, content_id: str | None, metadata: object, occurred_at: str) -> QuizRow:
    """Return the row of an ended quiz; all quizzes without a content share one row."""
    return (user_id, content_id or "", *quiz_result(metadata), occurred_at)


def upsert_quizzes(db: Database, rows: Sequence[BulkRow]) -> None:
    """Store ended quizzes; each replaces the earlier quiz of the same reader and content."""
    _UPSERT_QUIZZES(db, rows)


def archive_quizzes(db: Database, rows: Sequence[BulkRow]) -> None:
    """Store ended quizzes whose activities leave the database."""
    _ARCHIVE_QUIZZES(db, rows)


def add_quizzes(db: Database, rows: Sequence[BulkRow]) -> None:
    """Store quizzes whose reader and content have no quiz yet."""
    _ADD_QUIZZES(db, rows)


def failed_quizzes(
    db: Database, _access: ListAccess, since: datetime, pass_score: int
) -> list[Quiz]:
    """Return the failed quizzes that ended after `since`, the earliest first.

    Only the last quiz in each content is stored, so a quiz that was passed later is not returned.
    """
    return [
        Quiz(
            quiz.user_id,
            quiz.content_id,
            from_db_time(quiz.occurred_at),
            None if quiz.passed is None else bool(quiz.passed),
            quiz.score,
        )
        for quiz in _FAILED.all(db, since=to_db_time(since), pass_score=pass_score)
    ]
