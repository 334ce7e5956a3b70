"""A database for each test: a copy of a migrated one, empty or with the cast."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from postgres import Server, connect, drop_database, drop_roles, new_database, roles_of
from psycopg.sql import SQL, Identifier

from readwatch.store.engine import migrations

Fill = Callable[[str], Any]


class SQLiteCopies:
    """Copies of two files; `fill(url)` adds the cast to the second."""

    def __init__(self, folder: Path, fill: Fill) -> None:
        self.empty = folder / "empty.db"
        self._filled = folder / "filled.db"
        migrations.create_or_upgrade(f"sqlite:///{self.empty}")
        shutil.copy(self.empty, self._filled)
        self.cast = fill(f"sqlite:///{self._filled}")

    def copy_to(self, path: Path, *, with_cast: bool) -> str:
        """Create a copy at a path, and return its URL."""
        shutil.copy(self._filled if with_cast else self.empty, path)
        return f"sqlite:///{path}"


def put_in_place_of(file: Path, other: Path) -> None:
    """As somebody does who restores a backup while the console is open."""
    for suffix in ("", "-wal", "-shm"):
        Path(f"{file}{suffix}").rename(f"{file}.away{suffix}")
    other.rename(file)


class PostgreSQLCopies:
    """One database at a time, created for each test with the same name.

    The names of its roles begin with its name, so the roles are created once, and the tables of
    the templates already have the GRANTs. `fill(url)` adds the cast to the second template.
    """

    def __init__(self, server: Server, fill: Fill) -> None:
        self._server = server
        self._connection = connect(server.parameters)
        self._fill = fill
        self._name = ""
        self.cast: Any = None

    def make(self, *, with_cast: bool) -> str:
        """Create the database of one test, and return its URL."""
        if not self._name:
            self._begin()
        self._copy(self._filled if with_cast else self._empty, self._name)
        self._connection.execute(self._grants)
        return self._server.url(self._name)

    def drop(self) -> None:
        """Drop the database with all changes of the test, even if connections are open."""
        self._wait_for_ends()
        self._drop(self._name)
        drop_roles(self._connection, self._name, but=self._roles)
        if roles_of(self._connection, self._name) != self._roles:
            self._forget()

    def close(self) -> None:
        """Drop the databases and the roles."""
        if self._name:
            self._forget()
        self._connection.close()

    def _begin(self) -> None:
        self._name = new_database(self._server)
        self._empty, self._filled = f"{self._name}_empty", f"{self._name}_filled"
        url = self._server.url(self._name)
        migrations.create_or_upgrade(url)
        self._roles = roles_of(self._connection, self._name)
        self._grants = self._grants_on_database()
        self._copy(self._name, self._empty)
        self.cast = self._fill(url)
        self._copy(self._name, self._filled)
        self._drop(self._name)

    def _forget(self) -> None:
        self._drop(self._empty)
        self._drop(self._filled)
        drop_database(self._server, self._name)
        self._name = ""

    def _copy(self, template: str, name: str) -> None:
        self._connection.execute(self._server.create_database(name, template))

    def _drop(self, name: str) -> None:
        self._connection.execute(
            SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name))
        )

    def _wait_for_ends(self) -> None:
        """Give closed connections a moment to end; DROP DATABASE would wait for 100 ms."""
        for _ in range(200):
            if not self._connection.execute(
                "SELECT 1 FROM pg_stat_activity WHERE datname = %s", (self._name,)
            ).fetchall():
                return

    def _grants_on_database(self) -> Any:
        """Return the GRANTs on the database, which a copy does not get from its template."""
        granted = self._connection.execute(
            "SELECT privilege_type, CASE grantee WHEN 0 THEN 'PUBLIC'"
            " ELSE quote_ident(pg_get_userbyid(grantee)) END"
            " FROM pg_database, aclexplode(datacl) WHERE datname = %s",
            (self._name,),
        ).fetchall()
        database = Identifier(self._name).as_string()
        return ";".join(
            [
                f"REVOKE ALL ON DATABASE {database} FROM PUBLIC",
                *(f"GRANT {right} ON DATABASE {database} TO {who}" for right, who in granted),
            ]
        )
