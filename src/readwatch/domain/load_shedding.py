"""The load of the service, from 0 to 1, and the intervals that it gives to readers' apps.

`chance` is a random number from 0 to 1, so that the apps do not send at the same time.
"""

SHED_HEARTBEATS_AT = 0.5
NOT_READY_AT = 0.75
"""From this load up to 1, only heartbeats are refused; activities are refused from 1."""


def load_of(waiting: int, most_waiting: int, stalled_seconds: float, timeout: float) -> float:
    """Return the load: the queue or the wait for a commit, whichever is nearer to its limit."""
    return min(1.0, max(waiting / most_waiting, stalled_seconds / timeout))


def pressure(load: float, busy: float) -> float:
    """Return the pressure, 0 to 1: apps send heartbeats less often before any is refused.

    Requests begin to wait when the writer is busy for more than half of the time.
    """
    return max(load, 2 * busy - 1)


def heartbeat_seconds(pressure: float, chance: float) -> int:
    """Return the seconds until an app should send its next heartbeat.

    The result is 60 to 72 without pressure, and 108 to 120 at full pressure: after 150 s without
    a heartbeat a reader is silent.
    """
    return int(60 + 48 * pressure + 12 * chance)


def retry_seconds(chance: float) -> int:
    """Return the seconds until a refused request should be sent again: 5 to 15."""
    return int(5 + 10 * chance)


def heartbeat_retry_seconds(chance: float) -> int:
    """Return the seconds until a refused heartbeat should be sent again: 15 to 30.

    Even after an interval of 120 s, the retry arrives before the reader is silent.
    """
    return int(15 + 15 * chance)
