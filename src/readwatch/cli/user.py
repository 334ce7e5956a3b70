"""`readwatch user`: accounts."""

from dataclasses import asdict
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from readwatch.cli.database import database
from readwatch.cli.main import database_url
from readwatch.cli.output import print_json, print_table
from readwatch.cli.passwords import read_password
from readwatch.cli.settings import acting_admin, setting
from readwatch.domain.access_log import Action, Look
from readwatch.domain.clock import system_clock
from readwatch.domain.errors import invalid
from readwatch.domain.text import clean
from readwatch.domain.users import UserRole, checked_name
from readwatch.store import access_log, schema, users
from readwatch.store.passwords import DEFAULT_COST, hash_password

_ROLES = click.Choice([str(role) for role in UserRole])


@click.group()
def command() -> None:
    """Add and list accounts; each call is in the access log."""


@command.command("add")
@click.argument("email")
@click.option("--role", "role", type=_ROLES, required=True, help="What the account is for.")
@click.option("--name", "full_name", required=True, help="The full name.")
@click.option("--reading-level", help="A reader's level, such as B1.")
@click.option("--language", default="en", show_default=True, help="A reader's language.")
@click.option("--timezone", default="UTC", show_default=True, help="Such as Europe/Vienna.")
@click.option("--password-stdin", is_flag=True, help="Read the password from stdin.")
@setting(
    "--bcrypt-cost",
    type=click.IntRange(4, 16),
    default=DEFAULT_COST,
    show_default=True,
    help="The work in a password hash; one more doubles it.",
)
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
    bcrypt_cost: int,
    admin: str | None,
) -> None:
    """Add an account: a reader, a consultant or an admin."""
    user_role = UserRole(role)
    email, full_name = users.checked_email(email), checked_name(full_name)
    _check_profile(reading_level, language, timezone)
    with database(database_url(context)) as db:
        schema.require_current(db)
        acting = users.acting_admin(db, admin)
        password = read_password(user_role, from_stdin=password_stdin)
        new = users.NewUser(
            email=email,
            full_name=full_name,
            user_role=user_role,
            password_hash=hash_password(password, bcrypt_cost),
            reading_level=reading_level,
            preferred_language=language,
            timezone=timezone,
        )
        now = system_clock()
        with db.atomic():
            added = users.add_user(db, new, now)
            access_log.append(
                db, Look(acting.id, Action.ADDED_USER, added.id, f"cli, role {user_role}"), now
            )
    click.echo(f"added {user_role} {added.id}: {email}")


def _check_profile(reading_level: str | None, language: str, timezone: str) -> None:
    """Refuse what the profile's columns cannot keep, and a time zone that nobody knows."""
    for field, value, longest in (
        ("reading level", reading_level or "", 50),
        ("language", language, 10),
    ):
        if len(value) > longest or clean(value) != value:
            raise invalid(f"a {field} has at most {longest} printable characters")
    try:
        if timezone != "UTC":  # known also where the machine has no list of zones
            ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise invalid("this machine knows no such time zone; name one as Europe/Vienna") from None


@command.command("list")
@click.option("--role", "role", type=_ROLES, help="Only this role.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")
@acting_admin
@click.pass_context
def list_(context: click.Context, role: str | None, as_json: bool, admin: str | None) -> None:
    """List the accounts, by name."""
    with database(database_url(context)) as db:
        schema.require_current(db)
        acting = users.acting_admin(db, admin)
        access_log.append(
            db,
            Look(acting.id, Action.LISTED_USERS, details=f"cli, role {role or 'any'}"),
            system_clock(),
        )
        accounts = users.list_users(db, UserRole(role) if role else None)
    if as_json:
        print_json([asdict(user) for user in accounts])
        return
    print_table(
        ("id", "role", "name", "e-mail", "state", "since"),
        [
            (
                user.id,
                user.user_role,
                user.full_name,
                user.email,
                "active" if user.is_active else "suspended",
                f"{user.created_at:%Y-%m-%d}",
            )
            for user in accounts
        ],
    )
