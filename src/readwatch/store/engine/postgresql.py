"""PostgreSQL, the engine for more than one machine: a pool of connections with a role.

Importing this needs PostgreSQL's driver.
"""

import re
from collections.abc import Generator, Mapping
from selectors import EVENT_READ, DefaultSelector
from time import monotonic
from typing import Any

import psycopg
from playhouse.postgres_ext import (  # type: ignore[import-untyped]
    PooledPsycopg3Database,
    Psycopg3Database,
)
from psycopg.conninfo import conninfo_to_dict

from readwatch.domain.errors import ReadwatchError, misconfigured
from readwatch.store.engine.database import DEFAULTS, POOL_SIZE, Database, EngineSettings
from readwatch.store.engine.errors import INVALID_ADDRESS, POOLER_REFUSED
from readwatch.store.engine.privileges import PROGRAMS, Role, reads_only
from readwatch.store.engine.sqlite import BUSY_TIMEOUT_SECONDS

LOAN_SECONDS = 2
"""The longest wait for a connection if all of the pool are in use."""

STATEMENT_SECONDS: Mapping[Role, int] = {
    Role.OWNER: 0,  # a migration may take hours
    Role.ADMIN: 60,
    Role.ERASURE: 60,
    Role.MAINTENANCE: 60,
    Role.BACKUP: 60,
    Role.ARCHIVE: 60,
    Role.PURGE: 60,
    Role.INGEST: 10,
    Role.CONSOLE: 10,
    Role.LOGIN: 5,
    Role.ACCESS_LOG: 5,
}
"""PostgreSQL ends a statement after this time; 0 is never. The URL can set statement_timeout."""

ANSWER_GRACE_SECONDS = 0.5
"""A frozen server does not end its statements, so the client stops waiting this much later."""

IDLE_IN_TRANSACTION_SECONDS = 60
"""PostgreSQL ends the session of a program that is inactive in a transaction for this long."""

IDLE_SECONDS_OF_WRITERS = 5
"""The same for programs that write and that others wait for: a frozen one holds locks."""

RECONNECT_SECONDS = 1.0
"""After a server did not answer, further attempts to connect fail at once for this time."""

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

_SERVICES = frozenset((*PROGRAMS["ingest"], *PROGRAMS["console"]))
"""The roles of the programs that run for long and always write: activities or the access log."""

# A connection pooler starts PostgreSQL's sessions itself, without `readwatch.role`; such a session
# is not changed, because other clients use it too. Times are passed as text without a zone, as on
# SQLite, so the time zone is UTC. For a role the schema stays the same, and temporary tables come
# last.
_BEGIN_SESSION = f"""
    SELECT
        is_own,
        pg_is_in_recovery() AS is_standby,
        extract(epoch FROM current_setting('statement_timeout')::interval)::float8,
        rolname,
        CASE WHEN is_own THEN set_config('TimeZone', 'UTC', FALSE) END,
        CASE WHEN is_own AND %(reads_only)s THEN
            set_config('default_transaction_read_only', 'on', FALSE)
        END,
        CASE WHEN is_own AND pg_has_role(oid, {MAY_SET_ROLE}) THEN
            set_config(
                'search_path', quote_ident(coalesce(current_schema(), 'public')) || ', pg_temp',
                FALSE
            ) || set_config('role', rolname, FALSE)
        END
    FROM (
        SELECT current_setting('readwatch.role', TRUE) IS NOT DISTINCT FROM %(role)s AS is_own
    ) AS session
    LEFT JOIN pg_roles ON %(role)s <> 'owner'
        AND rolname = current_database() || '_' || %(role)s AND NOT rolcanlogin
"""  # noqa: S608 - our own texts

_FIELD_TYPES = {"UTC": "TIMESTAMPTZ"}


# The URL ----------------------------------------------------------------------------------------


def open_postgresql(url: str, role: Role, settings: EngineSettings = DEFAULTS) -> "PostgreSQL":
    """Return the database at a `postgresql://` URL with the privileges of `role`.

    The options of the URL have priority over the time limits of `settings`, but not over what keeps
    the data right.
    """
    of_url = _parts(url)
    name = of_url.pop("dbname", "")
    if not name:
        raise misconfigured("the PostgreSQL URL names no database: postgresql://host/NAME")
    limit = settings.statement_seconds
    seconds = STATEMENT_SECONDS[role] if limit is None else limit
    holds_locks = role in _SERVICES and not reads_only(role)
    idle = IDLE_SECONDS_OF_WRITERS if holds_locks else IDLE_IN_TRANSACTION_SECONDS
    options = (
        "-c lock_timeout=5s",
        f"-c statement_timeout={seconds}s",
        f"-c idle_in_transaction_session_timeout={idle}s",
        of_url.get("options", ""),
        f"-c readwatch.role={role}",
    )
    defaults: dict[str, Any] = {
        **KEEPALIVE,
        "connect_timeout": min(BUSY_TIMEOUT_SECONDS, limit or BUSY_TIMEOUT_SECONDS),
        "application_name": f"readwatch {role}",
    }
    return PostgreSQL(
        name,
        role,
        settings,
        max_connections=settings.pool_size or POOL_SIZE,
        timeout=LOAN_SECONDS,
        stale_timeout=300,
        autoconnect=False,
        field_types=_FIELD_TYPES,
        **(defaults | of_url | {"options": " ".join(options), "client_encoding": "UTF8"}),
    )


