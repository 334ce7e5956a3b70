"""`readwatch group show`: the readers and the consultants of one group."""

from collections.abc import Sequence

import click

from readwatch.cli.database import database
from readwatch.cli.examples import examples
from readwatch.cli.main import database_url
from readwatch.cli.operator import cli_event
from readwatch.cli.output import print_json, print_line, print_table
from readwatch.cli.settings import acting_admin
from readwatch.domain.audit import AuditAction
from readwatch.domain.clock import system_clock
from readwatch.domain.groups import Group
from readwatch.domain.plural import counted
from readwatch.domain.users import Account, UserRole
from readwatch.store.audit import log as audit_log
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database
from readwatch.store.identity import groups, users
from readwatch.store.lists.accounts import account_rows


@click.command("show", epilog=examples("readwatch group show 4b"))
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@acting_admin
@click.pass_context
def command(context: click.Context, name: str, as_json: bool, admin: str | None) -> None:
    """Show the readers and the consultants of a group."""
    with database(database_url(context)) as db:
        migrations.require_current(db)
        acting_id = users.acting_admin(db, admin).id
        group = groups.find_group(db, name)
        people = _people(db, acting_id, group)
    readers = [each for each in people if each.user.user_role is UserRole.READER]
    consultants = [each for each in people if each.user.user_role is not UserRole.READER]
    if as_json:
        print_json(
            {
                "name": group.name,
                "created_at": group.created_at,
                "readers": list(map(_as_json, readers)),
                "consultants": list(map(_as_json, consultants)),
            }
        )
        return
    print_table(("e-mail", "name", "state"), [_row(each) for each in readers])
    print_line(f"{counted(len(readers), 'reader')} in {group.name}")
    if consultants:
        emails = ", ".join(each.user.email for each in consultants)
        print_line(f"consultants who see only groups, this one among them: {emails}")
    else:
        print_line("no consultant is assigned: those without a group see all readers")


def _people(db: Database, acting_id: int, group: Group) -> Sequence[Account]:
    """Return the members and the consultants, after they are logged."""
    members, consultants = groups.member_ids(db, group), groups.consultant_ids(db, group)
    access = audit_log.list_access(db, acting_id)
    event = cli_event(
        actor_id=acting_id,
        action_type=AuditAction.LISTED_USERS,
        details=f"cli, group {group.name}",
    )
    rows = audit_log.log_rows(db, access, event, members, system_clock())
    return account_rows(db, rows, [*members, *consultants])


def _row(account: Account) -> tuple[str, str, str]:
    return account.user.email, account.user.full_name, account.state


def _as_json(account: Account) -> dict[str, object]:
    user = account.user
    return {"id": user.id, "email": user.email, "full_name": user.full_name, "state": account.state}
