"""The same app on granian, which readwatch uses, and on other servers.

python benchmarks/servers.py [--seconds 2] [--rounds 5] [--connections 32]
"""

from collections.abc import Iterator
from contextlib import ExitStack

from rig.databases import sqlite_in, temporary_folder
from rig.processes import hosted, readwatch
from rig.readers import compared_with_kept, populate
from rig.report import Column, parser, progress, publish
from rig.slices import Slice, add_options, figures, greet, rates, ratio, side_by_side

SHIPPED = "granian, as shipped"
OTHERS = {
    "waitress, 32 threads": ("waitress",),
    "gunicorn, 1 worker, 32 threads": ("gunicorn",),
    "gunicorn, 2 workers, 32 threads": ("gunicorn", "--workers", "2"),
}
CASES = (("heartbeats", "heartbeats"), ("one activity", "activities"))
COLUMNS = (
    Column("what", "what"),
    Column("server", "server"),
    Column("requests_per_second", "requests/s", ",.0f"),
    Column("of_shipped", "of granian", ".2f"),
    Column("of_shipped_spread", "spread"),
    Column("p50_ms", "p50 ms", ".1f"),
    Column("p99_ms", "p99 ms", ".1f"),
    Column("cpu_seconds_per_1000", "CPU s/1000", ".2f"),
    Column("errors", "errors"),
)


def main() -> None:
    options = parser(__doc__ or "")
    add_options(options)
    settings = options.parse_args()
    with temporary_folder() as folder, ExitStack() as running:
        urls = {name: sqlite_in(folder, name) for name in (SHIPPED, *OTHERS)}
        tokens = {name: populate(url, settings.readers) for name, url in urls.items()}
        servers = {SHIPPED: running.enter_context(readwatch(urls[SHIPPED], folder))}
        for name, (program, *how) in OTHERS.items():
            other = hosted("readwatch", program, folder, *how, database=urls[name])
            servers[name] = running.enter_context(other)
        for name, server in servers.items():
            greet(server, tokens[name])
        rows: list[dict[str, object]] = []
        results = []
        for what, traffic in CASES:
            progress(f"{what} ...")
            taken = side_by_side(settings, servers, tokens, traffic, 1)
            rows += compared(what, taken)
            results.append(taken)
        running.close()
        kept = [
            f"{name}: {compared_with_kept(url, [s.result for case in results for s in case[name]])}"
            for name, url in urls.items()
        ]
    publish(settings, COLUMNS, rows, "\n".join(kept))


def compared(what: str, taken: dict[str, list[Slice]]) -> Iterator[dict[str, object]]:
    """Yield a line for each server, compared with the server of the service."""
    for name, slices in taken.items():
        row = {"what": what, "server": name, **figures(slices)}
        if name != SHIPPED:
            row["of_shipped"], row["of_shipped_spread"] = ratio(
                rates(slices), rates(taken[SHIPPED])
            )
        yield row


if __name__ == "__main__":
    main()
