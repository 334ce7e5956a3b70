"""The wiring: the one place where the command line meets the other faces."""

from typing import TYPE_CHECKING

from readwatch.cli.faces import Faces
from readwatch.cli.main import command_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from readwatch.cli.faces import DemoCall, OnceCall, ServeCall
    from readwatch.monitor.settings import ConsoleSettings


def _serve(call: "ServeCall") -> None:
    from readwatch.ingest.server import serve
    from readwatch.ingest.services import Settings

    settings = Settings(
        call.database_url,
        call.bcrypt_cost,
        call.end_silent_after,
        call.metrics,
        call.proxy_hops,
        call.log_format,
        call.looks_told_by,
    )
    serve(settings, call.host, call.port)


def _console(settings: "ConsoleSettings") -> None:
    from readwatch.tui.run import run

    run(settings)


def _once(call: "OnceCall") -> "Iterable[str]":
    from readwatch.tui.once import print_once

    return print_once(
        call.settings,
        call.password,
        rows=call.rows,
        width=call.width,
        encoding=call.encoding,
        as_json=call.as_json,
    )


def _demo(call: "DemoCall") -> None:
    from readwatch.demo.run import run

    run(readers=call.readers, seconds=call.seconds, plain=call.plain)


def main() -> None:
    """Run the command line."""
    command_line(Faces(serve=_serve, console=_console, once=_once, demo=_demo))


if __name__ == "__main__":
    main()
