"""The engine for more than one machine: a pool of PostgreSQL connections that act as a role.

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
"""A connection that a suspended laptop or a lost network has cut is closed within half a minute;
libpq's default takes up to two hours. In seconds, the first in milliseconds."""

MAY_SET_ROLE = """
    CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END
"""
"""The privilege that lets a user act as a role; since PostgreSQL 16 membership is not enough."""

# Tables are looked for where they were before, never among temporary ones first.
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
    """Return the database at a `postgresql://` URL, as `role` may use it."""
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
    # Times travel as text without a zone, as on SQLite; the session says that they are in UTC.
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
    """Connections that have the privileges of a role and no others from the start."""

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
    """A pool of such connections: it gets new ones from `_RoleConnections`."""

    def __init__(self, name: str, role: Role, **settings: Any) -> None:
        self.role = role
        super().__init__(name, **settings)

    def _is_closed(self, conn: psycopg.Connection) -> bool:
        """Tell whether the pool has to give up a connection, and close that one.

        Peewee only forgets it, but it may be open: the server cancels also the pool's own check
        when the request to cancel a query comes late.
        """
        is_closed: bool = super()._is_closed(conn)
        if is_closed:
            conn.close()
        return is_closed


def set_role(connection: psycopg.Connection, role: Role) -> None:
    """Give up all privileges but those of a role; do nothing in a database without the role."""
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
