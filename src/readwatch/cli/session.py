"""`readwatch session`: readers' sessions, seen and ended."""

from dataclasses import asdict

import click

from readwatch.cli.database import database
from readwatch.cli.main import database_url
from readwatch.cli.output import local, print_json, print_table
from readwatch.cli.settings import acting_admin
from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.clock import system_clock
from readwatch.store import reader_data, totals
from readwatch.store.audit import log as audit_log
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database
from readwatch.store.identity import sessions, users


@click.group()
def command() -> None:
    """See and end readers' sessions; each call is in the access log."""


@command.command("list")
@click.option(
    "--reader", "email", metavar="EMAIL", help="The latest of one reader, ended ones too."
)
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")
@acting_admin
@click.pass_context
def list_(context: click.Context, email: str | None, as_json: bool, admin: str | None) -> None:
    """List the open sessions of all readers, the last heard first."""
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
        AuditEvent(acting_id, AuditAction.LISTED_SESSIONS, details="cli"),
        system_clock(),
    )
    found = totals.open_sessions(db, access)
    if as_json:
        print_json([asdict(session) for session in found])
        return
    print_table(
        ("id", "reader", "device", "address", "last heartbeat"),
        [
            (
                session.id,
                session.full_name,
                session.device_type,
                session.ip_address,
                local(session.last_heartbeat),
            )
            for session in found
        ],
    )


def _list_of_reader(db: Database, acting_id: int, email: str, *, as_json: bool) -> None:
    reader_id = users.find_user(db, email).id
    reader_data.require_reader(db, reader_id)
    look = AuditEvent(acting_id, AuditAction.VIEWED_READER_SESSIONS, reader_id, "cli")
    found = reader_data.sessions(db, audit_log.log_access(db, look, system_clock()))
    if as_json:
        print_json([asdict(session) for session in found])
        return
    print_table(
        ("id", "device", "address", "since", "last heartbeat", "ended"),
        [
            (
                session.id,
                session.device_type,
                session.ip_address,
                local(session.started_at),
                local(session.last_heartbeat),
                local(session.ended_at),
            )
            for session in found
        ],
    )


@command.command("revoke")
@click.argument("session_id", metavar="[ID]", type=click.IntRange(min=1), required=False)
@click.option("--user", "email", metavar="EMAIL", help="All sessions of one user, also of staff.")
@acting_admin
@click.pass_context
def revoke(
    context: click.Context, session_id: int | None, email: str | None, admin: str | None
) -> None:
    """End a reader's session, or all of a user; only the password opens another one.

    A session that ended by silence is revoked as well: its device cannot come back with it.
    """
    if (session_id is None) == (email is None):
        raise click.UsageError("give the ID of a session, or --user EMAIL", context)
    with database(database_url(context)) as db:
        migrations.require_current(db)
        acting, now = users.acting_admin(db, admin), system_clock()
        with db.atomic():
            if session_id is not None:
                user_id = sessions.revoke_session(db, session_id, now)
                said, details = f"revoked session {session_id}", f"cli, session {session_id}"
            else:
                user_id = users.find_user(db, email or "").id
                ended = sessions.end_all_sessions(db, user_id, now)
                said, details = f"revoked all sessions, of which {ended} open", "cli, all"
            audit_log.append_in_transaction(
                db, AuditEvent(acting.id, AuditAction.REVOKED_SESSIONS, user_id, details), now
            )
    click.echo(said)
