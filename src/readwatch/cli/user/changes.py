"""The commands that change who may log in: state, password and role of an account."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import click

from readwatch.cli.confirmation import confirm_email
from readwatch.cli.database import database
from readwatch.cli.examples import examples
from readwatch.cli.main import database_url
from readwatch.cli.operator import cli_event
from readwatch.cli.option_types import ROLE
from readwatch.cli.output import print_line
from readwatch.cli.passwords import bcrypt_cost_setting, read_password
from readwatch.cli.settings import acting_admin
from readwatch.domain.audit import AuditAction
from readwatch.domain.clock import system_clock
from readwatch.domain.plural import counted
from readwatch.domain.users import User, UserRole
from readwatch.store.audit import log as audit_log
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database
from readwatch.store.engine.locks import Lock, acquire_lock
from readwatch.store.identity import accounts, users
from readwatch.store.identity.passwords import hash_password


@click.command("suspend", epilog=examples("readwatch user suspend ann@example.org"))
@click.argument("email")
@acting_admin
@click.pass_context
def suspend(context: click.Context, email: str, admin: str | None) -> None:
    """Suspend an account and end its sessions."""
    with _changing(context, email, admin, AuditAction.SUSPENDED_USER) as (db, user, now):
        ended = accounts.suspend(db, user.id, now)
    print_line(f"suspended {user.email}: {_ended(user, ended)}")


@click.command("activate", epilog=examples("readwatch user activate ann@example.org"))
@click.argument("email")
@acting_admin
@click.pass_context
def activate(context: click.Context, email: str, admin: str | None) -> None:
    """Allow a suspended account to log in again."""
    with _changing(context, email, admin, AuditAction.ACTIVATED_USER) as (db, user, now):
        accounts.activate(db, user.id, now)
    print_line(f"activated {user.email}")


@click.command("delete", epilog=examples("readwatch user delete ann@example.org"))
@click.argument("email")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@acting_admin
@click.pass_context
def delete(context: click.Context, email: str, yes: bool, admin: str | None) -> None:
    """Delete an account and end its sessions. This cannot be undone.

    The reader's data stays in the database, and the e-mail cannot be used again. To remove the
    data, use `readwatch user erase`.
    """
    if not yes:
        confirm_email(email, action="delete the account", refusal="nothing was deleted")
    with _changing(context, email, admin, AuditAction.DELETED_USER) as (db, user, now):
        ended = accounts.delete(db, user.id, now)
    print_line(f"deleted {user.email}: {_ended(user, ended)}")


@click.command(
    "passwd",
    epilog=examples(
        "readwatch user passwd ann@example.org",
        "readwatch user passwd ann@example.org --password-stdin < password.txt",
    ),
)
@click.argument("email")
@click.option("--password-stdin", is_flag=True, help="Read the password from stdin.")
@bcrypt_cost_setting
@acting_admin
@click.pass_context
def passwd(
    context: click.Context, email: str, password_stdin: bool, bcrypt_cost: int, admin: str | None
) -> None:
    """Set the password of an account and end its sessions."""
    with database(database_url(context)) as db:
        migrations.require_current(db)
        users.acting_admin(db, admin)
        role = users.find_user(db, email).user_role
    # The database is closed while the admin types the password.
    password_hash = hash_password(read_password(role, from_stdin=password_stdin), bcrypt_cost)
    with _changing(context, email, admin, AuditAction.SET_PASSWORD) as (db, user, now):
        ended = accounts.set_password(db, user.id, password_hash, now)
    print_line(f"changed the password of {user.email}: {_ended(user, ended)}")


@click.command("role", epilog=examples("readwatch user role ann@example.org consultant"))
@click.argument("email")
@click.argument("role", type=ROLE)
@click.option("--password-stdin", is_flag=True, help="Read the new password from stdin.")
@bcrypt_cost_setting
@acting_admin
@click.pass_context
def change_role(
    context: click.Context,
    email: str,
    role: str,
    password_stdin: bool,
    bcrypt_cost: int,
    admin: str | None,
) -> None:
    """Change the role of an account and end its sessions.

    A reader who becomes a consultant or admin needs a new password: longer ones are required.
    """
    new, password_hash = UserRole(role), None
    with database(database_url(context)) as db:
        migrations.require_current(db)
        users.acting_admin(db, admin)
        old = users.find_user(db, email).user_role
    if new.is_staff and not old.is_staff:
        password_hash = hash_password(read_password(new, from_stdin=password_stdin), bcrypt_cost)
    details = f"cli, {old} to {new}"
    with _changing(context, email, admin, AuditAction.CHANGED_ROLE, details) as (db, user, now):
        ended = accounts.change_role(db, user.id, new, password_hash, now)
    print_line(f"{user.email} is now {new.with_article}: {_ended(user, ended)}")


@contextmanager
def _changing(
    context: click.Context, email: str, admin: str | None, action: AuditAction, details: str = "cli"
) -> Iterator[tuple[Database, User, datetime]]:
    """Yield an account for one change, which is committed together with its access log entry."""
    with database(database_url(context)) as db:
        migrations.require_current(db)
        acting, user = users.acting_admin(db, admin), users.find_user(db, email)
        now = system_clock()
        with db.atomic():
            acquire_lock(db, Lock.ROLLUPS)  # the first lock of every change of an account
            audit_log.append_in_transaction(
                db,
                cli_event(
                    actor_id=acting.id, action_type=action, subject_id=user.id, details=details
                ),
                now,
            )
            yield db, user, now


def _ended(user: User, sessions: int) -> str:
    """Return the number of ended sessions in words; open consoles are not counted, because each
    checks its account itself."""
    ended = f"{counted(sessions, 'session')} ended"
    if not user.user_role.is_staff:
        return ended
    return f"{ended}, and each console of this account ends within 5 seconds"
