"""What a report says about one week: who read how much and what, and who may need a consultant.

Activities count on the day on which they occurred. An index finds those that arrived since the week
before; the report reads no older ones.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from readwatch.domain.attention import (
    Case,
    Held,
    Reason,
    Thresholds,
    came_back,
    cases,
    failed_quiz,
    no_progress,
)
from readwatch.domain.groups import Group
from readwatch.domain.text import clean
from readwatch.domain.week import (
    DAYS,
    CaseOfWeek,
    ReaderOfWeek,
    Reading,
    TitleOfWeek,
    TitleRead,
    Week,
    WeekReport,
    a_week_earlier,
    totals,
)
from readwatch.store.audit.log import ListAccess, RowAccess
from readwatch.store.engine.bulk import BulkStatement
from readwatch.store.engine.connections import Database
from readwatch.store.engine.statements import Statement
from readwatch.store.engine.times import to_db_time
from readwatch.store.identity import groups
from readwatch.store.lists import attention
from readwatch.store.recording.quizzes import failed_quizzes
from readwatch.store.reports import exports
from readwatch.store.reports.exports import (
    ExportExtent,
    ExportKind,
    Selection,
    first_activity_since,
)

MAX_READERS = 500
MAX_CASES = 100
MAX_PAUSED = 100
MAX_TITLES = 10
TITLES_A_READER = 2


def _of_week(sql: str) -> Statement:
    """Return a statement over the activities from an id on.

    SQLite would group by an index instead, and so read all history.
    """
    return Statement(sql, postgresql=sql.replace(" NOT INDEXED", ""))


_FROM = """
    FROM reader_activities a NOT INDEXED JOIN users u ON u.id = a.user_id
    WHERE a.id >= :first AND a.id <= :last AND u.deleted_at IS NULL AND (
        CAST(:group_id AS BIGINT) IS NULL
        OR a.user_id IN (SELECT user_id FROM reader_group_members WHERE group_id = :group_id)
    )
