"""The last quiz of each reader with each content: a rollup of activities that end a quiz.

How it ended is read out of the app's metadata once, by the domain, and kept.
"""

from collections.abc import Sequence
from datetime import datetime

from readwatch.domain.attention import Quiz, quiz_result
from readwatch.store.engine.bulk import BulkStatement, Row
from readwatch.store.engine.connections import Database, Statement, from_db_time, to_db_time

QUIZ_ENDED = "quiz_completed"
"""The type of the activities that end a quiz."""

_COLUMNS = {
    "user_id": "bigint",
    "content_id": "text",
    "passed": "boolean",
    "score": "double precision",
    "occurred_at": "timestamptz",
}
_ADD = """
    INSERT INTO reader_quizzes AS kept (user_id, content_id, passed, score, occurred_at)
    SELECT user_id, content_id, passed, score, occurred_at FROM {rows} AS given WHERE TRUE
"""
_ADD_QUIZZES = BulkStatement(_COLUMNS, _ADD)
_MOVE_QUIZZES = BulkStatement(
    _COLUMNS,
    _ADD
    + """
    ON CONFLICT (user_id, content_id) DO UPDATE SET
        passed = excluded.passed, score = excluded.score, occurred_at = excluded.occurred_at
    WHERE excluded.occurred_at >= kept.occurred_at
    """,
)
# The first condition is that of the index, which has all the columns that are asked for.
_FAILED = Statement(
    """
    SELECT user_id, content_id, occurred_at, passed, score FROM reader_quizzes
    WHERE passed IS NOT TRUE AND occurred_at > :since
    AND NOT coalesce(passed, score >= :pass_score, TRUE)
    ORDER BY occurred_at
    """
)


def quiz_row(user_id: int, content_id: str | None, metadata: object, occurred_at: str) -> Row:
    """Return what is kept of the end of a quiz; a quiz about no content has one place too."""
    return (user_id, content_id or "", *quiz_result(metadata), occurred_at)


def move_quizzes(db: Database, rows: Sequence[Row]) -> None:
    """Keep quizzes that ended in the place of those before them; of one each is the last."""
    _MOVE_QUIZZES(db, rows)


def add_quizzes(db: Database, rows: Sequence[Row]) -> None:
    """Keep quizzes of which nothing is kept yet."""
    _ADD_QUIZZES(db, rows)


def failed_quizzes(db: Database, since: datetime, pass_score: int) -> list[Quiz]:
    """Return the quizzes that ended after a moment and were not passed, the earliest first.

    One that was passed later is not among them: only the last with each content is kept.
    """
    return [
        Quiz(row[0], row[1], from_db_time(row[2]), None if row[3] is None else bool(row[3]), row[4])
        for row in _FAILED(db, since=to_db_time(since), pass_score=pass_score)
    ]
