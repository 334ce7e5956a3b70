"""`readwatch session`: list and end readers' sessions."""

from dataclasses import asdict

import click

from readwatch.cli.database import database
from readwatch.cli.examples import examples
from readwatch.cli.main import database_url
from readwatch.cli.operator import cli_event
from readwatch.cli.option_types import WholeNumber
from readwatch.cli.output import local_time, print_json, print_line, print_table
from readwatch.cli.settings import acting_admin
from readwatch.domain.audit import AuditAction
from readwatch.domain.clock import system_clock
from readwatch.store import reader_data
from readwatch.store.audit import log as audit_log
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database
from readwatch.store.identity import sessions, users
from readwatch.store.lists.open_sessions import open_sessions


@click.group()
def command() -> None:
    """List and end readers' sessions; each command is logged in the access log."""


@command.command("list", epilog=examples("readwatch session list"))
@click.option(
    "--reader",
    "email",
    metavar="EMAIL",
    help="List the latest sessions of this reader, including ended ones.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@acting_admin
@click.pass_context
def list_(context: click.Context, email: str | None, as_json: bool, admin: str | None) -> None:
    """List the active sessions of all readers, latest heartbeat first."""
    with database(database_url(context)) as db:
        migrations.require_current(db)
        acting_id = users.acting_admin(db, admin).id
        if email is None:
            _list_open(db, acting_id, as_json=as_json)
        else:
            _list_of_reader(db, acting_id, email, as_json=as_json)


def _list_open(db: Database, acting_id: int, *, as_json: bool) -> None:
    access = audit_log.log_list_access(
        db,
        audit_log.list_access(db, acting_id),
        cli_event(actor_id=acting_id, action_type=AuditAction.LISTED_SESSIONS, details="cli"),
        system_clock(),
    )
    active_sessions = open_sessions(db, access)
    if as_json:
        print_json([asdict(session) for session in active_sessions])
        return
    print_table(
        ("id", "reader", "device", "address", "last heartbeat"),
        [
            (
                session.id,
                session.full_name,
                session.device_type,
                session.ip_address,
                local_time(session.last_heartbeat),
            )
            for session in active_sessions
        ],
    )


def _list_of_reader(db: Database, acting_id: int, email: str, *, as_json: bool) -> None:
    reader_id = users.find_user(db, email).id
    reader_data.require_reader(db, reader_id)
    event = cli_event(
        actor_id=acting_id,
        action_type=AuditAction.VIEWED_READER_SESSIONS,
        subject_id=reader_id,
        details="cli",
    )
    latest_sessions = reader_data.sessions(db, audit_log.log_access(db, event, system_clock()))
    if as_json:
        print_json([asdict(session) for session in latest_sessions])
        return
    print_table(
        ("id", "device", "address", "since", "last heartbeat", "ended"),
        [
            (
                session.id,
                session.device_type,
                session.ip_address,
                local_time(session.started_at),
                local_time(session.last_heartbeat),
                local_time(session.ended_at),
            )
            for session in latest_sessions
        ],
    )


@command.command(
    "revoke",
    epilog=examples(
        "readwatch session revoke 1", "readwatch session revoke --user ann@example.org"
    ),
)
@click.argument("session_id", metavar="[ID]", type=WholeNumber(min=1), required=False)
@click.option(
    "--user", "email", metavar="EMAIL", help="End all sessions of this reader, consultant or admin."
)
@acting_admin
@click.pass_context
def revoke(
    context: click.Context, session_id: int | None, email: str | None, admin: str | None
) -> None:
    """End the session with this ID, or all sessions of a user.

    The device must then log in with the password. This also applies to a session that timed out.
    """
    if (session_id is None) == (email is None):
        raise click.UsageError("give either the ID of a session or --user EMAIL", context)
    with database(database_url(context)) as db:
        migrations.require_current(db)
        acting, now = users.acting_admin(db, admin), system_clock()
        with db.atomic():
            if session_id is not None:
                user_id = sessions.revoke_session(db, session_id, now)
                result, details = f"revoked session {session_id}", f"cli, session {session_id}"
            else:
                user_id = users.find_user(db, email or "").id
                ended = sessions.end_all_sessions(db, user_id, now)
                result, details = f"revoked all sessions, {ended} of them open", "cli, all"
            audit_log.append_in_transaction(
                db,
                cli_event(
                    actor_id=acting.id,
                    action_type=AuditAction.REVOKED_SESSIONS,
                    subject_id=user_id,
                    details=details,
                ),
                now,
            )
    print_line(result)
