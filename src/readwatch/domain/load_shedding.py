"""How loaded the service is, from 0 to 1, and what readers' apps are told about it.

`chance` is a random number from 0 to 1 in all of this: no two apps are told the same, so that they
do not march in step.
"""

SHED_HEARTBEATS_AT = 0.5
NOT_READY_AT = 0.75
"""Between the two nothing but heartbeats is shed; activities are kept as long as it is below 1."""


def load_of(waiting: int, most_waiting: int, stalled_seconds: float, timeout: float) -> float:
    """Return the load: what is nearer to its limit, the queue or the wait for a commit."""
    return min(1.0, max(waiting / most_waiting, stalled_seconds / timeout))


def pressure(load: float, busy: float) -> float:
    """Return what heartbeats are spread by, 0 to 1: they come less often before any is refused.

    A writer that is busy more than half of the time makes requests wait, and the more so the
    nearer it comes to all of it.
    """
    return max(load, 2 * busy - 1)


def heartbeat_seconds(pressure: float, chance: float) -> int:
    """Return in how many seconds an app shall send its next heartbeat.

    60 to 72 without pressure, growing with it to 108 to 120: at 150 a reader counts as silent.
    """
    return int(60 + 48 * pressure + 12 * chance)


def retry_seconds(chance: float) -> int:
    """Return in how many seconds it is worth while to try again what could not be done: 5 to 15."""
    return int(5 + 10 * chance)


def heartbeat_retry_seconds(chance: float) -> int:
    """Return in how many seconds a heartbeat that was shed is to be sent again: 15 to 30.

    After an interval of 120 this comes before its reader counts as silent.
    """
    return int(15 + 15 * chance)
