"""The person at the command line, as the operating system knows them.

`--as` is a claim: whoever can run the command can name any admin. So each entry of the command line
also says which operating-system user has run it, on which host.
"""

import os
import pwd
import socket

from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.monitor.login import terminal_address


def cli_event(
    *, actor_id: int, action_type: AuditAction, details: str, subject_id: int | None = None
) -> AuditEvent:
    """Return an event of the command line, with its operator in the details.

    The user and the host are in the details, because an address has no room for both names.
    """
    return AuditEvent(
        actor_id=actor_id,
        action_type=action_type,
        subject_id=subject_id,
        details=f"{details}, run by {operator()}",
        ip_address=terminal_address(),
    )


def operator() -> str:
    """Return the operating-system user and the host: `ada at db1`.

    With sudo it is `root (sudo from ada) at db1`; the second name comes from the environment, which
    the user can change.
    """
    claimed = os.environ.get("SUDO_USER")
    return f"{_user()}{f' (sudo from {claimed[:32]})' if claimed else ''} at {socket.gethostname()}"


def _user() -> str:
    """Return the name of the real user of this process; not from the environment."""
    user_id = os.getuid()
    try:
        return pwd.getpwuid(user_id).pw_name
    except KeyError:  # an unnamed user, as in a container
        return f"user {user_id}"
