"""The login of a console, on a separate database connection."""

import os
from datetime import datetime

from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.users import User
from readwatch.monitor.settings import ConsoleSettings
from readwatch.store.audit.log import transaction_on
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import close_all
from readwatch.store.engine.privileges import Role
from readwatch.store.identity.login import LoginSource, log_in


def authenticated(
    settings: ConsoleSettings, email: str, password: str, now: datetime, action: AuditAction
) -> User:
    """Return the consultant or admin after `action` is logged; refuse all other logins."""
    engine = settings.engine.for_writes()
    db = migrations.open_current(settings.database_url, Role.LOGIN, engine)
    try:
        return log_in(
            db,
            transaction_on(db),
            LoginSource(email=email, address=terminal_address(), program="console"),
            password,
            lambda: now,
            lambda _db, user, _now: user,
            action=action,
            staff_only=True,
        )
    finally:
        close_all(db)


def console_event(
    actor_id: int, action: AuditAction, details: str, reader_id: int | None = None
) -> AuditEvent:
    """Return the event of an access with the console."""
    return AuditEvent(
        actor_id=actor_id,
        action_type=action,
        subject_id=reader_id,
        details=f"console, {details}",
        ip_address=terminal_address(),
    )


def terminal_address() -> str:
    """Return the address of the ssh client, or `local` without ssh."""
    return os.environ.get("SSH_CONNECTION", "local").split(" ", 1)[0][:45]
