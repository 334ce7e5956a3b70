"""What every proof has: chance that can be repeated, and a line that says what was proved."""

import os
from collections.abc import Callable
from random import Random, SystemRandom

import pytest
from ingest.conftest import api  # noqa: F401 - the service in this process

SEED = "READWATCH_TEST_SEED"


@pytest.fixture
def rng() -> Random:
    """Chance; a failed test shows its seed, which READWATCH_TEST_SEED takes to repeat it."""
    seed = int(os.environ.get(SEED) or SystemRandom().randrange(10**6))
    print(f"{SEED}={seed}")
    return Random(seed)


@pytest.fixture
def progress(
    request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> Callable[[str], None]:
    """`progress(text)` tells whoever waits for a long proof how far it is."""
    is_long = request.node.get_closest_marker("proof") is not None

    def progress(text: str) -> None:
        if is_long:
            with capsys.disabled():
                print(f"\n  {text}", end="", flush=True)

    return progress


@pytest.fixture
def proved(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """`proved(text)` is what the summary of `make proof` says, with its figures."""
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
