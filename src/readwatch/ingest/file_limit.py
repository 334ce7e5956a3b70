"""The number of connections of the service, by the number of files that it may open."""

import resource

MAX_CONNECTIONS = 8192
"""The maximum of open connections, including idle ones; further connections wait."""


def connection_limit() -> int:
    """Raise the limit of open files, and return the number of connections that it allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    connections = connections_within(hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2 * connections), hard))
    return connections


def connections_within(hard_limit: int) -> int:
    """Return the number of connections that a hard limit of open files allows: half of it is for
    other files."""
    unlimited = hard_limit == resource.RLIM_INFINITY
    return MAX_CONNECTIONS if unlimited else min(2 * MAX_CONNECTIONS, hard_limit) // 2
