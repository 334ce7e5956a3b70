"""`readwatch group assign` and `unassign`: which consultants see only the readers of groups."""

import click

from readwatch.cli.confirmation import confirm
from readwatch.cli.database import database
from readwatch.cli.examples import examples
from readwatch.cli.group.changing import changing, people_of_role
from readwatch.cli.main import database_url
from readwatch.cli.output import print_line
from readwatch.cli.settings import acting_admin
from readwatch.domain.audit import AuditAction
from readwatch.domain.errors import conflict
from readwatch.domain.users import User, UserRole
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database
from readwatch.store.identity import groups


@click.command("assign", epilog=examples("readwatch group assign 4b cara@example.org"))
@click.argument("name")
@click.argument("email")
@acting_admin
@click.pass_context
def assign(context: click.Context, name: str, email: str, admin: str | None) -> None:
    """Limit a consultant to the readers of a group.

    The consultant sees these readers and those of the groups that were assigned before, from now
    on, also in open consoles and at the API.
    """
    with changing(context, admin) as change:
        group = groups.find_group(change.db, name)
        (consultant,) = people_of_role(change.db, [email], UserRole.CONSULTANT)
        change.log(AuditAction.ASSIGNED_GROUP, f"group {group.name}", consultant.id)
        if not groups.assign(change.db, group, consultant.id, change.now):
            raise conflict(f"{consultant.email} is assigned to {group.name} already")
        names = _names(change.db, consultant)
    print_line(f"{consultant.email} sees the readers of: {names}")


@click.command("unassign", epilog=examples("readwatch group unassign 4b cara@example.org"))
@click.argument("name")
@click.argument("email")
@click.option("--yes", is_flag=True, help="Do not ask.")
@acting_admin
@click.pass_context
def unassign(context: click.Context, name: str, email: str, yes: bool, admin: str | None) -> None:
    """End the assignment of a consultant to a group.

    Without any assignment, the consultant sees all readers.
    """
    with database(database_url(context)) as db:
        migrations.require_current(db)
        (consultant,) = people_of_role(db, [email], UserRole.CONSULTANT)
        groups.find_assigned(db, consultant.id, name)
        is_last = len(groups.assigned_groups(db, consultant.id)) == 1
    if is_last and not yes:
        confirm(
            f"{consultant.email} then sees all readers. End the assignment?",
            refusal="nothing was changed",
        )
    with changing(context, admin) as change:
        group = groups.find_assigned(change.db, consultant.id, name)
        if len(groups.assigned_groups(change.db, consultant.id)) == 1 and not (is_last or yes):
            raise conflict("nothing was changed: this is the last assignment now; try again")
        change.log(AuditAction.UNASSIGNED_GROUP, f"group {group.name}", consultant.id)
        groups.unassign(change.db, group, consultant.id)
        names = _names(change.db, consultant)
    print_line(f"{consultant.email} sees {f'the readers of: {names}' if names else 'all readers'}")


def _names(db: Database, consultant: User) -> str:
    assigned = groups.assigned_groups(db, consultant.id)
    return ", ".join(
        f"{group.name} (deleted, nobody)" if is_deleted else group.name
        for group, is_deleted in assigned
    )
