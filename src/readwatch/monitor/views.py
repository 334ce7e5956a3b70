"""The sorts, filterable fields and queries of each view, as data."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Generic, TypeVar

from readwatch.domain.activities import RecordedActivity
from readwatch.domain.attention import DEFAULT_THRESHOLDS
from readwatch.monitor.attention import Attention, AttentionItem
from readwatch.monitor.snapshots import View
from readwatch.store.audit.log import ListAccess
from readwatch.store.engine.connections import Database
from readwatch.store.lists import access_log, attention, feed, online, readers
from readwatch.store.lists.access_log import AccessLogRow
from readwatch.store.lists.filter_sql import FilterableFields
from readwatch.store.lists.online import TracedReader
from readwatch.store.lists.query import ListQuery, ResultIds
from readwatch.store.lists.readers import ReaderSummary

ItemT = TypeVar("ItemT")


@dataclass(frozen=True, slots=True)
class Sort:
    """A column to sort by, and its first direction.

    With `newest_first` new rows appear at the top in that direction, and the cursor stays on the
    first row.
    """

    column: str
    descending: bool = False
    newest_first: bool = False


def fields_of(item: Any, _now: datetime) -> dict[str, object]:
    """Return the fields of an item, by the names of the database columns."""
    return {field.name: getattr(item, field.name) for field in fields(item)}


@dataclass(frozen=True, slots=True)
class ViewQueries(Generic[ItemT]):
    """The queries of a view: `ids` returns the order of all items, `items` reads some of them.

    The first sort is the default. A view with `pages` has no end: its order is read up to a
    length, and `pages` is the noun for its items. `record` returns the JSON of an item.
    """

    sorts: tuple[Sort, ...]
    fields: FilterableFields
    ids: Callable[[Database, ListAccess, ListQuery, datetime], ResultIds]
    items: Callable[[Database, ListAccess, Sequence[int], datetime], tuple[ItemT, ...]]
    pages: str = ""
    record: Callable[[ItemT, datetime], Mapping[str, object]] = fields_of

    def first_query(self, *, masked: bool = False) -> ListQuery:
        """Return the first query of the view."""
        return ListQuery(self.sorts[0].column, self.sorts[0].descending, masked=masked)

    def sort_by(self, column: str) -> Sort | None:
        """Return the sort by a column, or None."""
        return next((sort for sort in self.sorts if sort.column == column), None)

    def follows_top(self, query: ListQuery) -> bool:
        """Tell whether new rows appear at the top."""
        sort = self.sort_by(query.sort)
        return bool(sort and sort.newest_first and sort.descending == query.descending)


def view_queries(attention: Attention, *, with_access_log: bool) -> Mapping[View, ViewQueries[Any]]:
    """Return the queries of all views: Attention shows the last cases of `attention`; without
    `with_access_log` the access log is empty.
    """
    cases = replace(_ATTENTION, ids=attention.ids, items=attention.items)
    entries = _ACCESS_LOG if with_access_log else _EMPTY_ACCESS_LOG
    return {**VIEW_QUERIES, View.ATTENTION: cases, View.ACCESS_LOG: entries}


# Online.


def _online_record(reader: TracedReader, now: datetime) -> dict[str, object]:
    return {**fields_of(reader, now), "presence": reader.presence_at(now)}


_ONLINE: ViewQueries[TracedReader] = ViewQueries(
    sorts=(
        Sort("full_name"),
        Sort("content_title"),
        Sort("progress_percentage", descending=True),
        Sort("activity_type"),
        Sort("idle_since", newest_first=True),
        Sort("started_at", descending=True),
        Sort("reading_level"),
        Sort("device_type"),
        Sort("presence"),
    ),
    fields=online.FILTERABLE_FIELDS,
    ids=online.online_ids,
    items=online.online_rows,
    record=_online_record,
)

# Activity.


def _activity_record(activity: RecordedActivity, now: datetime) -> dict[str, object]:
    """Return an activity without its metadata, which only the reader's page shows."""
    record = fields_of(activity, now)
    del record["metadata_json"]
    return record


