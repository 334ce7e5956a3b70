"""`readwatch user list`: accounts by state, role and words of their names and e-mails."""

from collections.abc import Sequence
from dataclasses import asdict

import click

from readwatch.cli.database import database
from readwatch.cli.examples import examples
from readwatch.cli.main import database_url
from readwatch.cli.operator import cli_event
from readwatch.cli.option_types import WholeNumber
from readwatch.cli.output import print_json, print_line, print_table
from readwatch.cli.settings import acting_admin
from readwatch.domain.audit import AuditAction
from readwatch.domain.clock import system_clock
from readwatch.domain.filters import filter_size, parse
from readwatch.domain.groups import Group
from readwatch.domain.plural import counted
from readwatch.domain.users import Account, AccountState, UserRole
from readwatch.store.audit import log as audit_log
from readwatch.store.engine import migrations
from readwatch.store.identity import users
from readwatch.store.identity.groups import find_group
from readwatch.store.lists.accounts import AccountQuery, account_ids, account_rows

_LIMIT = 100


@click.command(
    "list",
    epilog=examples(
        "readwatch user list", "readwatch user list --state suspended --role reader --search drcl"
    ),
)
@click.option(
    "--state",
    type=click.Choice([str(state) for state in AccountState]),
    help="List only accounts in this state; by default all that are not deleted.",
)
@click.option(
    "--role",
    type=click.Choice([str(role) for role in UserRole]),
    help="List only accounts with this role.",
)
@click.option("--group", metavar="NAME", help="List only the readers of this group.")
@click.option(
    "--search",
    metavar="WORDS",
    default="",
    help="List only accounts whose name or e-mail has these words, as the console finds them.",
)
@click.option(
    "--limit",
    type=WholeNumber(0),
    default=_LIMIT,
    show_default=True,
    help="List at most so many accounts; 0 lists all.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@acting_admin
@click.pass_context
def command(
    context: click.Context,
    state: str | None,
    role: str | None,
    group: str | None,
    search: str,
    limit: int,
    as_json: bool,
    admin: str | None,
) -> None:
    """List the accounts by name.

    `--search` ignores case and accents, and the words may be incomplete: `drcl` finds Dracula. If
    three or fewer accounts are listed, the access log names each of them.
    """
    with database(database_url(context)) as db:
        migrations.require_current(db)
        acting, now = users.acting_admin(db, admin), system_clock()
        of_group = None if group is None else find_group(db, group)
        query = AccountQuery(
            AccountState(state) if state else None,
            UserRole(role) if role else None,
            None if of_group is None else of_group.id,
            parse(search, finished=True),
        )
        access = audit_log.list_access(db, acting.id)
        ids = account_ids(db, access, query, now).ids
        listed = ids[: limit or len(ids)]
        event = cli_event(
            actor_id=acting.id,
            action_type=AuditAction.LISTED_USERS,
            details=_details(query, of_group),
        )
        accounts = account_rows(db, audit_log.log_rows(db, access, event, listed, now), listed)
    if as_json:
        print_json([{**asdict(account.user), "state": account.state} for account in accounts])
    else:
        _print(accounts)
    if len(listed) < len(ids):
        print_line(
            f"{counted(len(ids), 'account')} found, the first {len(listed):,} listed; "
            "--limit 0 lists all",
            err=True,
        )


def _details(query: AccountQuery, group: Group | None) -> str:
    """Return what was listed, for the access log, which must not contain the words of a filter."""
    state = f", state {query.state}" if query.state else ""
    of_group = f", group {group.name}" if group else ""
    return f"cli, role {query.role or 'any'}{state}{of_group}{filter_size(query.terms)}"


def _print(accounts: Sequence[Account]) -> None:
    print_table(
        ("id", "role", "name", "e-mail", "state", "created"),
        [
            (
                account.user.id,
                account.user.user_role,
                account.user.full_name,
                account.user.email,
                account.state,
                f"{account.user.created_at.astimezone():%Y-%m-%d}",
            )
            for account in accounts
        ],
    )
