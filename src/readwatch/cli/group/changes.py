"""`readwatch group add`, `rename` and `delete`."""

from collections.abc import Sequence

import click

from readwatch.cli.confirmation import confirm
from readwatch.cli.database import database
from readwatch.cli.examples import examples
from readwatch.cli.group.changing import changing
from readwatch.cli.main import database_url
from readwatch.cli.output import print_line
from readwatch.cli.settings import acting_admin
from readwatch.domain.audit import AuditAction
from readwatch.domain.groups import Group, checked_group_name
from readwatch.domain.plural import counted
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database
from readwatch.store.identity import groups


@click.command("add", epilog=examples("readwatch group add 4c", "readwatch group add 5a 5b 5c"))
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@acting_admin
@click.pass_context
def add(context: click.Context, names: Sequence[str], admin: str | None) -> None:
    """Add groups, all or none if a name is taken."""
    with changing(context, admin) as change:
        for name in map(checked_group_name, names):
            change.log(AuditAction.ADDED_GROUP, f"group {name}")
            groups.add_group(change.db, name, change.now)
    print_line(f"added {', '.join(map(checked_group_name, names))}")


@click.command("rename", epilog=examples("readwatch group rename 4b 5b"))
@click.argument("name")
@click.argument("new_name")
@acting_admin
@click.pass_context
def rename(context: click.Context, name: str, new_name: str, admin: str | None) -> None:
    """Give a group another name."""
    new_name = checked_group_name(new_name)
    with changing(context, admin) as change:
        group = groups.find_group(change.db, name)
        change.log(AuditAction.RENAMED_GROUP, f"group {group.name} to {new_name}")
        groups.rename_group(change.db, group, new_name)
    print_line(f"{group.name} is now {new_name}")


@click.command("delete", epilog=examples("readwatch group delete 4b"))
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@acting_admin
@click.pass_context
def delete(context: click.Context, name: str, yes: bool, admin: str | None) -> None:
    """Delete a group; its readers stay.

    A consultant who is assigned to no other group sees nobody from then on.
    """
    if not yes:
        with database(database_url(context)) as db:
            migrations.require_current(db)
            group = groups.find_group(db, name)
            confirm(f"Delete the group {_described(db, group)}?", refusal="nothing was deleted")
    with changing(context, admin) as change:
        group = groups.find_group(change.db, name)
        blinded = groups.consultants_of_this_alone(change.db, group)
        change.log(AuditAction.DELETED_GROUP, f"group {group.name}")
        groups.delete_group(change.db, group, change.now)
    print_line(f"deleted {group.name}; its readers stay")
    if blinded:
        sees = counted(len(blinded), "consultant sees", "consultants see")
        print_line(
            f"{sees} nobody now: assign another group with readwatch group assign, or end the "
            "assignment with readwatch group unassign",
            err=True,
        )


def _described(db: Database, group: Group) -> str:
    readers = counted(len(groups.member_ids(db, group)), "reader")
    consultants = counted(len(groups.consultant_ids(db, group)), "consultant")
    return f"{group.name}, with {readers} and {consultants}"
