"""The readers who are online; those who need the consultant may come first."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime

from readwatch.domain.text import SafeText, clean
from readwatch.monitor.attention import Attention
from readwatch.store.audit.log import ListAccess, RowAccess
from readwatch.store.engine.connections import Database
from readwatch.store.lists import online, past_online
from readwatch.store.lists.online import TracedReader
from readwatch.store.lists.query import ListQuery, ResultIds

NEED = "need"
"""The sort that has the most urgent cases first, and everybody else by name."""


@dataclass(frozen=True, slots=True)
class OnlineItem(TracedReader):
    """A reader who is online; `need` has the reasons of a case that needs the consultant, or is
    empty."""

    need: SafeText


class Online:
    """The list of readers online, with the last cases of Attention."""

    def __init__(self, attention: Attention) -> None:
        self._attention = attention

    def ids(self, db: Database, access: ListAccess, query: ListQuery, now: datetime) -> ResultIds:
        """Return the ids of the matching readers who are online, in order."""
        if query.sort != NEED:
            return online.online_ids(db, access, query, now)
        by_name = replace(query, sort="full_name", descending=False)
        ids = online.online_ids(db, access, by_name, now).ids
        present = frozenset(ids)
        first = dict.fromkeys(id for id in self._attention.unseen if id in present)
        ordered = (*first, *(id for id in ids if id not in first))
        ordered = ordered[::-1] if query.descending else ordered
        return ResultIds(ordered, ordered)

    def items(
        self, db: Database, access: RowAccess, ids: Sequence[int], now: datetime
    ) -> tuple[OnlineItem, ...]:
        """Return the readers with these ids who are online."""
        unseen = frozenset(self._attention.unseen)
        return tuple(
            _item(reader, self._need_of(reader.user_id) if reader.user_id in unseen else "")
            for reader in online.online_rows(db, access, ids, now)
        )

    def _need_of(self, reader_id: int) -> str:
        case = self._attention.case_of(reader_id)
        return "" if case is None else str(case)


def past_ids(db: Database, access: ListAccess, query: ListQuery, at: datetime) -> ResultIds:
    """Return the ids of the matching readers who were online at a time of the past; who needed
    somebody then is unknown, so that order is by name."""
    by_name = replace(query, sort="full_name") if query.sort == NEED else query
    return past_online.past_online_ids(db, access, by_name, at)


def past_items(
    db: Database, access: RowAccess, ids: Sequence[int], at: datetime
) -> tuple[OnlineItem, ...]:
    """Return the readers with these ids who were online at a time of the past."""
    return tuple(_item(it, "") for it in past_online.past_online_rows(db, access, ids, at))


def _item(reader: TracedReader, need: str) -> OnlineItem:
    values = {field.name: getattr(reader, field.name) for field in fields(reader)}
    return OnlineItem(**values, need=clean(need))
