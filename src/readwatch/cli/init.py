"""`readwatch init`: create a database that is ready to use."""

import sys
from pathlib import Path

import click

from readwatch.cli.database import database
from readwatch.cli.db import upgrade
from readwatch.cli.examples import examples
from readwatch.cli.main import database_url
from readwatch.cli.operator import cli_event
from readwatch.cli.output import print_line
from readwatch.cli.passwords import bcrypt_cost_setting, read_password
from readwatch.cli.settings import without_password
from readwatch.domain.audit import AuditAction
from readwatch.domain.clock import system_clock
from readwatch.domain.errors import conflict, invalid
from readwatch.domain.users import User, UserRole, checked_name
from readwatch.store.audit import log as audit_log
from readwatch.store.engine import migrations
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.sqlite import is_sqlite_url, sqlite_path
from readwatch.store.identity import users
from readwatch.store.identity.passwords import hash_password


@click.command(
    epilog=examples(
        "readwatch init", "readwatch init --admin-email dora@example.org --admin-name 'Dora Dyer'"
    )
)
@click.option("--admin-email", help="E-mail of the first admin.")
@click.option("--admin-name", help="Full name of the first admin.")
@click.option("--password-stdin", is_flag=True, help="Read the admin's password from stdin.")
@bcrypt_cost_setting
@upgrade.upgrade_options
@click.pass_context
def command(
    context: click.Context,
    admin_email: str | None,
    admin_name: str | None,
    password_stdin: bool,
    bcrypt_cost: int,
    admin: str | None,
    folder: Path | None,
    no_backup: bool,
    yes: bool,
) -> None:
    """Create the database and the first admin; an older database is upgraded as by db upgrade.

    Running it again is safe: existing data stays.
    """
    url = database_url(context)
    new_admin = None
    if _admins(url):
        _upgrade(url, folder, admin, no_backup=no_backup, yes=yes)
    else:
        # All answers are checked before anything is created.
        email = users.checked_email(
            _option_or_prompt("--admin-email", admin_email, "Admin's e-mail")
        )
        name = checked_name(_option_or_prompt("--admin-name", admin_name, "Admin's name"))
        password = read_password(UserRole.ADMIN, from_stdin=password_stdin)
        new_admin = users.NewUser(
            email=email,
            full_name=name,
            user_role=UserRole.ADMIN,
            password_hash=hash_password(password, bcrypt_cost),
        )
    applied = migrations.create_or_upgrade(url)
    for migration in applied:
        print_line(f"applied schema {migration.number} ({migration.name})")
    if new_admin is not None:
        _add_first_admin(url, new_admin)
        print_line(f"added the admin {new_admin.email}")
    elif admin_email is not None:
        print_line("an admin exists; add another one with: readwatch user add EMAIL --role admin")
    upgrade.print_unenforced(url)
    print_line(f"ready: {without_password(url)}")


def _admins(url: str) -> tuple[User, ...]:
    """Return the admins; none if there is no database yet."""
    if is_sqlite_url(url) and not sqlite_path(url).is_file():
        return ()
    # As the owner: in a database that was restored or renamed, other roles have no rights yet.
    with database(url, Role.OWNER) as db:
        return users.list_admins(db) if migrations.history(db) else ()


def _upgrade(
    url: str, folder: Path | None, admin: str | None, *, no_backup: bool, yes: bool
) -> None:
    """Upgrade an older database in which there is something to lose; leave a current one alone."""
    plan = upgrade.planned(url)
    if plan.migrations:
        target = None if no_backup else upgrade.backup_file(url, folder, plan, system_clock())
        for line in upgrade.plan_lines(plan, target):
            print_line(line)
        upgrade.carry_out(plan, url, target, admin, yes=yes, err=False)


def _option_or_prompt(option: str, value: str | None, prompt: str) -> str:
    if value is not None:
        return value
    if not sys.stdin.isatty():
        raise invalid(f"there is no admin yet; set one with {option}")
    answer: str = click.prompt(prompt)
    return answer


def _add_first_admin(url: str, new_admin: users.NewUser) -> None:
    now = system_clock()
    with database(url) as db, db.atomic():
        if users.list_admins(db):
            raise conflict("somebody else has just added the first admin; run: readwatch init")
        admin = users.add_user(db, new_admin, now)
        audit_log.append_in_transaction(
            db,
            cli_event(
                actor_id=admin.id,
                action_type=AuditAction.ADDED_USER,
                subject_id=admin.id,
                details="cli init, role admin",
            ),
            now,
        )
