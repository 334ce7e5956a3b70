"""Activities: what readers did, as the app reports it and as it is stored."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from readwatch.domain.errors import invalid
from readwatch.domain.text import SafeText

TYPE_PATTERN = r"^[a-z][a-z0-9_]*$"
MAX_TYPE_LENGTH = 50
MAX_CONTENT_ID_LENGTH = 255
MAX_TITLE_LENGTH = 500
MAX_EVENT_ID_LENGTH = 64
MAX_DURATION_SECONDS = 86_400
MAX_METADATA_BYTES = 16 * 1024
MAX_BATCH = 500

FUTURE_TOLERANCE = timedelta(hours=24)
"""An activity further in the future is refused: the app's clock is wrong."""

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Activity:
    """One activity as the app reports it; `occurred_at` is by the app's clock.

    `metadata` is JSON text as `canonical_json` returns it.
    """

    activity_type: str
    content_id: str | None = None
    content_title: str | None = None
    progress_percentage: int | None = None
    duration_seconds: int | None = None
    metadata: str | None = None
    event_id: str | None = None
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RecordedActivity:
    """One stored activity: `id` is its position in the feed, `created_at` its arrival."""

    id: int
    user_id: int
    full_name: SafeText
    activity_type: SafeText
    content_id: SafeText
    content_title: SafeText
    progress_percentage: int | None
    duration_seconds: int | None
    metadata_json: SafeText
    occurred_at: datetime
    created_at: datetime


class ActivityStatus(StrEnum):
    """The outcome for one activity of a request."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"  # the event is stored already, with the same content
    CONFLICT = "conflict"  # the event_id is stored already, with other content: not stored again


@dataclass(frozen=True, slots=True)
class ActivityResult:
    """The result of one activity; `id` is the id of the stored activity."""

    status: ActivityStatus
    id: int


@dataclass(frozen=True, slots=True)
class ContentProgress:
    """How far a reader is in one content, the time spent in it, and the result of the last quiz, as
    far as the app reported it."""

    content_id: SafeText
    content_title: SafeText
    progress_percentage: int | None
    total_seconds: int
    first_at: datetime
    last_at: datetime
    quiz_passed: bool | None
    quiz_score: float | None


@dataclass(frozen=True, slots=True)
class MinuteCount:
    """How many activities occurred in one minute."""

    minute: datetime
    activities: int


def corrected_occurred_at(
    activity: Activity, sent_at: datetime | None, arrived_at: datetime
) -> datetime:
    """Return when an activity occurred by the server's clock.

    The app's clock is off by `arrived_at - sent_at`; the function adds that difference
    (https://segment.com/docs/connections/spec/common/#timestamps). A result after the arrival
    counts as the arrival; one more than 24 h ahead is refused.
    """
    if activity.occurred_at is None:
        return arrived_at
    skew = arrived_at - sent_at if sent_at is not None else timedelta(0)
    try:
        occurred_at = activity.occurred_at + skew
    except OverflowError:
        raise invalid("occurred_at is out of range", field="occurred_at") from None
    if occurred_at > arrived_at + FUTURE_TOLERANCE:
        raise invalid("occurred_at is more than 24 h in the future", field="occurred_at")
    if occurred_at < EARLIEST:
        raise invalid("occurred_at is before 1970", field="occurred_at")
    return min(occurred_at, arrived_at)


# Created once: creating an encoder costs more than using it.
_canonical = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
).encode


def fingerprint(activity: Activity) -> bytes:
    """Return the SHA-256 of an activity's content: a retry has the same one."""
    content = (
        activity.activity_type,
        activity.content_id,
        activity.content_title,
        activity.progress_percentage,
        activity.duration_seconds,
        activity.metadata,
        activity.occurred_at.isoformat() if activity.occurred_at else None,
    )
    return hashlib.sha256(_canonical(content).encode()).digest()


def canonical_json(metadata: Mapping[str, object]) -> str:
    """Return metadata as it is stored: compact JSON with sorted keys.

    Numbers that JSON lacks (NaN, infinity) raise ValueError.
    """
    return _canonical(metadata)
