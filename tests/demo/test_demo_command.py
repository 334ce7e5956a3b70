"""`readwatch demo`: the real command, with real processes, which leaves nothing behind."""

import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic

import pytest
from tui.real_terminal import PATIENCE_SECONDS, READWATCH, Terminal, processes_in, terminal

# Python 3.12 and later say so whenever a process with threads is forked, as pexpect does it.
pytestmark = pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")

DEMO = (*READWATCH, "demo", "--readers", "20")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the demo keeps its files, and what its processes are known by."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    return folder


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start the demo without a terminal."""
    started = []

    def start(*options: str) -> subprocess.Popen[str]:
        started.append(
            subprocess.Popen(
                [*DEMO, *options],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={"TMPDIR": str(folder), "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"},
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def assert_nothing_is_left(folder: Path) -> None:
    assert processes_in(folder) == []
    assert list(folder.iterdir()) == []


def test_without_a_terminal_it_prints_who_reads_and_what_they_just_did_and_ends(
    start: Callable[..., subprocess.Popen[str]], folder: Path
) -> None:
    began = datetime.now().astimezone()
    process = start("--seconds", "3")
    printed, complaints = process.communicate(timeout=60)
    assert process.returncode == 0, complaints
    *_, last = re.split(r"\n(?=\d\d:\d\d:\d\d  \d+ online)", printed.strip())
    assert int(last.split()[1]) > 20 // 8, "more than those who fell quiet before"
    assert "● reading" in last
    newest = re.search(r"Time .*\n  (\d\d:\d\d:\d\d) +\S", last)
    assert newest
    assert newest[1] in [f"{began + timedelta(seconds=passed):%H:%M:%S}" for passed in range(60)]
    assert_nothing_is_left(folder)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_in_the_middle_ends_all_of_it(
    start: Callable[..., subprocess.Popen[str]], folder: Path, number: int, status: int
) -> None:
    process = start("--seconds", "600")
    assert process.stdout
    assert "online" in process.stdout.readline()
    assert len(processes_in(folder)) >= 2
    process.send_signal(number)
    _, complaints = process.communicate(timeout=60)
    assert process.returncode == status
    assert "Traceback" not in complaints
    assert_nothing_is_left(folder)


def test_impatient_signals_do_not_interrupt_the_clearing_away(
    start: Callable[..., subprocess.Popen[str]], folder: Path
) -> None:
    process = start("--seconds", "600")
    assert process.stdout
    assert "online" in process.stdout.readline()
    while process.poll() is None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            process.send_signal(number)
    assert_nothing_is_left(folder)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_before_the_world_is_made_leaves_no_half_of_it(
    start: Callable[..., subprocess.Popen[str]], folder: Path, number: int, status: int
) -> None:
    process = start("--readers", "2000", "--seconds", "600")
    deadline = monotonic() + PATIENCE_SECONDS
    while not list(folder.glob("*/demo.db")):
        assert monotonic() < deadline
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == status
    assert_nothing_is_left(folder)


@pytest.fixture
def demo(folder: Path) -> Iterator[Terminal]:
    """The demo in a terminal."""
    with terminal(DEMO, environment={"TMPDIR": str(folder)}) as window:
        yield window


def test_in_a_terminal_the_console_opens_signed_in_and_q_ends_everything(
    demo: Terminal, folder: Path
) -> None:
    demo.sees("1 Online", "● LIVE", "● reading", "Demo Consultant (consultant)")
    demo.types("2")
    demo.sees("page read", "● LIVE")
    assert len(processes_in(folder)) >= 3
    demo.types("q")
    assert demo.ends() == 0
    assert_nothing_is_left(folder)


def test_sigterm_ends_everything_and_leaves_the_terminal_as_it_was(
    demo: Terminal, folder: Path
) -> None:
    demo.sees("1 Online", "● LIVE")
    demo.process.kill(signal.SIGTERM)
    assert demo.ends() == 128 + signal.SIGTERM
    assert all(order in demo.raw for order in (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1000l"))
    assert_nothing_is_left(folder)


def test_a_window_that_is_closed_ends_everything_too(demo: Terminal, folder: Path) -> None:
    demo.sees("1 Online", "● LIVE")
    demo.closes()
    deadline = monotonic() + PATIENCE_SECONDS
    while processes_in(folder):
        assert monotonic() < deadline
    assert_nothing_is_left(folder)
