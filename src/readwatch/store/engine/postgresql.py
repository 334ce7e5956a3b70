"""PostgreSQL, the engine for more than one machine: a pool of connections with a role.

Importing this needs PostgreSQL's driver.
"""

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import psycopg
from playhouse.postgres_ext import (  # type: ignore[import-untyped]
    PooledPsycopg3Database,
    Psycopg3Database,
)

from readwatch.domain.errors import misconfigured
from readwatch.store.engine.privileges import PROGRAMS, Role, reads_only
from readwatch.store.engine.sqlite import BUSY_TIMEOUT_SECONDS

POOL_SIZE = 20

KEEPALIVE = {
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
"""Options of libpq that detect a lost network within half a minute; the defaults take up to two
hours. The first value is in milliseconds, the others are in seconds."""

MAY_SET_ROLE = """
    CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END
"""
"""The privilege that lets a user act as a role; since PostgreSQL 16 membership is not enough."""

# The schema stays the same, and temporary tables come last.
_SET_ROLE = f"""
    SELECT rolname, CASE WHEN pg_has_role(oid, {MAY_SET_ROLE}) THEN
        set_config(
            'search_path', quote_ident(coalesce(current_schema(), 'public')) || ', pg_temp', FALSE
        ) || set_config('role', rolname, FALSE)
    END
    FROM pg_roles WHERE rolname = current_database() || '_' || %s AND NOT rolcanlogin
"""  # noqa: S608 - our own texts

_FIELD_TYPES = {"UTC": "TIMESTAMPTZ"}


def open_postgresql(url: str, role: Role) -> "PostgreSQL":
    """Return the database at a `postgresql://` URL with the privileges of `role`."""
    parts = urlsplit(url)
    name = unquote(parts.path.lstrip("/"))
    if not name:
        raise misconfigured("the PostgreSQL URL names no database: postgresql://host/NAME")
    address = {
        "host": parts.hostname,
        "port": parts.port,
        "user": parts.username and unquote(parts.username),
        "password": parts.password and unquote(parts.password),
    }
    settings: dict[str, Any] = dict(parse_qsl(parts.query))
    settings.update({key: value for key, value in address.items() if value})
    # Times are passed as text without a zone, as on SQLite; the time zone of the session is UTC.
    options = ["-c timezone=UTC", "-c lock_timeout=5s", "-c statement_timeout=60s"]
    if reads_only(role):
        options.append("-c default_transaction_read_only=on")
    settings["options"] = " ".join((settings.get("options", ""), *options)).strip()
    settings.setdefault("connect_timeout", BUSY_TIMEOUT_SECONDS)
    settings = {**KEEPALIVE, **settings}
    settings.setdefault("application_name", f"readwatch {role}")
    return PostgreSQL(
        name,
        role,
        max_connections=POOL_SIZE,
        timeout=BUSY_TIMEOUT_SECONDS,
        stale_timeout=300,
        autoconnect=False,
        field_types=_FIELD_TYPES,
        **settings,
    )


class _RoleConnections(Psycopg3Database):  # type: ignore[misc]
    """Connections that act as a role, with its privileges only, as soon as they are open."""

    role: Role

    def _connect(self) -> psycopg.Connection:
        connection: psycopg.Connection = super()._connect()
        if self.role is not Role.OWNER:
            try:
                set_role(connection, self.role)
            except BaseException:
                connection.close()
                raise
        return connection


class PostgreSQL(PooledPsycopg3Database, _RoleConnections):  # type: ignore[misc]
    """A pool of connections from `_RoleConnections`."""

    def __init__(self, name: str, role: Role, **settings: Any) -> None:
        self.role = role
        super().__init__(name, **settings)

    def _is_closed(self, conn: psycopg.Connection) -> bool:
        """Tell whether the check of a connection fails, and close that connection.

        Peewee drops it without closing it. It may still be open: a late request to cancel a query
        also cancels the check of the pool.
        """
        is_closed: bool = super()._is_closed(conn)
        if is_closed:
            conn.close()
        return is_closed


def set_role(connection: psycopg.Connection, role: Role) -> None:
    """Give up all privileges except those of a role; do nothing if the role does not exist."""
    row = connection.execute(_SET_ROLE, (role,)).fetchone()
    if row is None:
        return
    name, search_path_and_role = row
    if search_path_and_role is None:
        program = next(program for program, roles in PROGRAMS.items() if role in roles)
        raise misconfigured(
            f"the PostgreSQL user of the URL may not act as {name}; the owner of the database "
            f"runs: readwatch db grant {program} USER"
        )
