"""The readers who are online; those who need the consultant may come first."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime

from readwatch.domain.text import SafeText, clean
from readwatch.monitor.attention import Attention
from readwatch.store.audit.log import ListAccess, RowAccess
from readwatch.store.engine.connections import Database
from readwatch.store.lists import online
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
            self._item(reader, is_in_need=reader.user_id in unseen)
            for reader in online.online_rows(db, access, ids, now)
        )

    def _item(self, reader: TracedReader, *, is_in_need: bool) -> OnlineItem:
        case = self._attention.case_of(reader.user_id) if is_in_need else None
        need = clean("" if case is None else case)
        return OnlineItem(**{it.name: getattr(reader, it.name) for it in fields(reader)}, need=need)
