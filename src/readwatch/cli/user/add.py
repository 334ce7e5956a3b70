"""`readwatch user add`: an account for a reader, a consultant or an admin."""

import click

from readwatch.cli.database import database
from readwatch.cli.examples import examples
from readwatch.cli.main import database_url
from readwatch.cli.operator import cli_event
from readwatch.cli.option_types import ROLE
from readwatch.cli.output import local_time, print_line
from readwatch.cli.passwords import bcrypt_cost_setting, read_password
from readwatch.cli.settings import acting_admin
from readwatch.cli.user.invite import HOW_TO_USE
from readwatch.cli.user.profile_checks import check_profile
from readwatch.domain.audit import AuditAction
from readwatch.domain.clock import system_clock
from readwatch.domain.users import UserRole, checked_name
from readwatch.store.audit import log as audit_log
from readwatch.store.engine import migrations
from readwatch.store.identity import invitations, users
from readwatch.store.identity.passwords import hash_password


@click.command(
    "add",
    epilog=examples(
        "readwatch user add eve@example.org --role reader --name 'Eve Ellis' --invite",
        "readwatch user add eve@example.org --role reader --name 'Eve Ellis'",
    ),
)
@click.argument("email")
@click.option("--role", "role", type=ROLE, required=True, help="Role of the account.")
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
def command(
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
        print_line(HOW_TO_USE, err=True)
