"""The console as a program: it checks the database first and ends with an exit status."""

import signal
import sys

from readwatch.domain.users import User
from readwatch.monitor.settings import ConsoleSettings
from readwatch.store.engine.connections import close_all
from readwatch.store.engine.migrations import open_current
from readwatch.store.engine.privileges import Role
from readwatch.tui.app import Console
from readwatch.tui.terminal.driver import END_SIGNALS


def run(settings: ConsoleSettings, *, consultant: User | None = None) -> None:
    """Run the console until it is quit; `consultant` has logged in already.

    An internal error is raised again. If a signal or the terminal ends the console, SystemExit has
    the status that a shell expects.
    """
    close_all(open_current(settings.database_url, Role.LOGIN))  # an error here has a clear message
    console = Console(settings, consultant=consultant)
    handlers = {number: signal.getsignal(number) for number in END_SIGNALS}
    try:
        console.run()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    if console._exception is not None:
        raise console._exception
    if console.return_code:
        sys.exit(console.return_code)
