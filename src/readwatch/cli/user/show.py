"""`readwatch user show`: one account, and who is logged in with it."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import timedelta
from math import ceil

import click

from readwatch.cli.database import database
from readwatch.cli.examples import examples
from readwatch.cli.main import database_url
from readwatch.cli.operator import cli_event
from readwatch.cli.output import local_time, print_json, print_table
from readwatch.cli.settings import acting_admin
from readwatch.domain.audit import AuditAction
from readwatch.domain.clock import system_clock
from readwatch.domain.groups import Group
from readwatch.domain.users import AccountStatus, ReaderProfile, User, UserRole
from readwatch.store import reader_data
from readwatch.store.audit import log as audit_log
from readwatch.store.engine import migrations
from readwatch.store.identity import accounts, groups, users


@click.command("show", epilog=examples("readwatch user show ann@example.org"))
@click.argument("email")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@acting_admin
@click.pass_context
def command(context: click.Context, email: str, as_json: bool, admin: str | None) -> None:
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
        of_reader = groups.groups_of_reader(db, permit)
        assigned = groups.assigned_groups(db, user.id)
    if as_json:
        print_json(
            {
                "user": asdict(user),
                "profile": profile and asdict(profile),
                "groups": [group.name for group in of_reader],
                "sees": _sees(user, assigned),
                "open_sessions": status.open_sessions,
                "last_login": status.last_login,
                "locked_seconds": _seconds(status.locked_for),
                "invited_until": status.invited_until,
            }
        )
        return
    print_table(("e-mail", user.email), list(_rows(user, profile, of_reader, assigned, status)))


Assigned = Sequence[tuple[Group, bool]]


def _sees(user: User, assigned: Assigned) -> str | None:
    """Say whose data a consultant or an admin sees; None for a reader."""
    if user.user_role is not UserRole.CONSULTANT:
        return "all readers" if user.user_role.is_staff else None
    names = ", ".join(group.name for group, is_deleted in assigned if not is_deleted)
    if names:
        return f"the readers of {names}"
    return "nobody: all assigned groups are deleted" if assigned else "all readers"


def _rows(
    user: User,
    profile: ReaderProfile | None,
    of_reader: Sequence[Group],
    assigned: Assigned,
    status: AccountStatus,
) -> Iterator[tuple[str, object]]:
    yield "id", user.id
    yield "name", user.full_name
    yield "role", user.user_role
    yield "state", "active" if user.is_active else "suspended"
    yield "created", local_time(user.created_at)
    if (sees := _sees(user, assigned)) is not None:
        yield "sees", sees
    if profile is not None:
        yield "groups", ", ".join(group.name for group in of_reader) or "none"
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
