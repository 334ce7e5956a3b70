"""The service compared with a literal implementation of the original design, on the same server.

python benchmarks/recipe.py [--seconds 2] [--rounds 5] [--connections 32]

The recipe is rig/recipe.py: one commit per statement, a query for each token, an UPDATE for each
heartbeat. It is measured with the default of its driver, with which a power cut loses acknowledged
data, and with the setting of the service, with which it does not.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager

from rig.databases import sqlite_in, temporary_folder
from rig.processes import Server, hosted, readwatch
from rig.readers import compared_with_kept, populate
from rig.recipe import make_database
from rig.report import Column, parser, progress, publish
from rig.slices import Slice, add_options, figures, greet, rates, ratio, side_by_side

OURS = "readwatch"
CASES = (
    ("heartbeats", "heartbeats", 1),
    ("one activity", "activities", 1),
    ("batch of 20", "activities", 20),
    ("batch of 100", "activities", 100),
)
COLUMNS = (
    Column("what", "what"),
    Column("who", "who"),
    Column("requests_per_second", "requests/s", ",.0f"),
    Column("times", "readwatch against it", ".2f"),
    Column("times_spread", "spread"),
    Column("p50_ms", "p50 ms", ".1f"),
    Column("p99_ms", "p99 ms", ".1f"),
    Column("cpu_seconds_per_1000", "CPU s/1000", ".2f"),
    Column("errors", "errors"),
)
NOTE = (
    "The recipe leaves out what the service does besides: validation, recognised retries,\n"
    "rollups (its progress query reads all of history instead), tokens kept as hashes, clean text."
)


def main() -> None:
    options = parser(__doc__ or "")
    add_options(options)
    settings = options.parse_args()
    with temporary_folder() as folder:
        url = sqlite_in(folder)
        tokens = populate(url, settings.readers)

        def recipe(synchronous: str) -> AbstractContextManager[Server]:
            path = folder / f"recipe-{synchronous}.db"
            make_database(path, tokens)
            how = ("--synchronous", synchronous)
            return hosted("recipe", "granian", folder, *how, database=str(path))

        with readwatch(url, folder) as ours, recipe("NORMAL") as normal, recipe("FULL") as full:
            servers = {OURS: ours, "recipe": normal, "recipe, durable": full}
            for server in servers.values():
                greet(server, tokens)
            rows: list[dict[str, object]] = []
            results = []
            for what, traffic, batch in CASES:
                progress(f"{what} ...")
                same = dict.fromkeys(servers, tokens)
                taken = side_by_side(settings, servers, same, traffic, batch)
                rows += compared(what, taken)
                results += [slice.result for slice in taken[OURS]]
        kept = compared_with_kept(url, results)
    publish(settings, COLUMNS, rows, NOTE, kept)


def compared(what: str, taken: dict[str, list[Slice]]) -> Iterator[dict[str, object]]:
    """Yield a line for each measured program, compared with the service."""
    for who, slices in taken.items():
        row = {"what": what, "who": who, **figures(slices)}
        if who != OURS:
            row["times"], row["times_spread"] = ratio(rates(taken[OURS]), rates(slices))
        yield row


if __name__ == "__main__":
    main()
