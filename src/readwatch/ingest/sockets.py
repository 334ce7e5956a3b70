"""The clients' TCP connections, found among the sockets of the process.

Granian does not expose its connections. On Linux the kernel says when data last arrived and was
last sent (struct tcp_info of linux/tcp.h).
"""

import os
import socket
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_DESCRIPTORS = Path("/proc/self/fd")

# tcpi_last_data_sent, tcpi_last_data_recv, tcpi_data_segs_in and tcpi_data_segs_out
_TCP_INFO = struct.Struct("=44x I 4x I 96x I I")


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection, with the seconds since its last data or, without any, since its start."""

    descriptor: int
    peer: tuple[str, int]
    since_sent: float
    since_received: float
    waits_for_response: bool
    """Data of a request arrived after the last response: at least a part of its header."""

    was_answered: bool
    """A response was sent, to this or to an earlier request."""

    @property
    def silent(self) -> float:
        """The seconds without data in either direction."""
        return min(self.since_sent, self.since_received)


def open_connections(port: int) -> Iterator[Connection]:
    """Yield the connections of clients to this port."""
    for name in os.listdir(_DESCRIPTORS):
        with suppress(OSError), _socket(int(name)) as connection:  # it may have ended
            if connection.getsockname()[1:2] == (port,):
                yield _connection(connection)


def close_connection(connection: Connection) -> None:
    """End a connection, unless it has ended already."""
    with suppress(OSError), _socket(connection.descriptor) as open_socket:
        if open_socket.getpeername()[:2] == connection.peer:  # or the descriptor is another's
            open_socket.shutdown(socket.SHUT_RDWR)


def open_descriptors() -> int:
    """Return the number of open descriptors, connections and others."""
    # Linux 6.2 and newer have the number at hand.
    return os.stat(_DESCRIPTORS).st_size or len(os.listdir(_DESCRIPTORS))


def _connection(client: socket.socket) -> Connection:
    info = client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
    sent, received, segments_in, segments_out = _TCP_INFO.unpack(info)
    return Connection(
        descriptor=client.fileno(),
        peer=client.getpeername()[:2],
        since_sent=sent / 1000,
        since_received=received / 1000,
        waits_for_response=segments_in > 0 and (segments_out == 0 or received < sent),
        was_answered=segments_out > 0,
    )


@contextmanager
def _socket(descriptor: int) -> Iterator[socket.socket]:
    """Yield the socket of a descriptor without opening or closing one; raise OSError if it is none.

    Closing even a copy of SQLite's descriptor would release its locks on the database
    (https://www.sqlite.org/howtocorrupt.html, section 2.2).
    """
    if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
        raise OSError("not a socket")
    connection = socket.socket(fileno=descriptor)
    try:
        yield connection
    finally:
        connection.detach()
