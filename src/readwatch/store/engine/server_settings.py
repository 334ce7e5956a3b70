"""A PostgreSQL server: the settings on which the promises of readwatch depend, and its clock."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from readwatch.store.engine.connections import Database
from readwatch.store.engine.statements import Statement
from readwatch.store.engine.times import from_db_time

_NAMES = ("fsync", "full_page_writes", "max_connections", "server_encoding", "synchronous_commit")
_SETTINGS = Statement("SELECT name, setting FROM pg_settings WHERE name = ANY(:names)")
_VERSION = Statement("SELECT current_setting('server_version_num')")
_IS_STANDBY = Statement("SELECT pg_is_in_recovery()")
_NOW = Statement("SELECT clock_timestamp()")


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """What a server says of itself; `major` is its major version, `clock` its time."""

    major: int
    is_standby: bool
    values: Mapping[str, str]
    clock: datetime


def server_settings(db: Database) -> ServerSettings:
    """Return the settings of the server of a PostgreSQL database, as its sessions have them."""
    return ServerSettings(
        major=int(_VERSION.scalar(db)) // 10_000,
        is_standby=bool(_IS_STANDBY.scalar(db)),
        values={row.name: row.setting for row in _SETTINGS.all(db, names=list(_NAMES))},
        clock=from_db_time(_NOW.scalar(db)),
    )
