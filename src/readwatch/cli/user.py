"""`readwatch user`: add, show and change accounts."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from math import ceil

import click

from readwatch.cli import (
    user_edit,
    user_erase,
    user_export,
    user_import,
    user_invite,
    user_list,
)
from readwatch.cli.confirmation import confirm_email
from readwatch.cli.database import database
from readwatch.cli.examples import examples
from readwatch.cli.main import database_url
from readwatch.cli.operator import cli_event
from readwatch.cli.output import local_time, print_json, print_line, print_table
from readwatch.cli.passwords import bcrypt_cost_setting, read_password
from readwatch.cli.profile_checks import check_profile
from readwatch.cli.settings import acting_admin
from readwatch.domain.audit import AuditAction
from readwatch.domain.clock import system_clock
from readwatch.domain.plural import counted
from readwatch.domain.users import AccountStatus, ReaderProfile, User, UserRole, checked_name
from readwatch.store import reader_data
from readwatch.store.audit import log as audit_log
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database
from readwatch.store.engine.locks import Lock, acquire_lock
from readwatch.store.identity import accounts, invitations, users
from readwatch.store.identity.passwords import hash_password

_ROLES = click.Choice([str(role) for role in UserRole])


@click.group()
def command() -> None:
    """Add, show and change accounts; each command is logged in the access log."""


command.add_command(user_edit.edit)
command.add_command(user_erase.erase)
command.add_command(user_export.export)
command.add_command(user_import.import_)
command.add_command(user_invite.invite)
command.add_command(user_list.list_)


@command.command(
    "add",
    epilog=examples(
        "readwatch user add eve@example.org --role reader --name 'Eve Ellis' --invite",
        "readwatch user add eve@example.org --role reader --name 'Eve Ellis'",
    ),
)
@click.argument("email")
@click.option("--role", "role", type=_ROLES, required=True, help="Role of the account.")
@click.option("--name", "full_name", required=True, help="Full name.")
@click.option("--reading-level", help="Reading level of a reader, such as B1.")
@click.option("--language", default="en", show_default=True, help="Preferred language of a reader.")
@click.option(
    "--timezone", default="UTC", show_default=True, help="Time zone, such as Europe/Vienna."
)
@click.option("--password-stdin", is_flag=True, help="Read the password from stdin.")
@click.option(
    "--invite", is_flag=True, help="Print a code with which the person sets the password."
)
@bcrypt_cost_setting
@acting_admin
@click.pass_context
def add(
    context: click.Context,
    email: str,
    role: str,
    full_name: str,
    reading_level: str | None,
    language: str,
    timezone: str,
    password_stdin: bool,
    invite: bool,
    bcrypt_cost: int,
    admin: str | None,
) -> None:
    """Add an account for a reader, a consultant or an admin.

    The password comes from a prompt or from stdin, or the person sets it: `--invite` prints a code
    as `readwatch user invite` does.
    """
    if invite and password_stdin:
        raise click.UsageError("use either --invite or --password-stdin")
    user_role = UserRole(role)
    email, full_name = users.checked_email(email), checked_name(full_name)
    check_profile(reading_level, language, timezone)
    with database(database_url(context)) as db:
        migrations.require_current(db)
        acting = users.acting_admin(db, admin)
        new = users.NewUser(
            email=email,
            full_name=full_name,
            user_role=user_role,
            password_hash=invitations.NO_PASSWORD
            if invite
            else hash_password(read_password(user_role, from_stdin=password_stdin), bcrypt_cost),
            reading_level=reading_level,
            preferred_language=language,
            timezone=timezone,
        )
        now = system_clock()
        with db.atomic():
            added = users.add_user(db, new, now)
            audit_log.append_in_transaction(
                db,
                cli_event(
                    actor_id=acting.id,
                    action_type=AuditAction.ADDED_USER,
                    subject_id=added.id,
                    details=f"cli, role {user_role}{', invited' if invite else ''}",
                ),
                now,
            )
            if invite:
                code = invitations.new_code()
                until = invitations.add_invitations(db, {added.id: code}, now)
    print_line(f"added {user_role} {added.id}: {email}")
    if invite:
        print_line(f"code, valid until {local_time(until)}: {code}")
        print_line(user_invite.HOW_TO_USE, err=True)


@command.command("show", epilog=examples("readwatch user show ann@example.org"))
@click.argument("email")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@acting_admin
@click.pass_context
def show(context: click.Context, email: str, as_json: bool, admin: str | None) -> None:
    """Show an account: profile, state, active sessions and last login."""
    with database(database_url(context)) as db:
        migrations.require_current(db)
        acting = users.acting_admin(db, admin)
        event = cli_event(
            actor_id=acting.id,
            action_type=AuditAction.VIEWED_USER,
            subject_id=users.find_user(db, email).id,
            details="cli",
        )
        now = system_clock()
        permit = audit_log.log_access(db, event, now)
        user = users.get_user(db, permit.subject_id)
        status = accounts.account_status(db, permit, now)
        profile = None if user.user_role.is_staff else reader_data.profile(db, permit)
    if as_json:
        print_json(
            {
                "user": asdict(user),
                "profile": profile and asdict(profile),
                "open_sessions": status.open_sessions,
                "last_login": status.last_login,
                "locked_seconds": _seconds(status.locked_for),
                "invited_until": status.invited_until,
            }
        )
        return
    print_table(("e-mail", user.email), list(_rows(user, profile, status)))


def _rows(
    user: User, profile: ReaderProfile | None, status: AccountStatus
) -> Iterator[tuple[str, object]]:
    yield "id", user.id
    yield "name", user.full_name
    yield "role", user.user_role
    yield "state", "active" if user.is_active else "suspended"
    yield "created", local_time(user.created_at)
    if profile is not None:
        yield "reading level", profile.reading_level
        yield "language", profile.preferred_language
        yield "time zone", profile.timezone
        yield "titles read", profile.unique_content_read
        yield "minutes read", profile.total_reading_time_minutes
        yield "sessions", profile.total_sessions
    yield "invited until", local_time(status.invited_until) or "not invited"
    yield "open sessions", status.open_sessions
    yield "last login", local_time(status.last_login) or "never"
    locked_seconds = _seconds(status.locked_for)
    yield "failed logins", f"locked out for {locked_seconds} s" if locked_seconds else "not locked"


def _seconds(duration: timedelta) -> int:
    return ceil(duration.total_seconds())


@command.command("suspend", epilog=examples("readwatch user suspend ann@example.org"))
@click.argument("email")
@acting_admin
@click.pass_context
def suspend(context: click.Context, email: str, admin: str | None) -> None:
    """Suspend an account and end its sessions."""
    with _changing(context, email, admin, AuditAction.SUSPENDED_USER) as (db, user, now):
        ended = accounts.suspend(db, user.id, now)
    print_line(f"suspended {user.email}: {_ended(user, ended)}")


@command.command("activate", epilog=examples("readwatch user activate ann@example.org"))
@click.argument("email")
@acting_admin
@click.pass_context
def activate(context: click.Context, email: str, admin: str | None) -> None:
    """Allow a suspended account to log in again."""
    with _changing(context, email, admin, AuditAction.ACTIVATED_USER) as (db, user, now):
        accounts.activate(db, user.id, now)
    print_line(f"activated {user.email}")


@command.command("delete", epilog=examples("readwatch user delete ann@example.org"))
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


@command.command(
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


@command.command("role", epilog=examples("readwatch user role ann@example.org consultant"))
@click.argument("email")
@click.argument("role", type=_ROLES)
@click.option("--password-stdin", is_flag=True, help="Read the new password from stdin.")
@bcrypt_cost_setting
@acting_admin
@click.pass_context
def role_(
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
