"""`readwatch group add-reader` and `remove-reader`."""

from collections.abc import Sequence

import click

from readwatch.cli.examples import examples
from readwatch.cli.group.changing import changing, people_of_role
from readwatch.cli.output import print_line
from readwatch.cli.settings import acting_admin
from readwatch.domain.audit import AuditAction
from readwatch.domain.plural import counted
from readwatch.domain.users import UserRole
from readwatch.store.identity import groups


@click.command(
    "add-reader", epilog=examples("readwatch group add-reader 4b ann@example.org ben@example.org")
)
@click.argument("name")
@click.argument("emails", metavar="EMAIL...", nargs=-1, required=True)
@acting_admin
@click.pass_context
def add_reader(context: click.Context, name: str, emails: Sequence[str], admin: str | None) -> None:
    """Put readers into a group, all or none.

    A reader can be in several groups.
    """
    with changing(context, admin) as change:
        group = groups.find_group(change.db, name)
        readers = people_of_role(change.db, emails, UserRole.READER)
        members = {*groups.member_ids(change.db, group)}
        new = [reader for reader in readers if reader.id not in members]
        for reader in new:
            change.log(AuditAction.ADDED_TO_GROUP, f"group {group.name}", reader.id)
        groups.add_members(change.db, [(group.id, reader.id) for reader in new], change.now)
    print_line(f"{_added(len(new))} to {group.name}{_others(len(readers) - len(new))}")


@click.command("remove-reader", epilog=examples("readwatch group remove-reader 4b ann@example.org"))
@click.argument("name")
@click.argument("emails", metavar="EMAIL...", nargs=-1, required=True)
@acting_admin
@click.pass_context
def remove_reader(
    context: click.Context, name: str, emails: Sequence[str], admin: str | None
) -> None:
    """Take readers out of a group."""
    with changing(context, admin) as change:
        group = groups.find_group(change.db, name)
        readers = people_of_role(change.db, emails, UserRole.READER)
        members = {*groups.member_ids(change.db, group)}
        leaving = [reader for reader in readers if reader.id in members]
        for reader in leaving:
            change.log(AuditAction.REMOVED_FROM_GROUP, f"group {group.name}", reader.id)
        groups.remove_members(change.db, group, [reader.id for reader in leaving])
    others = len(readers) - len(leaving)
    not_in_it = f"; {counted(others, 'was', 'were')} not in it" if others else ""
    print_line(f"removed {counted(len(leaving), 'reader')} from {group.name}{not_in_it}")


def _added(readers: int) -> str:
    return f"added {counted(readers, 'reader')}"


def _others(readers: int) -> str:
    return f"; {counted(readers, 'was', 'were')} in it already" if readers else ""