def _parts(url: str) -> dict[str, Any]:
    """Return the parts and options of a URL, which can name several hosts, by libpq's names."""
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        option = re.search(r'invalid URI query parameter: "(\w+)"', str(error))
        raise misconfigured(
            f"the database URL has an option that PostgreSQL lacks: {option[1]}"
            if option
            else f"{INVALID_ADDRESS}, or a part that is not URL-encoded"
        ) from None
    hosts = str(parts.get("host") or parts.get("hostaddr") or "").split(",")
    ports = str(parts.get("port") or "").split(",")
    if not all(_is_port(port) for port in ports) or len(ports) not in (1, len(hosts)):
        raise misconfigured(INVALID_ADDRESS)
    return parts


def _is_port(text: str) -> bool:
    return not text or (text.isascii() and text.isdigit() and 0 < int(text) < 65536)


# Connections ------------------------------------------------------------------------------------


class NoAnswer(psycopg.OperationalError):
    """The server accepts a connection or a statement, and does not answer."""


class _Connection(psycopg.Connection[Any]):
    """A connection that ends if the server does not answer in time."""

    answer_seconds: float | None = BUSY_TIMEOUT_SECONDS

    def wait(self, gen: Any, *args: Any, **options: Any) -> Any:
        """Wait for an answer; psycopg calls this for each statement."""
        if self.answer_seconds is not None:
            gen = _until(monotonic() + self.answer_seconds, gen)
        try:
            return super().wait(gen, *args, **options)
        except NoAnswer:
            self.close()
            raise


def _until(deadline: float, gen: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
    """Run a generator of psycopg, and end it if nothing has arrived when the time is over.

    It yields what it waits for. psycopg sends what is ready then, and ten times a second nothing.
    """
    try:
        waits_for = next(gen)
        while True:
            ready = yield waits_for
            if not ready and monotonic() > deadline:
                raise NoAnswer("no answer in time")
            waits_for = gen.send(ready)
    except StopIteration as end:
        return end.value


class _RoleConnections(Psycopg3Database):  # type: ignore[misc]
    """Connections that act as a role, with its privileges only, as soon as they are open."""

    role: Role
    _reconnect_at = 0.0

    def _connect(self) -> psycopg.Connection:
        # Peewee opens one connection at a time, so without this all threads wait in a queue.
        if monotonic() < self._reconnect_at:
            raise NoAnswer("no answer a moment ago")
        try:
            connection = _Connection.connect(
                dbname=self.database, autocommit=True, **self.connect_params
            )
            try:
                connection.answer_seconds = begin_session(connection, self.role)
            except BaseException:  # ctrl+c too: nobody else would close the connection
                connection.close()
                raise
        except (psycopg.errors.ConnectionTimeout, NoAnswer):
            self._reconnect_at = monotonic() + RECONNECT_SECONDS
            raise
        return connection


class PostgreSQL(Database, PooledPsycopg3Database, _RoleConnections):  # type: ignore[misc]
    """A pool of connections from `_RoleConnections`."""

    def __init__(self, name: str, role: Role, settings: EngineSettings, **options: Any) -> None:
        self.role = role
        self.watch(settings)
        super().__init__(name, **options)

    def _is_closed(self, conn: psycopg.Connection) -> bool:
        """Tell whether an idle connection has ended; close it then, which Peewee does not.

        While a connection is idle, a server sends something only if it ends the connection; then a
        query shows what it was. The console's connection is always tested with a query: a late
        request to cancel a query cancels the test instead of the next query.
        """
        if self.role is not Role.CONSOLE and not conn.closed and not _has_input(conn):
            return False
        is_closed: bool = super()._is_closed(conn)
        if is_closed:
            conn.close()
        return is_closed


def _has_input(connection: psycopg.Connection) -> bool:
    """Tell whether the server has sent something that was not read yet, or closed the socket."""
    with DefaultSelector() as selector:
        selector.register(connection.fileno(), EVENT_READ)
        return bool(selector.select(timeout=0))


def begin_session(connection: psycopg.Connection, role: Role) -> float | None:
    """Give a new session its time zone, and give up all privileges except those of the role.

    The session keeps all privileges if the role does not exist. Refuse a session that is not this
    connection's own, and a standby for the programs that write. Return for how many seconds to wait
    for an answer; None is without a limit.
    """
    parameters = {"role": str(role), "reads_only": reads_only(role)}
    row = connection.execute(_BEGIN_SESSION, parameters).fetchone()
    assert row is not None  # noqa: S101 - the statement returns one row
    is_own, is_standby, statement_seconds, role_name, *_, acting = row
    if not is_own:
        raise misconfigured(POOLER_REFUSED)
    if is_standby and role in _SERVICES:
        raise misconfigured(
            "the database URL leads to a standby of PostgreSQL, which accepts no activities and no "
            "entries of the access log; name the primary, or several hosts with "
            "target_session_attrs=read-write"
        )
    if role_name is not None and acting is None:
        raise _not_granted(role_name, role)
    return statement_seconds + ANSWER_GRACE_SECONDS if statement_seconds else None


def _not_granted(role_name: str, role: Role) -> ReadwatchError:
    program = next(program for program, roles in PROGRAMS.items() if role in roles)
    return misconfigured(
        f"the PostgreSQL user of the URL may not act as {role_name}; the owner of the database "
        f"runs: readwatch db grant {program} USER"
    )
