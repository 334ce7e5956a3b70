"""The machine: SQLite's library, the limit of open files, the terminal, and proxies of HTTP."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from readwatch.domain.findings import Finding, ok, warning
from readwatch.ingest.file_limit import MAX_CONNECTIONS, connections_within
from readwatch.store.engine.sqlite import library_version, refuse_affected_sqlite

MIN_COLUMNS, MIN_LINES = 80, 24
"""The smallest terminal in which the console is complete."""

_OWN_NAMES = ("127.0.0.1", "localhost")
_PROXY_VARIABLES = ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")
"""The variables that also catch a request to this machine over plain HTTP."""


def sqlite_findings() -> Iterator[Finding]:
    """Check the version of SQLite's library; an unsafe one is refused with the reason."""
    version = library_version()
    refuse_affected_sqlite(version)
    text = ".".join(map(str, version))
    yield ok("SQLite", f"SQLite {text} is safe for several programs at once")


def file_limit_findings(hard_limit: int) -> Iterator[Finding]:
    """Check how many connections the limit of open files allows; `serve` raises it to the hard
    limit."""
    connections = connections_within(hard_limit)
    if connections < MAX_CONNECTIONS:
        yield warning(
            "open files",
            f"the limit of {hard_limit:,} open files allows {connections:,} connections, and the "
            f"service could keep {MAX_CONNECTIONS:,}",
            f"LimitNOFILE={2 * MAX_CONNECTIONS} in the unit, or ulimit -Hn {2 * MAX_CONNECTIONS}",
        )
    else:
        yield ok("open files", f"the limit of open files allows {connections:,} connections")


@dataclass(frozen=True, slots=True)
class Terminal:
    """What is known of the terminal of standard output."""

    columns: int
    lines: int
    encoding: str
    kind: str
    """The variable TERM."""


def terminal_findings(terminal: Terminal | None) -> Iterator[Finding]:
    """Check whether the console works in a terminal; None is no terminal."""
    if terminal is None:
        yield ok("terminal", "the output is not a terminal, so it was not checked")
        return
    defects = list(_terminal_defects(terminal))
    yield from defects
    if not defects:
        yield ok("terminal", f"{terminal.columns} columns, {terminal.kind}, {terminal.encoding}")


def _terminal_defects(terminal: Terminal) -> Iterator[Finding]:
    if terminal.kind in ("", "dumb", "unknown"):
        yield warning(
            "terminal",
            f"TERM is {terminal.kind or 'not set'}, so the console knows no colours and no keys",
            "export TERM=xterm-256color",
        )
    if terminal.encoding.replace("-", "").lower() != "utf8":
        yield warning(
            "terminal",
            f"the encoding is {terminal.encoding}, so names and symbols are not shown right",
            "export LANG=C.UTF-8, or use: readwatch console --ascii",
        )
    if terminal.columns < MIN_COLUMNS or terminal.lines < MIN_LINES:
        yield warning(
            "terminal",
            f"the terminal has {terminal.columns} columns and {terminal.lines} lines; the console "
            f"shows all of its columns from {MIN_COLUMNS} and {MIN_LINES} on",
            "make the window larger",
        )


def proxy_variable_findings(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Check whether curl and others would send requests for this machine to a proxy."""
    names = [name for name in _PROXY_VARIABLES if environment.get(name)]
    without = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    excluded = {name.strip() for name in without.split(",")}
    if names and "*" not in excluded and not excluded.issuperset(_OWN_NAMES):
        yield warning(
            "proxy",
            f"{names[0]} makes curl and other programs ask a proxy for this machine's own service",
            f"export NO_PROXY={','.join(_OWN_NAMES)}",
        )
    else:
        yield ok("proxy", "no variable sends requests for this machine to a proxy")
