"""`readwatch serve`: the ingest API."""

from datetime import timedelta

import click

from readwatch.cli.faces import Faces, ServeCall
from readwatch.cli.main import database_url
from readwatch.cli.settings import setting
from readwatch.domain.sessions import SESSION_TIMEOUT
from readwatch.store.identity.passwords import DEFAULT_COST


@click.command()
@setting("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@setting(
    "--port",
    type=click.IntRange(0, 65535),
    default=8765,
    show_default=True,
    help="The port; 0 takes any that is free.",
)
@setting(
    "--bcrypt-cost",
    type=click.IntRange(4, 16),
    default=DEFAULT_COST,
    show_default=True,
    help="As in init: an unknown e-mail costs a login as much as a known one.",
)
@setting(
    "--end-silent-after",
    type=click.IntRange(5, 24 * 60),
    metavar="MINUTES",
    default=SESSION_TIMEOUT // timedelta(minutes=1),
    show_default=True,
    help="End sessions without a heartbeat for so long.",
)
@setting(
    "--metrics",
    type=click.Choice(["loopback", "anyone", "off"]),
    default="loopback",
    show_default=True,
    help="Who may see /metrics; loopback is this machine, without a proxy in between.",
)
@setting(
    "--proxy-hops",
    type=click.IntRange(0, 10),
    default=0,
    show_default=True,
    help="How many proxies in front add to X-Forwarded-For; apps can write there what they like.",
)
@setting(
    "--log-format",
    type=click.Choice(["plain", "json"]),
    default="plain",
    show_default=True,
    help="How the log on stderr is written.",
)
@setting(
    "--looks-told-by",
    type=click.Choice(["role", "name"]),
    default="role",
    show_default=True,
    help="How readers are told who looked at their data: by role, or by name too.",
)
@click.pass_context
def command(
    context: click.Context,
    host: str,
    port: int,
    bcrypt_cost: int,
    end_silent_after: int,
    metrics: str,
    proxy_hops: int,
    log_format: str,
    looks_told_by: str,
) -> None:
    """Serve the API that readers' apps post to, until ctrl+c or SIGTERM."""
    faces: Faces = context.obj
    silence = timedelta(minutes=end_silent_after)
    url, more = database_url(context), (metrics, proxy_hops, log_format, looks_told_by)
    faces.serve(ServeCall(url, bcrypt_cost, host, port, silence, *more))
