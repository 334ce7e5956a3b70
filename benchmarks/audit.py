"""The time to append to, check, list and export a million entries of the access log.

python benchmarks/audit.py [--entries 1000000] [--postgresql]

Entries with real hashes are added in bulk; then some are appended as programs do, with a commit for
each and with one for all, and each command runs in a separate process. At the end
an entry in the middle is changed with the privileges of the owner, and the log is checked again.
"""

from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path
from time import perf_counter, process_time

from rig import databases
from rig.commands import called
from rig.processes import MIB
from rig.readers import administrator, consultant, opened, populate
from rig.report import Column, Row, parser, progress, publish

from readwatch.domain.audit import GENESIS, AuditAction, AuditEvent, entry_hash
from readwatch.domain.clock import system_clock
from readwatch.store.audit.log import append_in_transaction
from readwatch.store.engine.bulk import BulkStatement
from readwatch.store.engine.connections import Database, is_sqlite
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.times import to_db_time

READERS = 1000
AT_ONCE = 1_000  # on PostgreSQL each entry of a transaction leaves one more version of the counter

COLUMNS = (
    Column("command", "readwatch audit"),
    Column("seconds", "s", ".1f"),
    Column("cpu_seconds", "cpu s", ".1f"),
    Column("entries_per_second", "entries/s", ",.0f"),
    Column("peak_mib", "peak MiB", ",.0f"),
    Column("file_mib", "file MiB", ",.0f"),
    Column("output", "first line of output"),
)

Entry = tuple[str | int | None, ...]

_APPEND = BulkStatement(
    {
        **{"consultant_user_id": "bigint", "action_type": "text", "target_user_id": "bigint"},
        **{"action_details": "text", "ip_address": "text", "created_at": "timestamptz"},
        **{"prev_hash": "text", "row_hash": "text"},
    },
    """
    INSERT INTO consultant_access_log (
        consultant_user_id, action_type, target_user_id, action_details, ip_address, created_at,
        prev_hash, row_hash
    )
    SELECT
        consultant_user_id, action_type, target_user_id, action_details, ip_address, created_at,
        prev_hash, row_hash
    FROM given
    """,
)


def main() -> None:
    options = parser(__doc__ or "")
    options.add_argument(
        "--entries", type=int, default=1_000_000, help="length of the log (1000000)"
    )
    databases.add_options(options)
    settings = options.parse_args()
    with databases.temporary_folder() as folder, databases.chosen(settings, folder) as url:
        populate(url, READERS)
        administrator(url)
        consultant_id = consultant(url)
        _fill(url, consultant_id, settings.entries)
        anchors = folder / "anchors"
        rows = [
            _appended(url, consultant_id, 1000, at_once=1),
            _appended(url, consultant_id, 10_000, at_once=10_000),
            _called(url, settings.entries, "verify"),
            _called(url, settings.entries, "anchor", anchors),
            _called(url, settings.entries, "verify", "--anchor", anchors),
            _called(url, settings.entries, "list"),
            _called(url, settings.entries, "list", "--reader", "reader7@example.org"),
            _called(url, settings.entries, "export", folder / "log.csv"),
            _called(url, settings.entries, "export", folder / "log.json"),
        ]
        _tamper(url, settings.entries // 2)
        rows.append(_called(url, settings.entries, "verify"))
    publish(settings, COLUMNS, rows)


def _fill(url: str, consultant_id: int, length: int) -> None:
    """Add entries, one a second until now, with the hashes of the store."""
    entries = _chain(consultant_id, length)
    with opened(url, Role.OWNER) as db:
        for first in range(0, length, AT_ONCE):
            with db.atomic():
                _APPEND(db, list(islice(entries, AT_ONCE)))
            if first % (10 * AT_ONCE) == 0:
                progress(f"{first:>12,} of {length:,} entries")


def _chain(consultant_id: int, length: int) -> Iterator[Entry]:
    begin, head = system_clock() - timedelta(seconds=length), GENESIS
    for number in range(length):
        event = _event(consultant_id, number)
        created_at = to_db_time(begin + timedelta(seconds=number))
        row_hash = entry_hash(head, event, created_at)
        yield (
            *(event.actor_id, event.action_type, event.subject_id),
            *(event.details, event.ip_address, created_at, head, row_hash),
        )
        head = row_hash


def _appended(url: str, consultant_id: int, entries: int, *, at_once: int) -> Row:
    """Append entries as a program does, `at_once` in each transaction; return the figures."""
    with opened(url, Role.ACCESS_LOG) as db:
        began, began_cpu = perf_counter(), process_time()
        for _ in range(0, entries, at_once):
            with db.atomic():
                for number in range(at_once):
                    event = _event(consultant_id, number)
                    append_in_transaction(db, event, system_clock())
        seconds, cpu_seconds = perf_counter() - began, process_time() - began_cpu
    return {
        "command": f"append, {at_once:,} a commit",
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "entries_per_second": entries / seconds,
        **dict.fromkeys(("peak_mib", "file_mib", "output")),
    }


def _event(consultant_id: int, number: int) -> AuditEvent:
    return AuditEvent(
        consultant_id,
        AuditAction.VIEWED_READER_PROFILE,
        number * 7 % READERS + 1,
        "console, from online",
        "10.0.0.7",
    )


def _tamper(url: str, id_: int) -> None:
    """Change an entry, with the privileges of the owner of the database."""
    with opened(url, Role.OWNER) as db:
        _drop_trigger(db)
        db.execute_sql(f"UPDATE consultant_access_log SET target_user_id = 1 WHERE id = {id_}")


def _drop_trigger(db: Database) -> None:
    on = "" if is_sqlite(db) else " ON consultant_access_log"
    db.execute_sql(f"DROP TRIGGER consultant_access_log_keeps_values{on}")


def _called(url: str, entries: int, *arguments: str | Path) -> Row:
    """Run a command; return its figures and, for `verify`, the first line of its output."""
    done = called(url, "audit", *arguments)
    named = [it.name if isinstance(it, Path) else it for it in arguments]
    made = [it for it in arguments if isinstance(it, Path)]
    return {
        "command": " ".join(named),
        "seconds": done.seconds,
        "cpu_seconds": done.cpu_seconds,
        "entries_per_second": None if named[0] == "list" else entries / done.seconds,
        "peak_mib": done.peak_bytes / MIB,
        "file_mib": made[0].stat().st_size / MIB if named[0] == "export" else None,
        "output": done.output.partition("\n")[0] if named[0] == "verify" else None,
    }


if __name__ == "__main__":
    main()