_ACTIVITY: ViewQueries[RecordedActivity] = ViewQueries(
    sorts=(
        Sort("created_at", descending=True, newest_first=True),
        Sort("full_name"),
        Sort("activity_type"),
        Sort("content_title"),
        Sort("progress_percentage", descending=True),
        Sort("duration_seconds", descending=True),
    ),
    fields=feed.FILTERABLE_FIELDS,
    ids=feed.activity_ids,
    items=feed.activity_rows,
    pages="activities",
    record=_activity_record,
)

# Readers.

_READERS: ViewQueries[ReaderSummary] = ViewQueries(
    sorts=(
        Sort("last_login", newest_first=True),
        Sort("last_activity_at", newest_first=True),
        Sort("full_name"),
        Sort("reading_level"),
        Sort("total_reading_time_minutes", descending=True),
        Sort("total_sessions", descending=True),
        Sort("unique_content_read", descending=True),
    ),
    fields=readers.FILTERABLE_FIELDS,
    ids=readers.reader_ids,
    items=readers.reader_rows,
)

# Attention.


def _attention_record(item: AttentionItem, now: datetime) -> dict[str, object]:
    case, reader = item.case, item.reader
    return {
        "user_id": item.user_id,
        "full_name": item.full_name,
        "reasons": [
            {"rule": reason.rule, "since": reason.since, "words": str(reason)}
            for reason in case.reasons
        ],
        "since": case.since,
        "content_title": reader.content_title,
        "progress_percentage": reader.progress_percentage,
        "presence": reader.presence_at(now),
        "reading_level": reader.reading_level,
    }


def _attention_ids(db: Database, access: ListAccess, query: ListQuery, now: datetime) -> ResultIds:
    return _evaluated(db, access, now).ids(db, access, query, now)


def _attention_items(
    db: Database, access: ListAccess, ids: Sequence[int], now: datetime
) -> tuple[AttentionItem, ...]:
    return _evaluated(db, access, now).items(db, access, ids, now)


def _evaluated(db: Database, access: ListAccess, now: datetime) -> Attention:
    """Evaluate the rules once, without data from earlier snapshots."""
    cases = Attention(DEFAULT_THRESHOLDS)
    cases.refresh(db, access, now)
    return cases


_ATTENTION: ViewQueries[AttentionItem] = ViewQueries(
    sorts=(
        Sort("reasons"),
        Sort("since", newest_first=True),
        Sort("full_name"),
        Sort("content_title"),
        Sort("progress_percentage"),
        Sort("reading_level"),
    ),
    fields=attention.FILTERABLE_FIELDS,
    ids=_attention_ids,
    items=_attention_items,
    record=_attention_record,
)

# Access log.


_ACCESS_LOG: ViewQueries[AccessLogRow] = ViewQueries(
    sorts=(Sort("created_at", descending=True, newest_first=True),),
    fields=access_log.FILTERABLE_FIELDS,
    ids=access_log.access_log_ids,
    items=access_log.access_log_rows,
    pages="entries",
)


def _no_ids(_db: Database, _access: ListAccess, _query: ListQuery, _now: datetime) -> ResultIds:
    return ResultIds((), ())


def _no_entries(
    _db: Database, _access: ListAccess, _ids: Sequence[int], _now: datetime
) -> tuple[AccessLogRow, ...]:
    return ()


# For admins, until the access to the access log is logged.
_EMPTY_ACCESS_LOG = replace(_ACCESS_LOG, ids=_no_ids, items=_no_entries)


VIEW_QUERIES: Mapping[View, ViewQueries[Any]] = {
    View.ONLINE: _ONLINE,
    View.ACTIVITY: _ACTIVITY,
    View.READERS: _READERS,
    View.ATTENTION: _ATTENTION,
    View.ACCESS_LOG: _EMPTY_ACCESS_LOG,
}