"""
_IN_WEEK = "a.occurred_at >= :since AND a.occurred_at < :until"
_DAYS = ", ".join(
    f"""
    coalesce(sum(a.duration_seconds) FILTER (
        WHERE a.occurred_at >= :edge_{day} AND a.occurred_at < :edge_{day + 1}
    ), 0) AS day_{day}
    """
    for day in range(2 * DAYS)
)
_READING = _of_week(
    f"""
    SELECT
        a.user_id, count(*) FILTER (WHERE {_IN_WEEK}) AS activities,
        count(*) FILTER (WHERE a.occurred_at < :since) AS activities_before, {_DAYS}
    {_FROM} AND (
        a.occurred_at >= :edge_0 AND a.occurred_at < :until_before OR {_IN_WEEK}
    )
    GROUP BY a.user_id
    """
)
_FINISHED = _of_week(
    f"""
    SELECT count(*) FROM (
        SELECT DISTINCT a.user_id, a.content_id {_FROM} AND {_IN_WEEK}
        AND a.progress_percentage = 100 AND a.content_id IS NOT NULL
    ) AS finished
    """
)
# Not each activity has the title of its content.
_TITLES = _of_week(
    f"""
    SELECT
        coalesce(max(nullif(a.content_title, '')), a.content_id) AS title,
        count(DISTINCT a.user_id) AS readers, sum(coalesce(a.duration_seconds, 0)) AS seconds,
        count(DISTINCT CASE WHEN a.progress_percentage = 100 THEN a.user_id END) AS finished
    {_FROM} AND {_IN_WEEK} AND a.content_id IS NOT NULL
    GROUP BY a.content_id ORDER BY seconds DESC, readers DESC, a.content_id LIMIT :length
    """
)
_TITLES_OF_READERS = BulkStatement(
    {"user_id": "bigint"},
    f"""
    SELECT
        a.user_id, sum(coalesce(a.duration_seconds, 0)) AS seconds,
        coalesce(
            max(nullif(a.content_title, '')),
            (
                SELECT nullif(c.content_title, '') FROM reader_content_progress c
                WHERE c.user_id = a.user_id AND c.content_id = a.content_id
            ),
            a.content_id
        ) AS title,
        min(a.progress_percentage) AS progress_from, max(a.progress_percentage) AS progress_to
    FROM given CROSS JOIN reader_activities a
    WHERE a.user_id = given.user_id AND a.id >= :first AND a.id <= :last AND {_IN_WEEK}
    AND a.content_id IS NOT NULL
    GROUP BY a.user_id, a.content_id ORDER BY a.user_id, seconds DESC, a.content_id
    """,
)
_NAMES = BulkStatement(
    {"user_id": "bigint"},
    """
    SELECT u.id AS user_id, u.full_name, p.reading_level
    FROM given CROSS JOIN users u LEFT JOIN reader_profiles p ON p.user_id = u.id
    WHERE u.id = given.user_id
    """,
)


@dataclass(frozen=True, slots=True)
class WeekExtent:
    """The times of a report: the week up to `until`, and the week before up to the same time.

    `first` is an id before which no activity of both weeks is, and `last` the last id at the start
    of the report: the access log names the readers up to there.
    """

    week: Week
    group: Group | None
    made_at: datetime
    until: datetime
    until_before: datetime
    first: int
    last: int

    @property
    def _edges(self) -> tuple[datetime, ...]:
        return (*self.week.before.starts, *self.week.starts, self.week.end)

    @property
    def selections(self) -> tuple[Selection, Selection]:
        """The activities of the week before and of the week."""
        return (
            self._selection(self._edges[0], self.until_before),
            self._selection(self._edges[DAYS], self.until),
        )

    def _selection(self, since: datetime, until: datetime) -> Selection:
        return Selection(ExportKind.ACTIVITIES, group_id=self._group_id, since=since, until=until)

    @property
    def _group_id(self) -> int | None:
        return None if self.group is None else self.group.id

    @property
    def parameters(self) -> dict[str, object]:
        """The parameters of the statements about the week."""
        return {
            "first": self.first,
            "last": self.last,
            "group_id": self._group_id,
            "since": to_db_time(self._edges[DAYS]),
            "until": to_db_time(self.until),
        }

    @property
    def parameters_before(self) -> dict[str, object]:
        """The same for the week before."""
        since, until = to_db_time(self._edges[0]), to_db_time(self.until_before)
        return {**self.parameters, "since": since, "until": until}

    @property
    def edges(self) -> dict[str, object]:
        """The parameters for the days of both weeks."""
        return {
            **{f"edge_{day}": to_db_time(at) for day, at in enumerate(self._edges)},
            "until_before": to_db_time(self.until_before),
        }


def week_extent(
    db: Database, access: ListAccess, week: Week, group: Group | None, now: datetime
) -> WeekExtent:
    """Return the times of the report about a week that is made at `now`, about the readers who are
    in the group then or about all."""
    until = min(now, week.end)
    of_all = exports.extent(db, access, Selection(ExportKind.ACTIVITIES))
    return WeekExtent(
        week=week,
        group=group,
        made_at=now,
        until=until,
        until_before=min(a_week_earlier(until), week.starts[0]),
        first=first_activity_since(db, week.before.starts[0]),
        last=of_all.last,
    )


def readers_in_report(
    db: Database, access: ListAccess, extent: WeekExtent, of_cases: Iterable[Case]
) -> frozenset[int]:
    """Return the readers of a report, or some of them once they are more than a few."""
    ids = {case.reader_id for case in of_cases}
    up_to = ExportExtent(extent.first, extent.last, pages=0)
    for selection in extent.selections:
        ids |= exports.reader_ids(db, access, selection, up_to)
    return frozenset(ids)


def cases_of_week(
    db: Database, access: ListAccess, extent: WeekExtent, thresholds: Thresholds
) -> tuple[Case, ...]:
    """Return the readers who may need a consultant after the week, the most urgent first.

    They are found by the rules of Attention, as at the end of the report's time: the quizzes that
    failed in the week and were not passed since, those who came back in it, and those without
    progress. Silence and idleness last for minutes, so they are not part of a report.
    """
    since, until = extent.week.starts[0], extent.until
    reasons = {
        (reader_id, reason.rule): Held(reason, until)
        for reader_id, reason in _reasons(db, access, since, until, thresholds)
        if reason is not None
    }
    ids = {reader_id for reader_id, _ in reasons}
    if extent.group is not None:
        ids &= {*groups.member_ids(db, extent.group)}
    active = attention.active_readers(db, access, ids)
    return cases(
        {key: held for key, held in reasons.items() if key[0] in active}, changes={}, resolutions={}
    )


def _reasons(
    db: Database, access: ListAccess, since: datetime, until: datetime, thresholds: Thresholds
) -> Iterator[tuple[int, Reason | None]]:
    if thresholds.failed_within:
        of_week = replace(thresholds, failed_within=until - since)
        for quiz in failed_quizzes(db, access, since, thresholds.pass_score):
            if quiz.occurred_at < until:
                yield quiz.reader_id, failed_quiz(quiz, until, of_week)
    for login in attention.logins(
        db,
        access,
        attention.last_session_id_before(db, since),
        attention.last_session_id_before(db, until),
        until - thresholds.away_for,
    ):
        if since <= login.started_at < until:
            yield login.reader_id, came_back(login, login.started_at, thresholds)
    for reading in attention.unfinished_readings(
        db,
        access,
        until - thresholds.no_progress_for_at_most,
        until - thresholds.no_progress_after,
    ):
        yield reading.reader_id, no_progress(reading, until, thresholds)


def week_report(
    db: Database, access: RowAccess, extent: WeekExtent, of_cases: Sequence[Case]
) -> WeekReport:
    """Return the report; the accesses to its readers' data are logged already."""
    readings = _readings(db, extent)
    read = sorted(
        (it for it in readings if it.has_read), key=lambda it: (-it.seconds, it.reader_id)
    )
    paused = sorted(
        (it for it in readings if not it.has_read),
        key=lambda it: (-it.seconds_before, it.reader_id),
    )
    seconds = [it.seconds for it in read]
    return WeekReport(
        week=extent.week,
        group=None if extent.group is None else extent.group.name,
        made_at=extent.made_at,
        until=extent.until,
        totals=totals(seconds, _FINISHED.scalar(db, **extent.parameters)),
        totals_before=totals(
            (it.seconds_before for it in readings if it.had_read),
            _FINISHED.scalar(db, **extent.parameters_before),
        ),
        seconds_by_day=_by_day(it.seconds_by_day for it in readings),
        seconds_by_day_before=_by_day(it.seconds_by_day_before for it in readings),
        minutes_of_readers=tuple(it // 60 for it in reversed(seconds)),
        cases=_cases(db, access, of_cases[:MAX_CASES], extent),
        other_cases=max(0, len(of_cases) - MAX_CASES),
        readers=_readers(db, read[:MAX_READERS], extent),
        other_readers=max(0, len(read) - MAX_READERS),
        paused=_readers(db, paused[:MAX_PAUSED], extent),
        other_paused=max(0, len(paused) - MAX_PAUSED),
        titles=tuple(
            TitleOfWeek(clean(row.title), row.readers, int(row.seconds), row.finished)
            for row in _TITLES.all(db, length=MAX_TITLES, **extent.parameters)
        ),
    )


def _readings(db: Database, extent: WeekExtent) -> list[Reading]:
    """Return the reading of each reader with an activity in one of both weeks."""
    readings = []
    for row in _READING.iterate(db, **extent.parameters, **extent.edges):
        reader_id, activities, activities_before, *seconds = row
        readings.append(
            Reading(
                reader_id=reader_id,
                seconds_by_day=tuple(map(int, seconds[DAYS:])),
                seconds_by_day_before=tuple(map(int, seconds[:DAYS])),
                has_read=activities > 0,
                had_read=activities_before > 0,
            )
        )
    return readings


def _by_day(readings: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(map(sum, zip(*readings, strict=True))) or (0,) * DAYS


def _readers(
    db: Database, readings: Sequence[Reading], extent: WeekExtent
) -> tuple[ReaderOfWeek, ...]:
    ids = [(reading.reader_id,) for reading in readings]
    names = {row.user_id: row for row in _NAMES.all(db, ids)}
    titles: dict[int, list[TitleRead]] = {}
    for row in _TITLES_OF_READERS.all(db, ids, **extent.parameters):
        titles.setdefault(row.user_id, []).append(
            TitleRead(clean(row.title), int(row.seconds), row.progress_from, row.progress_to)
        )
    return tuple(
        ReaderOfWeek(
            full_name=clean(names[reading.reader_id].full_name),
            reading_level=clean(names[reading.reader_id].reading_level),
            reading=reading,
            titles=tuple(of_reader[:TITLES_A_READER]),
            other_titles=max(0, len(of_reader) - TITLES_A_READER),
        )
        for reading in readings
        if reading.reader_id in names
        for of_reader in (titles.get(reading.reader_id, []),)
    )


def _cases(
    db: Database, access: RowAccess, of_cases: Sequence[Case], extent: WeekExtent
) -> tuple[CaseOfWeek, ...]:
    ids = [case.reader_id for case in of_cases]
    readers = {
        reader.user_id: reader
        for reader in attention.attention_readers(db, access, ids, extent.made_at)
    }
    return tuple(
        CaseOfWeek(
            full_name=reader.full_name,
            reading_level=reader.reading_level,
            reasons=clean(case),
            since=case.since,
            content_title=reader.content_title,
            progress_percentage=reader.progress_percentage,
        )
        for case in of_cases
        if (reader := readers.get(case.reader_id)) is not None
    )
