"""The sorts, filterable fields and queries of each view, as data."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from readwatch.domain.activities import RecordedActivity
from readwatch.domain.group_figures import GroupReading
from readwatch.monitor.attention import Attention, AttentionItem
from readwatch.monitor.groups import GroupItem, Groups
from readwatch.monitor.online import (
    NEED,
    Online,
    OnlineItem,
    past_ids,
    past_items,
)
from readwatch.monitor.snapshots import View
from readwatch.store.audit.log import ListAccess, RowAccess
from readwatch.store.engine.connections import Database
from readwatch.store.lists import access_log, day, feed, online, readers
from readwatch.store.lists import attention as attention_list
from readwatch.store.lists import groups as group_list
from readwatch.store.lists.access_log import AccessLogRow
from readwatch.store.lists.day import ReaderOfDay
from readwatch.store.lists.filter_sql import FilterableFields
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
class ViewOptions(Generic[ItemT]):
    """How a view can be sorted and filtered; the first sort is the default.

    An endless view is read up to a length. `noun` is the plural noun for the items, and
    `json_fields` returns the fields of an item for JSON. A view that can show times of the
    past has a `step` from one to the next.
    """

    sorts: tuple[Sort, ...]
    filterable_fields: FilterableFields
    noun: str = "readers"
    is_endless: bool = False
    step: timedelta | None = None
    json_fields: Callable[[ItemT, datetime], Mapping[str, object]] = fields_of

    @property
    def goes_back(self) -> bool:
        """Whether the view can show a time of the past."""
        return self.step is not None

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


@dataclass(frozen=True, slots=True)
class ViewQueries(Generic[ItemT]):
    """The queries of a view: `ids` returns the order of all items, `items` reads some of them.

    `past` are those for a time of the past, which they get instead of now.
    """

    ids: Callable[[Database, ListAccess, ListQuery, datetime], ResultIds]
    items: Callable[[Database, RowAccess, Sequence[int], datetime], tuple[ItemT, ...]]
    past: "ViewQueries[ItemT] | None" = None

    def at(self, time: datetime | None) -> "ViewQueries[ItemT]":
        """Return the queries for a time of the past, or for now."""
        return self if time is None or self.past is None else self.past


# Online.


def _online_fields(reader: OnlineItem, now: datetime) -> dict[str, object]:
    return {**fields_of(reader, now), "presence": reader.presence_at(now)}


_ONLINE: ViewOptions[OnlineItem] = ViewOptions(
    sorts=(
        Sort(NEED),
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
    filterable_fields=online.FILTERABLE_FIELDS,
    step=timedelta(hours=1),
    json_fields=_online_fields,
)

# Activity.


def _activity_fields(activity: RecordedActivity, now: datetime) -> dict[str, object]:
    """Return an activity without its metadata, which only the reader's page shows."""
    record = fields_of(activity, now)
    del record["metadata_json"]
    return record


_ACTIVITY: ViewOptions[RecordedActivity] = ViewOptions(
    sorts=(
        Sort("created_at", descending=True, newest_first=True),
        Sort("full_name"),
        Sort("activity_type"),
        Sort("content_title"),
        Sort("progress_percentage", descending=True),
        Sort("duration_seconds", descending=True),
    ),
    filterable_fields=feed.FILTERABLE_FIELDS,
    noun="activities",
    is_endless=True,
    step=timedelta(hours=1),
    json_fields=_activity_fields,
)

# Readers.

_READERS: ViewOptions[ReaderSummary] = ViewOptions(
    sorts=(
        Sort("last_login", newest_first=True),
        Sort("last_activity_at", newest_first=True),
        Sort("full_name"),
        Sort("reading_level"),
        Sort("total_reading_time_minutes", descending=True),
        Sort("total_sessions", descending=True),
        Sort("unique_content_read", descending=True),
    ),
    filterable_fields=readers.FILTERABLE_FIELDS,
)

# Attention.


def _attention_fields(item: AttentionItem, now: datetime) -> dict[str, object]:
    case, reader, last_note = item.case, item.reader, item.last_note
    change = case.note_at(now)
    return {
        "user_id": item.user_id,
        "full_name": item.full_name,
        "group": reader.group,
        "reasons": [
            {"rule": reason.rule, "since": reason.since, "words": str(reason)}
            for reason in case.reasons
        ],
        "since": case.since,
        "case": {
            "status": item.status,
            "consultant": change and change.author_name,
            "changed_at": change and change.created_at,
            "until": change and change.until,
        },
        "note": last_note
        and {
            "text": last_note.text,
            "consultant": last_note.author_name,
            "created_at": last_note.created_at,
        },
        "content_title": reader.content_title,
        "progress_percentage": reader.progress_percentage,
        "presence": reader.presence_at(now),
        "reading_level": reader.reading_level,
    }


