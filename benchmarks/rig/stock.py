"""What one would write first: a stock DataTable of who is online, rebuilt each second.

python -m rig.stock URL
"""

import sys

from textual.app import App, ComposeResult
from textual.widgets import DataTable

from readwatch.domain.clock import ago, system_clock
from readwatch.store.audit.log import access_without_entry, list_access
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import connection
from readwatch.store.engine.privileges import Role
from readwatch.store.identity.users import find_user
from readwatch.store.lists.online import online_ids, online_readers
from readwatch.store.lists.query import ListQuery
from rig.readers import CONSULTANT

EVERY_SECONDS = 1.0


class Stock(App[None]):
    """Everybody who is online, as rows of a DataTable."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._db = migrations.open_current(url, Role.CONSOLE)
        with connection(self._db):
            self._access = list_access(self._db, find_user(self._db, CONSULTANT).id)

    def compose(self) -> ComposeResult:
        yield DataTable()

    def on_mount(self) -> None:
        self._rebuild()
        self.set_interval(EVERY_SECONDS, self._rebuild)

    def _rebuild(self) -> None:
        table, now = self.query_one(DataTable), system_clock()
        with connection(self._db):
            ids = online_ids(self._db, self._access, ListQuery("full_name"), now).ids
            readers = online_readers(self._db, access_without_entry(self._access), ids, now)
        table.clear(columns=True)
        table.add_columns("Reader", "Reading", "Progress", "Last activity", "Ago", "Device")
        table.add_rows(
            (
                reader.full_name,
                reader.content_title,
                f"{reader.progress_percentage or 0} %",
                reader.activity_type,
                ago(reader.last_activity_at, now),
                reader.device_type,
            )
            for reader in readers
        )


if __name__ == "__main__":
    Stock(sys.argv[1]).run()
