"""`readwatch user edit`: another name, e-mail or profile for an account."""

import click

from readwatch.cli.database import database
from readwatch.cli.examples import examples
from readwatch.cli.main import database_url
from readwatch.cli.operator import cli_event
from readwatch.cli.output import print_line
from readwatch.cli.settings import acting_admin
from readwatch.cli.user.profile_checks import check_profile
from readwatch.domain.audit import AuditAction
from readwatch.domain.clock import system_clock
from readwatch.domain.errors import conflict, invalid
from readwatch.domain.users import User, checked_name
from readwatch.store.audit import log as audit_log
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database
from readwatch.store.engine.locks import Lock, acquire_lock
from readwatch.store.identity import users
from readwatch.store.identity.edits import Edit, changed_columns, save_edit


@click.command(
    "edit",
    epilog=examples("readwatch user edit ann@example.org --name 'Ann Abel' --reading-level B2"),
)
@click.argument("email")
@click.option("--name", "full_name", help="New full name.")
@click.option("--email", "new_email", metavar="NEW", help="New e-mail, with which to log in.")
@click.option("--reading-level", help='New reading level of a reader; "" removes it.')
@click.option("--language", help="New preferred language of a reader.")
@click.option("--timezone", help="New time zone of a reader, such as Europe/Vienna.")
@acting_admin
@click.pass_context
def command(
    context: click.Context,
    email: str,
    full_name: str | None,
    new_email: str | None,
    reading_level: str | None,
    language: str | None,
    timezone: str | None,
    admin: str | None,
) -> None:
    """Change the name, the e-mail or the profile of an account.

    The access log says which columns changed, never the values. With a new e-mail, an invitation of
    the account is void, and an open console of the account asks for a login. Apps stay logged in.
    """
    if (full_name, new_email, reading_level, language, timezone) == (None,) * 5:
        raise click.UsageError("name what to change, for example with --name")
    check_profile(reading_level, language, timezone)
    with database(database_url(context)) as db:
        migrations.require_current(db)
        acting, user = users.acting_admin(db, admin), users.find_user(db, email)
        edited = Edit(
            user_id=user.id,
            full_name=None if full_name is None else checked_name(full_name),
            email=None if new_email is None else users.checked_email(new_email),
            reading_level=reading_level,
            preferred_language=language,
            timezone=timezone,
        )
        _refuse_profile_of_staff(user, edited)
        columns = _save(db, acting, edited)
    print_line(f"changed {', '.join(columns)} of {edited.email or user.email}")


def _refuse_profile_of_staff(user: User, edited: Edit) -> None:
    profile = (edited.reading_level, edited.preferred_language, edited.timezone)
    if user.user_role.is_staff and profile != (None, None, None):
        raise invalid(
            f"this account is {user.user_role.with_article}; only readers have a reading level, a "
            "language and a time zone"
        )


def _save(db: Database, acting: User, edited: Edit) -> tuple[str, ...]:
    """Log and save the edit in one transaction; return the columns that changed."""
    now = system_clock()
    with db.atomic():
        acquire_lock(db, Lock.ROLLUPS)  # the first lock of every change of an account
        columns = changed_columns(db, [edited]).get(edited.user_id, ())
        if not columns:
            raise conflict("nothing was changed: the account has these values already")
        event = cli_event(
            actor_id=acting.id,
            action_type=AuditAction.EDITED_USER,
            subject_id=edited.user_id,
            details=f"cli, columns {', '.join(columns)}",
        )
        audit_log.append_in_transaction(db, event, now)
        save_edit(db, edited, now)
    return columns
