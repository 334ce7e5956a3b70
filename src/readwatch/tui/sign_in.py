"""Who sits in front of a console, and where: a connection of its own for each sign-in."""

import os
from datetime import datetime

from readwatch.domain.access_log import Action
from readwatch.domain.users import User
from readwatch.store import schema
from readwatch.store.database import close_all
from readwatch.store.rights import Role
from readwatch.store.sign_in import sign_in


def authenticated(url: str, email: str, password: str, now: datetime, action: Action) -> User:
    """Return who may look, once that is on record; whoever else asks is refused."""
    db = schema.open_current(url, Role.SIGN_IN)
    try:
        return sign_in(db, email, password, terminal_address(), now, action=action)
    finally:
        close_all(db)


def terminal_address() -> str:
    """Return where the consultant sits: the address of the ssh client, else `local`."""
    return os.environ.get("SSH_CONNECTION", "local").split(" ", 1)[0][:45]
