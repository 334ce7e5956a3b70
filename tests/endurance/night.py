"""A console with a fast clock: `night.py URL EMAIL START SPEED`.

From the time START on, the clock of the console is SPEED times as fast as the clock of the machine.
Its worker does not pause, so that it reads about as many snapshots as in a real night. The longest
list is short, so that its memory is allocated early.
"""

import sys
from datetime import datetime, timedelta

from readwatch.domain.clock import system_clock
from readwatch.monitor import refresh_policy, worker
from readwatch.monitor.settings import ConsoleSettings
from readwatch.tui.app import Console
from readwatch.tui.screens import view


def fast(start: datetime, speed: float) -> datetime:
    return start + speed * (system_clock() - start)


def main(url: str, email: str, start: datetime, speed: float) -> None:
    view.MAX_ROWS_SEARCHED = 2000  # type: ignore[attr-defined]  # the name in that module
    worker.POLL_SECONDS = 0.005
    refresh_policy.PAUSE_FACTOR = 0.005
    settings = ConsoleSettings(url, email=email, refresh=timedelta(milliseconds=20))
    console = Console(settings, clock=lambda: fast(start, speed))
    console.run()
    if console._exception is not None:
        raise console._exception


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], datetime.fromisoformat(sys.argv[3]), float(sys.argv[4]))
