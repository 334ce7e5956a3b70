"""PostgreSQL: its version and settings, and the roles with their grants."""

from collections.abc import Iterable, Iterator

from readwatch.domain.findings import Finding, error, ok, warning
from readwatch.store.engine.server_settings import ServerSettings

OLDEST_MAJOR = 15
"""Older versions of PostgreSQL get no corrections any more."""

RESERVED_CONNECTIONS = 3
"""PostgreSQL keeps so many for superusers."""

_DURABLE = {
    "fsync": "after a power cut the database can be damaged",
    "full_page_writes": "after a power cut the database can be damaged",
    "synchronous_commit": "after a crash acknowledged activities can be gone",
}
"""The settings that must not be off, and what happens otherwise."""


def server_findings(server: ServerSettings, pool_size: int) -> Iterator[Finding]:
    """Check the version and the settings of a server; `pool_size` is that of a service."""
    defects = list(_defects(server, pool_size))
    yield from defects
    if not defects:
        yield ok("server", f"PostgreSQL {server.major}, a primary, with safe settings")


def _defects(server: ServerSettings, pool_size: int) -> Iterator[Finding]:
    if server.major < OLDEST_MAJOR:
        yield warning(
            "server",
            f"PostgreSQL {server.major} gets no corrections any more",
            f"upgrade the server to {OLDEST_MAJOR} or newer",
        )
    if server.is_standby:
        yield error(
            "server",
            "this is a standby, which accepts no activities and no entries of the access log",
            "name the primary, or several hosts with target_session_attrs=read-write",
        )
    for name, consequence in _DURABLE.items():
        if server.values.get(name) == "off":
            yield error("server", f"{name} is off: {consequence}", f"ALTER SYSTEM SET {name} = on")
    encoding = server.values.get("server_encoding", "UTF8")
    if encoding != "UTF8":
        yield error(
            "server",
            f"the encoding of the database is {encoding}, so some names cannot be stored",
            "make a database with createdb --encoding UTF8, and move the data",
        )
    connections = int(server.values["max_connections"])
    needed = pool_size + 1 + RESERVED_CONNECTIONS
    if connections < needed:
        yield warning(
            "server",
            f"max_connections is {connections}, and one service takes up to {pool_size + 1}",
            f"ALTER SYSTEM SET max_connections = {2 * needed}, or a smaller pool_size",
        )


def privilege_findings(unenforced: Iterable[str]) -> Iterator[Finding]:
    """Check whether roles and grants are those of readwatch; each sentence is a difference."""
    sentences = tuple(unenforced)
    for sentence in sentences:
        yield warning("privileges", sentence, "as a superuser: readwatch db rights --sql | psql")
    if not sentences:
        yield ok("privileges", "the roles have their grants, and no others")
