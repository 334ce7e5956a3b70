"""Fixtures of all proofs: a random generator with a seed, and a line with the result."""

import os
from collections.abc import Callable
from random import Random, SystemRandom

import pytest
from ingest.conftest import api  # noqa: F401 - the service in this process

SEED = "READWATCH_TEST_SEED"


@pytest.fixture
def rng() -> Random:
    """A random generator; a failed test shows its seed, and READWATCH_TEST_SEED repeats it."""
    seed = int(os.environ.get(SEED) or SystemRandom().randrange(10**6))
    print(f"{SEED}={seed}")
    return Random(seed)


@pytest.fixture
def progress(
    request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> Callable[[str], None]:
    """`progress(text)` prints the progress of a long proof."""
    is_long = request.node.get_closest_marker("proof") is not None

    def progress(text: str) -> None:
        if is_long:
            with capsys.disabled():
                print(f"\n  {text}", end="", flush=True)

    return progress


@pytest.fixture
def proved(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """`proved(text)` adds a text with figures to the summary of `make proof`."""
    return lambda text: record_property("proved", text)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if terminalreporter.config.getoption("-m") != "proof":
        return
    terminalreporter.section("what was proved")
    for report in terminalreporter.stats.get("passed", ()):
        engine = "PostgreSQL" if "postgresql" in report.nodeid else "SQLite"
        for name, text in report.user_properties:
            if name == "proved":
                terminalreporter.write_line(f"{engine:<12}{text}")
