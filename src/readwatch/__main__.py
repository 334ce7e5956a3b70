"""The wiring: the one place where the command line meets the other faces."""

from typing import TYPE_CHECKING

from readwatch.cli.faces import Faces
from readwatch.cli.main import command_line

if TYPE_CHECKING:
    from readwatch.cli.faces import ConsoleCall, DemoCall, ServeCall


def _serve(call: "ServeCall") -> None:
    from readwatch.ingest.server import serve
    from readwatch.ingest.service import Settings

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


def _console(call: "ConsoleCall") -> None:
    from readwatch.tui.app import run

    run(
        call.database_url,
        email=call.email,
        desks=call.desks,
        cover_after=call.cover_after,
        mask=call.mask,
        theme=call.theme,
        ascii=call.ascii,
    )


def _demo(call: "DemoCall") -> None:
    from readwatch.demo.run import run

    run(readers=call.readers, seconds=call.seconds, plain=call.plain)


def main() -> None:
    """Run the command line."""
    command_line(Faces(serve=_serve, console=_console, demo=_demo))


if __name__ == "__main__":
    main()
