"""The console as a program: from a look at its database to its exit status."""

import signal
import sys

from readwatch.domain.users import User
from readwatch.monitor.settings import ConsoleSettings
from readwatch.store.engine.connections import close_all
from readwatch.store.engine.migrations import open_current
from readwatch.store.engine.privileges import Role
from readwatch.tui.app import Console
from readwatch.tui.terminal.driver import ENDINGS


def run(settings: ConsoleSettings, *, signed_in: User | None = None) -> None:
    """Show the console until somebody quits it; a fault of the program is raised again.

    When a signal or the terminal ends it, SystemExit has the status that a shell would tell.
    """
    close_all(open_current(settings.database_url, Role.LOGIN))  # fails here, with a clear sentence
    console = Console(settings, signed_in=signed_in)
    before = {number: signal.getsignal(number) for number in ENDINGS}
    try:
        console.run()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if console._exception is not None:
        raise console._exception
    if console.return_code:
        sys.exit(console.return_code)
