"""`readwatch db rights` and `db grant`: which role and which login may do what."""

from collections.abc import Iterator

import click

from readwatch.cli.database import database
from readwatch.cli.examples import examples
from readwatch.cli.main import database_url
from readwatch.cli.operator import cli_event
from readwatch.cli.output import print_json, print_line, print_table
from readwatch.cli.settings import acting_admin
from readwatch.domain.audit import AuditAction
from readwatch.domain.clock import system_clock
from readwatch.domain.errors import misconfigured
from readwatch.store.audit import log as audit_log
from readwatch.store.engine import migrations
from readwatch.store.engine.privileges import (
    ALL,
    LIMITED_ROLES,
    PRIVILEGES,
    PROGRAMS,
    TABLES,
    Privileges,
    Role,
    privileges_on,
)
from readwatch.store.engine.sqlite import is_sqlite_url
from readwatch.store.identity import users


@click.command("rights", epilog=examples("readwatch db rights"))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--sql", is_flag=True, help="Print the SQL with which PostgreSQL enforces the privileges."
)
@click.pass_context
def show(context: click.Context, as_json: bool, sql: bool) -> int:
    """Show what each role may do to each table.

    The exit code is 0 if the database engine enforces all of it.
    """
    url = database_url(context)
    if sql:
        _print_sql(url)
        return 0
    unenforced = migrations.unenforced_privileges(url)
    if as_json:
        print_json({"privileges": _as_json(), "unenforced": unenforced})
        return 1 if unenforced else 0
    print_table(("table", *LIMITED_ROLES), list(matrix()))
    print_line("r reads, a appends, c changes, d deletes; * only these columns:")
    print_table(("role", "table", "action", "columns"), list(limits()))
    for sentence in unenforced:
        print_line(f"NOT ENFORCED: {sentence}")
    if not unenforced:
        print_line("the database engine enforces this for every connection of readwatch")
    return 1 if unenforced else 0


def matrix() -> Iterator[tuple[str, ...]]:
    """Yield one line for each table: the privileges of each role, as letters."""
    for table in TABLES:
        yield table, *(_letters(privileges_on(role, table)) for role in LIMITED_ROLES)


def limits() -> Iterator[tuple[str, str, str, str]]:
    """Yield the privileges that are limited to columns: role, table, action, columns."""
    for role, tables in PRIVILEGES.items():
        for table, privileges in sorted(tables.items()):
            for action, columns in (
                ("reads", privileges.read),
                ("appends", privileges.append),
                ("changes", privileges.change),
            ):
                if columns and columns != ALL:
                    yield role, table, action, str(columns)


def _letters(privileges: Privileges) -> str:
    return "".join(
        letter + ("" if scope in (True, ALL) else "*")
        for letter, scope in (
            ("r", privileges.read),
            ("a", privileges.append),
            ("c", privileges.change),
            ("d", privileges.delete),
        )
        if scope
    )


def _as_json() -> dict[str, dict[str, dict[str, object]]]:
    return {
        role: {
            table: {
                "read": str(privileges.read),
                "append": str(privileges.append),
                "change": str(privileges.change),
                "delete": privileges.delete,
            }
            for table, privileges in tables.items()
        }
        for role, tables in PRIVILEGES.items()
    }


def _print_sql(url: str) -> None:
    _refuse_sqlite(url)
    from readwatch.store.engine.grants import grant_statements  # needs PostgreSQL's driver

    with database(url, Role.OWNER) as db:
        migrations.require_current(db)
        click.echo("BEGIN;")
        for statement in grant_statements(db):
            click.echo(f"{statement};")
        click.echo("COMMIT;")


@click.command("grant", epilog=examples("readwatch db grant console consultants"))
@click.argument("program", type=click.Choice(list(PROGRAMS)))
@click.argument("login")
@acting_admin
@click.pass_context
def grant(context: click.Context, program: str, login: str, admin: str | None) -> None:
    """Allow a PostgreSQL login for one program only.

    LOGIN may then do what the program does, and nothing else. To withdraw this, use REVOKE in psql.
    This command is logged in the access log.
    """
    url = database_url(context)
    _refuse_sqlite(url)
    from readwatch.store.engine.grants import grant_program  # needs PostgreSQL's driver

    with database(url, Role.OWNER) as db:
        migrations.require_current(db)
        acting = users.acting_admin(db, admin)
        with db.atomic():
            grant_program(db, program=program, login=login)
            event = cli_event(
                actor_id=acting.id,
                action_type=AuditAction.GRANTED_PRIVILEGES,
                details=f"cli, {program} to {login}",
            )
            audit_log.append_in_transaction(db, event, system_clock())
    print_line(f"{login} may be used for: {program}")


def _refuse_sqlite(url: str) -> None:
    if is_sqlite_url(url):
        raise misconfigured(
            "SQLite has no logins; the permissions of the file decide who can open it"
        )
