"""The queries of a console: once, and each second until the input is closed.

python -m rig.console URL
"""

import json
import select
import sys
from time import perf_counter, process_time

from readwatch.domain.attention import DEFAULT_THRESHOLDS
from readwatch.domain.clock import system_clock
from readwatch.domain.errors import ReadwatchError
from readwatch.monitor.attention import Attention
from readwatch.monitor.build import view_snapshot
from readwatch.monitor.groups import Groups
from readwatch.monitor.snapshots import View
from readwatch.monitor.views import view_queries
from readwatch.store.audit.log import access_without_entry, list_access
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database, connection, read_snapshot
from readwatch.store.engine.privileges import Role
from readwatch.store.identity.users import find_user
from rig.readers import CONSULTANT, consultant

EVERY_SECONDS = 1.0


def consultant_id(db: Database, url: str) -> int:
    """Return the id of the account `CONSULTANT`; add the account if it is missing."""
    try:
        return find_user(db, CONSULTANT).id
    except ReadwatchError:
        return consultant(url)


def main() -> None:
    db = migrations.open_current(sys.argv[1], Role.CONSOLE)
    with connection(db):
        access = list_access(db, consultant_id(db, sys.argv[1]))
    rows = access_without_entry(access)
    attention = Attention(DEFAULT_THRESHOLDS)
    queries = view_queries(attention, Groups(attention), with_access_log=False)
    took: list[float] = []
    start_cpu, begin, wait = process_time(), perf_counter(), 0.0
    while not took or not select.select([sys.stdin], [], [], wait)[0]:
        start = perf_counter()
        with connection(db), read_snapshot(db):
            view_snapshot(db, access, View.ONLINE, system_clock(), queries, lambda _: rows)
        took.append(perf_counter() - start)
        wait = max(0.0, EVERY_SECONDS - took[-1])
    took.sort()
    figures = {
        "pictures": len(took),
        "p50": took[len(took) // 2],
        "longest": took[-1],
        "cores": (process_time() - start_cpu) / (perf_counter() - begin),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
