"""What the command line starts and does not know: the faces, handed to it by the wiring."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from readwatch.domain.console import ConsoleSettings


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
class DemoCall:
    """How the demo is to be started; `seconds` limits its plain form."""

    readers: int
    seconds: float
    plain: bool


@dataclass(frozen=True, slots=True)
class Faces:
    """The programs behind `readwatch serve`, `console` and `demo`; each returns when it ends."""

    serve: Callable[[ServeCall], None]
    console: Callable[[ConsoleSettings], None]
    demo: Callable[[DemoCall], None]
