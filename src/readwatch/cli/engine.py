"""The settings of the database's connections: time limits, sizes, and the log of slow queries."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from readwatch.cli.option_types import WholeNumber
from readwatch.cli.settings import setting
from readwatch.domain.slow_queries import DEFAULT_MILLISECONDS
from readwatch.store.engine.database import EngineSettings
from readwatch.store.engine.sqlite import BUSY_TIMEOUT_SECONDS

F = TypeVar("F", bound=Callable[..., Any])

slow_query_log_setting = setting(
    "--slow-query-log",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="File of the slow queries of serve and the console, which db health reads.  "
    "[default: a file in this user's state folder]",
)

_SETTINGS = (
    setting(
        "--busy-timeout",
        type=WholeNumber(1, 60),
        metavar="SECONDS",
        default=BUSY_TIMEOUT_SECONDS,
        show_default=True,
        help="SQLite: longest wait for another program that writes.",
    ),
    setting(
        "--page-cache",
        type=WholeNumber(1, 1024),
        metavar="MIB",
        help="SQLite: page cache of each connection; serve has one for each of its threads.  "
        "[default: 1 in serve, 4 in the console]",
    ),
    setting(
        "--statement-timeout",
        type=WholeNumber(1, 300),
        metavar="SECONDS",
        help="PostgreSQL: longest time of a query.  [default: 2 in serve, 10 in the console]",
    ),
    setting(
        "--slow-query-ms",
        type=WholeNumber(0, 60_000),
        metavar="MS",
        default=DEFAULT_MILLISECONDS,
        show_default=True,
        help="Log each statement that takes longer, without its values; 0 logs none.",
    ),
    slow_query_log_setting,
)


def engine_settings(command: F) -> F:
    """Add the settings that serve and the console share; `engine_of` converts their values."""
    for option in reversed(_SETTINGS):
        command = option(command)
    return command


def engine_of(
    busy_timeout: int,
    page_cache: int | None,
    statement_timeout: int | None,
    pool_size: int | None = None,
) -> EngineSettings:
    """Return the settings of connections from those of a command."""
    return EngineSettings(
        busy_seconds=busy_timeout,
        cache_mib=page_cache,
        statement_seconds=statement_timeout,
        pool_size=pool_size,
    )
