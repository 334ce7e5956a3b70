"""The latency of posts while a command runs."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from rig.commands import Called
from rig.load import Load, Result
from rig.processes import MIB, Server, put
from rig.report import Column, Row

SLICE_SECONDS = 5.0

COLUMNS = (
    Column("what", "what"),
    Column("seconds", "s", ",.1f"),
    Column("cpu_seconds", "cpu s", ",.1f"),
    Column("peak_mib", "peak MiB", ",.0f"),
    Column("code", "exit code"),
    Column("posts", "posts", ",d"),
    Column("p50_ms", "p50 ms", ",.1f"),
    Column("p99_ms", "worst p99 ms", ",.1f"),
    Column("longest_ms", "longest ms", ",.0f"),
    Column("errors", "errors by status"),
)


def beside(
    server: Server, tokens: list[str], rate: float, what: str, call: Callable[[], Called | None]
) -> Row:
    """Post until a command has ended; return the figures of the command and of the posts."""
    with ThreadPoolExecutor(1) as thread:
        calling = thread.submit(call)
        posted = _posts(server, tokens, rate, calling)
    done = calling.result()
    refused = sorted({status for result in posted for status in result.refused})
    return {
        "what": what,
        "seconds": done and done.seconds,
        "cpu_seconds": done and done.cpu_seconds,
        "peak_mib": done and done.peak_bytes / MIB,
        "code": done and done.code,
        "posts": sum(result.answered for result in posted),
        "p50_ms": 1000 * sorted(result.p50 for result in posted)[len(posted) // 2],
        "p99_ms": 1000 * max(result.p99 for result in posted),
        "longest_ms": 1000 * max(result.longest for result in posted),
        "errors": ", ".join(
            f"{sum(result.refused.get(status, 0) for result in posted)} x {status}"
            for status in refused
        ),
    }


def _posts(
    server: Server, tokens: list[str], rate: float, calling: Future[Called | None]
) -> list[Result]:
    posted: list[Result] = []
    while not posted or not calling.done():
        load = Load("activities", server.port, tokens, SLICE_SECONDS, rate=rate, connections=8)
        posted.append(put(load))
    return posted