_ATTENTION: ViewOptions[AttentionItem] = ViewOptions(
    sorts=(
        Sort("reasons"),
        Sort("since", newest_first=True),
        Sort("full_name"),
        Sort("case"),
        Sort("content_title"),
        Sort("progress_percentage"),
        Sort("reading_level"),
    ),
    filterable_fields=attention_list.FILTERABLE_FIELDS,
    json_fields=_attention_fields,
)

# Access log.


_ACCESS_LOG: ViewOptions[AccessLogRow] = ViewOptions(
    sorts=(Sort("created_at", descending=True, newest_first=True),),
    filterable_fields=access_log.FILTERABLE_FIELDS,
    noun="entries",
    is_endless=True,
)

# Groups.


def _group_fields(item: GroupItem, _now: datetime) -> dict[str, object]:
    """Return the fields of a group; the figures of a group of a few readers are null."""
    reading = item.reading
    return {
        "group_id": item.group_id,
        "name": item.name,
        "readers": item.readers,
        "online": item.online,
        "in_need": item.in_need,
        **{field.name: reading and getattr(reading, field.name) for field in fields(GroupReading)},
    }


_GROUPS: ViewOptions[GroupItem] = ViewOptions(
    sorts=(
        Sort("name"),
        Sort("readers", descending=True),
        Sort("online", descending=True),
        Sort("read_today", descending=True),
        Sort("seconds_this_week", descending=True),
        Sort("trend", descending=True),
        Sort("median_progress", descending=True),
        Sort("in_need", descending=True),
    ),
    filterable_fields=group_list.FILTERABLE_FIELDS,
    noun="groups",
    json_fields=_group_fields,
)

# Day.


def _day_fields(reader: ReaderOfDay, now: datetime) -> dict[str, object]:
    return {
        **fields_of(reader, now),
        "began_at": reader.began_at,
        "ended_at": reader.ended_at,
        "read_minutes": reader.read // timedelta(minutes=1),
    }


_DAY: ViewOptions[ReaderOfDay] = ViewOptions(
    sorts=(
        Sort("began_at"),
        Sort("full_name"),
        Sort("read", descending=True),
        Sort("ended_at", descending=True),
        Sort("reading_level"),
    ),
    filterable_fields=day.FILTERABLE_FIELDS,
    step=timedelta(days=1),
    json_fields=_day_fields,
)

VIEW_OPTIONS: Mapping[View, ViewOptions[Any]] = {
    View.ONLINE: _ONLINE,
    View.ACTIVITY: _ACTIVITY,
    View.READERS: _READERS,
    View.ATTENTION: _ATTENTION,
    View.ACCESS_LOG: _ACCESS_LOG,
    View.GROUPS: _GROUPS,
    View.DAY: _DAY,
}

# The queries.


def view_queries(
    attention: Attention, groups: Groups, *, with_access_log: bool
) -> Mapping[View, ViewQueries[Any]]:
    """Return the queries of all views: Online and Attention show the last cases of `attention`,
    Groups the figures of `groups`; without `with_access_log` the access log is empty.
    """
    readers_online = Online(attention)
    return {
        View.ONLINE: ViewQueries(readers_online.ids, readers_online.items, _PAST_ONLINE),
        View.ACTIVITY: ViewQueries(feed.activity_ids, feed.activity_rows, _PAST_ACTIVITY),
        View.READERS: ViewQueries(readers.reader_ids, readers.reader_rows),
        View.ATTENTION: ViewQueries(attention.ids, attention.items),
        View.ACCESS_LOG: _ACCESS_LOG_QUERIES if with_access_log else _EMPTY_LIST,
        View.GROUPS: ViewQueries(groups.ids, groups.items),
        View.DAY: ViewQueries(day.day_ids, day.day_rows),
    }


def _no_ids(_db: Database, _access: ListAccess, _query: ListQuery, _now: datetime) -> ResultIds:
    return ResultIds((), ())


def _no_entries(
    _db: Database, _access: RowAccess, _ids: Sequence[int], _now: datetime
) -> tuple[AccessLogRow, ...]:
    return ()


_ACCESS_LOG_QUERIES = ViewQueries(access_log.access_log_ids, access_log.access_log_rows)
_PAST_ONLINE = ViewQueries(past_ids, past_items)
_PAST_ACTIVITY = ViewQueries(feed.past_activity_ids, feed.activity_rows)
# For admins, until the access to the access log is logged.
_EMPTY_LIST = ViewQueries(_no_ids, _no_entries)
