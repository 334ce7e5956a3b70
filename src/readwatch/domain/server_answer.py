"""What a service says of itself at `/readyz`, and what its silence means."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ServerState(StrEnum):
    """The ways in which an address can answer."""

    READY = "ready"
    NOT_READY = "not ready"
    STOPPED = "stopped"  # nothing listens
    SILENT = "silent"  # something listens, and does not answer in time
    ANOTHER_PROGRAM = "another program"


@dataclass(frozen=True, slots=True)
class ServerAnswer:
    """The answer of an address; only a service that is ready tells its version and its schema.

    `clock` is the server's time, to the second, and `reasons` say why it is not ready.
    """

    address: str
    state: ServerState
    version: str | None = None
    schema: int | None = None
    reasons: tuple[str, ...] = ()
    clock: datetime | None = None

    @property
    def sentence(self) -> str:
        """Say what the address answers."""
        match self.state:
            case ServerState.READY:
                return f"{self.address} is ready: version {self.version}, schema {self.schema}"
            case ServerState.NOT_READY:
                return f"{self.address} is not ready: {'; '.join(self.reasons)}"
            case ServerState.STOPPED:
                return f"no service runs at {self.address}"
            case ServerState.SILENT:
                return f"{self.address} does not answer"
        return f"another program than readwatch answers at {self.address}"
