"""Short slices of several measurements in turn, so that other work of the machine affects all."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import TypeVar

from rig.load import Load, Result
from rig.processes import Server, put, watched

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Slice:
    """What came of one slice of a load, and the processor time of the server."""

    result: Result
    cpu_seconds: float


def add_options(parser: ArgumentParser) -> None:
    """Let the slices be longer or more, and the load heavier."""
    parser.add_argument("--seconds", type=float, default=2, help="length of a slice (2)")
    parser.add_argument("--rounds", type=int, default=5, help="slices of each measurement (5)")
    parser.add_argument("--connections", type=int, default=32, help="simultaneous connections (32)")
    parser.add_argument("--readers", type=int, default=2000, help="number of readers (2000)")


def greet(server: Server, tokens: list[str]) -> None:
    """Let each reader send a heartbeat, so that the server knows them as it does all day."""
    put(Load("heartbeats", server.port, tokens, seconds=600, requests=len(tokens)))


def side_by_side(
    settings: Namespace,
    servers: Mapping[str, Server],
    tokens: Mapping[str, list[str]],
    traffic: str,
    batch: int,
) -> dict[str, list[Slice]]:
    """Put the same load on servers in turn; return the slices of each."""
    size = settings.connections
    return in_turn(
        settings.rounds,
        {
            name: partial(
                loaded,
                server,
                Load(traffic, server.port, tokens[name], settings.seconds, batch, size),
            )
            for name, server in servers.items()
        },
    )


def in_turn(rounds: int, measures: Mapping[str, Callable[[], T]]) -> dict[str, list[T]]:
    """Take each measure once a round; return what each found, round by round."""
    taken: dict[str, list[T]] = {name: [] for name in measures}
    for _ in range(rounds):
        for name, measure in measures.items():
            taken[name].append(measure())
    return taken


def loaded(server: Server, load: Load) -> Slice:
    """Put a load on a server for a slice."""
    with watched(server) as cost:
        result = put(load)
    return Slice(result, cost.cpu_seconds)


def figures(slices: Sequence[Slice]) -> dict[str, object]:
    """Return what the slices of one load show together."""
    results = [slice.result for slice in slices]
    answered = sum(result.answered for result in results)
    return {
        "requests_per_second": median(rates(slices)),
        "p50_ms": median(result.p50 for result in results) * 1000,
        "p99_ms": median(result.p99 for result in results) * 1000,
        "cpu_seconds_per_1000": sum(slice.cpu_seconds for slice in slices) * 1000 / (answered or 1),
        "errors": wrong(results),
    }


def rates(slices: Sequence[Slice]) -> list[float]:
    """Return the requests a second of each slice."""
    return [slice.result.per_second for slice in slices]


def ratio(rates: Sequence[float], of: Sequence[float]) -> tuple[float, str]:
    """Return the median of the ratios of each round, and between which they lie."""
    ratios = [rate / other if other else 0.0 for rate, other in zip(rates, of, strict=True)]
    return median(ratios), f"{min(ratios):.2f}-{max(ratios):.2f}"


def wrong(results: Sequence[Result]) -> str | None:
    """Say what went wrong in some loads, None if nothing did."""
    return "; ".join(dict.fromkeys(filter(None, (result.words() for result in results)))) or None
