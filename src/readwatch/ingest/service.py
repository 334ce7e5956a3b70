"""What the views work with: the settings, the database, the writer and the time."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar, cast

from flask import current_app

from readwatch.domain.clock import Clock
from readwatch.store.passwords import DEFAULT_COST
from readwatch.store.rights import Role
from readwatch.store.schema import open_current
from readwatch.store.writer import Write, Writer, open_writer

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Settings:
    """What the service has to be told."""

    database_url: str
    bcrypt_cost: int = DEFAULT_COST


class Service:
    """The running service of one process."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.db = open_current(settings.database_url, Role.INGEST)
        self._writer: Writer = open_writer(self.db)

    def now(self) -> datetime:
        """Return the moment at which the request is answered."""
        return self.clock()

    def write(self, write: Write[T]) -> T:
        """Run a write and return its result once it is on disk."""
        return self._writer.run(write)

    def close(self) -> None:
        """Finish what was accepted and let go of the database."""
        self._writer.close()


def service() -> Service:
    """Return the running service of the current request."""
    return cast(Service, current_app.extensions["readwatch"])
