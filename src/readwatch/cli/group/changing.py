"""A change of groups: one transaction, with its entries first."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import click

from readwatch.cli.database import database
from readwatch.cli.main import database_url
from readwatch.cli.operator import cli_event
from readwatch.domain.audit import AuditAction
from readwatch.domain.clock import system_clock
from readwatch.domain.errors import invalid
from readwatch.domain.users import User, UserRole, normalised_email
from readwatch.store.audit import log as audit_log
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database
from readwatch.store.engine.locks import Lock, acquire_lock
from readwatch.store.identity import users


@dataclass(frozen=True, slots=True)
class Change:
    """A transaction that changes groups, the admin who makes the change, and its time."""

    db: Database
    acting_id: int
    now: datetime

    def log(self, action: AuditAction, details: str, subject_id: int | None = None) -> None:
        """Append an entry, before the change that it tells of."""
        event = cli_event(
            actor_id=self.acting_id,
            action_type=action,
            subject_id=subject_id,
            details=f"cli, {details}",
        )
        audit_log.append_in_transaction(self.db, event, self.now)


@contextmanager
def changing(context: click.Context, admin: str | None) -> Iterator[Change]:
    """Yield a transaction that has the lock of account changes."""
    with database(database_url(context)) as db:
        migrations.require_current(db)
        acting_id = users.acting_admin(db, admin).id
        with db.atomic():
            acquire_lock(db, Lock.ROLLUPS)  # the first lock of every change of an account
            yield Change(db, acting_id, system_clock())


def people_of_role(db: Database, emails: Sequence[str], role: UserRole) -> list[User]:
    """Return accounts, each once; refuse all if one does not exist or has another role."""
    people = [users.find_user(db, email) for email in dict.fromkeys(map(normalised_email, emails))]
    for user in people:
        if user.user_role is not role:
            raise invalid(
                f"nothing was changed: {user.email} is {user.user_role.with_article}, not "
                f"{role.with_article}"
            )
    return people
