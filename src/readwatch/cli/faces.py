"""What the command line starts and does not know: the faces, handed to it by the wiring."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from readwatch.monitor.settings import ConsoleSettings


@dataclass(frozen=True, slots=True)
class ServeCall:
    """How the ingest service is to be started."""

    database_url: str
    bcrypt_cost: int
    host: str
    port: int
    end_silent_after: timedelta
    metrics: str
    proxy_hops: int
    log_format: str
    looks_told_by: str


@dataclass(frozen=True, slots=True)
class OnceCall:
    """How one screen is to be printed: up to `rows` rows, lines of text up to `width` cells wide.

    `password` asks for it, when all else is known to be in order.
    """

    settings: ConsoleSettings
    password: Callable[[], str]
    rows: int
    width: int
    encoding: str
    as_json: bool


@dataclass(frozen=True, slots=True)
class DemoCall:
    """How the demo is to be started; `seconds` limits its plain form."""

    readers: int
    seconds: float
    plain: bool


@dataclass(frozen=True, slots=True)
class Faces:
    """The programs behind `readwatch serve`, `console` and `demo`; each returns when it ends.

    `once` returns the lines that are to be printed.
    """

    serve: Callable[[ServeCall], None]
    console: Callable[[ConsoleSettings], None]
    once: Callable[[OnceCall], Iterable[str]]
    demo: Callable[[DemoCall], None]
