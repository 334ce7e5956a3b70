"""`readwatch user invite`: codes with which people set their own password."""

from collections.abc import Sequence

import click

from readwatch.cli.database import database
from readwatch.cli.examples import examples
from readwatch.cli.main import database_url
from readwatch.cli.operator import cli_event
from readwatch.cli.output import local_time, print_json, print_line, print_table
from readwatch.cli.settings import acting_admin
from readwatch.domain.audit import AuditAction
from readwatch.domain.clock import system_clock
from readwatch.domain.errors import conflict, not_found
from readwatch.domain.plural import counted
from readwatch.domain.users import User, normalised_email
from readwatch.store.audit import log as audit_log
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database
from readwatch.store.engine.locks import Lock, acquire_lock
from readwatch.store.identity import invitations, users

HOW_TO_USE = "the app sends the code and a password to POST /api/invitation"


@click.command(
    "invite",
    epilog=examples(
        "readwatch user invite ann@example.org ben@example.org",
        "readwatch user invite --revoke ann@example.org",
    ),
)
@click.argument("emails", metavar="EMAIL...", nargs=-1, required=True)
@click.option("--revoke", is_flag=True, help="Make the codes of these people void instead.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@acting_admin
@click.pass_context
def command(
    context: click.Context, emails: Sequence[str], revoke: bool, as_json: bool, admin: str | None
) -> None:
    """Print codes with which people set their password.

    A code is valid for 72 hours and for one password, and is printed only now. It makes earlier
    codes of the account void; until it is used, the account keeps its password. All are invited, or
    none if one of them cannot be.
    """
    with database(database_url(context)) as db:
        migrations.require_current(db)
        acting = users.acting_admin(db, admin)
        if revoke:
            _revoke(db, acting, _people(db, emails), as_json=as_json)
        else:
            _invite(db, acting, _people(db, emails), as_json=as_json)


def _people(db: Database, emails: Sequence[str]) -> list[User]:
    """Return the accounts, each once."""
    people = []
    for email in dict.fromkeys(map(normalised_email, emails)):
        user = users.user_or_none(db, email)
        if user is None:
            raise not_found(f"nothing was changed: there is no account {email!r}")
        people.append(user)
    return people


def _invite(db: Database, acting: User, people: Sequence[User], *, as_json: bool) -> None:
    codes = {user.id: invitations.new_code() for user in people}
    now = system_clock()
    with db.atomic():
        acquire_lock(db, Lock.ROLLUPS)  # the first lock of every change of an account
        for user in people:
            # It may have been suspended or deleted since.
            if not users.get_user(db, user.id).is_active:
                raise conflict(
                    f"nobody was invited: {user.email} is suspended; first: readwatch user "
                    f"activate {user.email}"
                )
            event = cli_event(
                actor_id=acting.id,
                action_type=AuditAction.INVITED_USER,
                subject_id=user.id,
                details="cli",
            )
            audit_log.append_in_transaction(db, event, now)
        expires_at = invitations.add_invitations(db, codes, now)
    if as_json:
        print_json(
            [
                {"email": user.email, "code": codes[user.id], "expires_at": expires_at}
                for user in people
            ]
        )
        return
    print_table(("e-mail", "code"), [(user.email, codes[user.id]) for user in people])
    print_line(f"valid until {local_time(expires_at)}")
    print_line(HOW_TO_USE, err=True)


def _revoke(db: Database, acting: User, people: Sequence[User], *, as_json: bool) -> None:
    now = system_clock()
    with db.atomic():
        acquire_lock(db, Lock.ROLLUPS)
        invited = [user for user in people if invitations.invited_until(db, user.id, now)]
        for user in invited:
            event = cli_event(
                actor_id=acting.id,
                action_type=AuditAction.REVOKED_INVITATION,
                subject_id=user.id,
                details="cli",
            )
            audit_log.append_in_transaction(db, event, now)
            invitations.revoke(db, user.id)
    if as_json:
        print_json([{"email": user.email, "revoked": user in invited} for user in people])
    else:
        print_line(f"revoked {counted(len(invited), 'code')}")
