"""`readwatch serve`: the ingest API."""

from datetime import timedelta
from pathlib import Path

import click

from readwatch.cli.engine import engine_of, engine_settings
from readwatch.cli.examples import examples
from readwatch.cli.main import database_url
from readwatch.cli.option_types import WholeNumber
from readwatch.cli.server_address import host_setting, port_setting
from readwatch.cli.settings import (
    anchor_log_setting,
    default_anchor_log,
    default_slow_query_log,
    setting,
)
from readwatch.domain.sessions import SESSION_TIMEOUT
from readwatch.store.engine.database import POOL_SIZE
from readwatch.store.engine.sqlite import WRITER_CACHE_MIB
from readwatch.store.identity.passwords import DEFAULT_COST

session_timeout_setting = setting(
    "--session-timeout",
    type=WholeNumber(5, 24 * 60),
    metavar="MINUTES",
    default=SESSION_TIMEOUT // timedelta(minutes=1),
    show_default=True,
    help="End sessions that send no heartbeat and no activities for this long.",
)


@click.command(epilog=examples("readwatch serve --proxy-hops 1 --log-format json"))
@host_setting
@port_setting
@setting(
    "--bcrypt-cost",
    type=WholeNumber(4, 16),
    default=DEFAULT_COST,
    show_default=True,
    help="The same cost as for init, so that a login with an unknown e-mail takes the same time.",
)
@session_timeout_setting
@setting(
    "--metrics",
    type=click.Choice(["loopback", "anyone", "off"]),
    default="loopback",
    show_default=True,
    help="Who can read /metrics. loopback: this machine, without a proxy.",
)
@setting(
    "--proxy-hops",
    type=WholeNumber(0, 10),
    default=0,
    show_default=True,
    help="Number of reverse proxies that add to X-Forwarded-For; other entries are not trusted.",
)
@setting(
    "--log-format",
    type=click.Choice(["plain", "json"]),
    default="plain",
    show_default=True,
    help="Format of the log on stderr.",
)
@setting(
    "--viewers-shown-by",
    type=click.Choice(["role", "name"]),
    default="role",
    show_default=True,
    help="What readers see about those who viewed their data: the role, or also the name.",
)
@anchor_log_setting
@engine_settings
@setting(
    "--writer-cache",
    type=WholeNumber(1, 16_384),
    metavar="MIB",
    default=WRITER_CACHE_MIB,
    show_default=True,
    help="SQLite: page cache of the connection that writes.",
)
@setting(
    "--pool-size",
    type=WholeNumber(2, 500),
    default=POOL_SIZE,
    show_default=True,
    help="PostgreSQL: maximum number of connections for requests; one more writes.",
)
@click.pass_context
def command(
    context: click.Context,
    /,  # a setting in ** could have this name
    *,
    host: str,
    port: int,
    bcrypt_cost: int,
    session_timeout: int,
    metrics: str,
    proxy_hops: int,
    log_format: str,
    viewers_shown_by: str,
    anchor_log: Path | None,
    writer_cache: int,
    slow_query_ms: int,
    slow_query_log: Path | None,
    **engine: int,
) -> None:
    """Run the API that readers' apps post to, until ctrl+c or SIGTERM."""
    from readwatch.ingest.server import serve
    from readwatch.ingest.services import Settings

    url = database_url(context)
    settings = Settings(
        database_url=url,
        bcrypt_cost=bcrypt_cost,
        session_timeout=timedelta(minutes=session_timeout),
        metrics=metrics,
        proxy_hops=proxy_hops,
        log_format=log_format,
        viewers_shown_by=viewers_shown_by,
        anchor_log=anchor_log or default_anchor_log(url),
        engine=engine_of(**engine),
        writer_cache_mib=writer_cache,
        slow_query_ms=slow_query_ms,
        slow_query_log=slow_query_log or default_slow_query_log(url),
    )
    serve(settings, host=host, port=port)
