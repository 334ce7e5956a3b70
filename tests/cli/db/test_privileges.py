"""`readwatch db rights` and `db grant`: the table of privileges, its documentation, and logins."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from cli.shell import Shell, log
from conftest import ENGINES
from postgres import new_login

from readwatch.cli.db.privileges import limits, matrix
from readwatch.store.engine.connections import Database
from readwatch.store.engine.privileges import LIMITED_ROLES, Role

SECURITY = (Path(__file__).parents[3] / "docs" / "security.md").read_text(encoding="utf-8")

on_postgresql = pytest.mark.parametrize("engine", [ENGINES[1]], indirect=True)


def documented(title: str) -> list[tuple[str, ...]]:
    """The rows of the table in the documentation whose first heading this is."""
    table = re.search(rf"^\| {title} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", SECURITY, re.MULTILINE)
    assert table
    return [
        tuple(cell.strip().strip("`") for cell in line.strip("|").split("|"))
        for line in table[1].splitlines()
    ]


def test_the_documentation_has_the_same_table() -> None:
    assert documented("table") == list(matrix())
    assert documented("role") == list(limits())


def test_it_shows_who_may_do_what_and_that_the_engine_enforces_it(shell: Shell) -> None:
    ended = shell("db", "rights")
    assert (ended.code, ended.err) == (0, "")
    lines = [tuple(line.split()) for line in ended.out.splitlines()]
    assert lines[0] == ("table", *LIMITED_ROLES)
    assert ("schema_history", *["r"] * len(LIMITED_ROLES)) in lines
    assert lines[-1][:4] == ("the", "database", "engine", "enforces")

    report = json.loads(shell("db", "rights", "--json").out)
    assert report["unenforced"] == []
    assert report["privileges"]["console"]["users"] == {
        "read": "all but password_hash",
        "append": "none",
        "change": "none",
        "delete": False,
    }


@on_postgresql
def test_what_is_not_enforced_is_also_reported_by_init_and_fixed_by_the_sql(
    shell: Shell, db: Database, cast: Any
) -> None:
    db.execute_sql(f'ALTER ROLE "{db.database}_console" CREATEDB')
    ended = shell("db", "rights")
    assert ended.code == 1
    assert f"NOT ENFORCED: {db.database}_console may do more" in ended.out
    ended = shell("init")
    assert (ended.code, "does not enforce all privileges" in ended.err) == (0, True)

    db.execute_sql(f'ALTER ROLE "{db.database}_console" NOCREATEDB')
    db.execute_sql("GRANT DELETE ON users TO PUBLIC")
    for statement in shell("db", "rights", "--sql").out.splitlines():
        db.execute_sql(statement)
    assert shell("db", "rights").code == 0


@on_postgresql
def test_a_login_is_allowed_for_a_program_and_this_is_logged(
    shell: Shell, db: Database, cast: Any
) -> None:
    own = new_login(shell.url, "cara")
    login = f"{db.database}_cara"
    assert shell("db", "grant", "console", login).out == f"{login} may be used for: console\n"
    assert log(db) == [(cast.dora.id, "granted_privileges", None, f"cli, console to {login}")]

    shell.url = own
    assert "readwatch db grant admin" in shell("user", "list").complaint


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_sqlite_has_no_logins(shell: Shell, cast: Any, db: Database) -> None:
    assert "SQLite has no logins" in shell("db", "grant", "console", "cara").complaint
    assert "SQLite has no logins" in shell("db", "rights", "--sql").complaint
    assert log(db) == []


def test_each_role_but_the_owner_is_in_the_table() -> None:
    assert set(LIMITED_ROLES) == set(Role) - {Role.OWNER}
