"""Servers as separate processes, and their cost during a load."""

import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any

from rig.load import Load, Result

START_SECONDS = 60.0
LOOK_SECONDS = 0.1
MIB = 1024 * 1024

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("READWATCH_")},
    "PYTHONPATH": str(Path(__file__).parents[1]),
}


@dataclass(frozen=True, slots=True)
class Server:
    """A running program with its child processes, its port and its database."""

    pid: int | None  # None: no program of ours, and nothing to be measured
    port: int = 0
    database: Path | None = None

    def cpu_seconds(self) -> float:
        """Return the CPU time of the process and its children."""
        return sum(cpu_seconds(pid) for pid in family(self.pid))

    def resident_bytes(self) -> int:
        """Return the memory of the process and its children."""
        return sum(resident_bytes(pid) for pid in family(self.pid))

    def wal_bytes(self) -> int:
        """Return the size of the write-ahead log."""
        wal = self.database and self.database.with_name(f"{self.database.name}-wal")
        return wal.stat().st_size if wal and wal.exists() else 0


@dataclass(slots=True)
class Cost:
    """The CPU time of a server during a measurement, and its maximum of memory."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    resident_bytes: int = 0
    wal_bytes: int = 0

    @property
    def cores(self) -> float:
        """The number of cores that the server kept busy."""
        return self.cpu_seconds / self.seconds


@contextmanager
def readwatch(url: str, folder: Path, *, bcrypt_cost: int = 4) -> Iterator[Server]:
    """Run `readwatch serve`."""
    command = ["-m", "readwatch", "--database", url, "serve", "--bcrypt-cost", str(bcrypt_cost)]
    port = free_port()
    with _running([*command, "--port", str(port)], port, folder, _file(url)) as server:
        yield server


@contextmanager
def hosted(
    app: str, server: str, folder: Path, *options: str, database: str = ""
) -> Iterator[Server]:
    """Run an app by a server of `rig/host.py`."""
    port = free_port()
    command = ["-m", "rig.host", app, server, str(port), "--database", database, *options]
    with _running(command, port, folder, _file(database)) as running:
        yield running


def put(load: Load) -> Result:
    """Put a load on a server from a separate process; return the result."""
    done = subprocess.run(
        [sys.executable, "-m", "rig.load"],
        input=json.dumps(asdict(load)),
        stdout=subprocess.PIPE,
        env=ENVIRONMENT,
        text=True,
        check=True,
    )
    return Result(**json.loads(done.stdout))


@contextmanager
def meanwhile(load: Load) -> Iterator[None]:
    """Put a load on a server during the `with` block."""
    command = [sys.executable, "-m", "rig.load"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=ENVIRONMENT, text=True
    ) as process:
        assert process.stdin
        process.stdin.write(json.dumps(asdict(load)))
        process.stdin.close()
        try:
            yield
        finally:
            process.terminate()


@contextmanager
def watched(server: Server) -> Iterator[Cost]:
    """Measure the cost of a server during the `with` block."""
    cost, over = Cost(), Event()

    def look() -> None:
        while True:
            cost.resident_bytes = max(cost.resident_bytes, server.resident_bytes())
            cost.wal_bytes = max(cost.wal_bytes, server.wal_bytes())
            if over.wait(LOOK_SECONDS):
                return

    before, start = server.cpu_seconds(), monotonic()
    thread = Thread(target=look)
    thread.start()
    try:
        yield cost
    finally:
        over.set()
        thread.join()
        cost.cpu_seconds = server.cpu_seconds() - before
        cost.seconds = monotonic() - start


@contextmanager
def console(url: str) -> Iterator[dict[str, Any]]:
    """Run a console's queries during the `with` block; its figures are available at the end."""
    figures: dict[str, Any] = {}
    with subprocess.Popen(
        [sys.executable, "-m", "rig.console", url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=ENVIRONMENT,
        text=True,
    ) as process:
        yield figures
        figures |= json.loads(process.communicate()[0])


def family(pid: int | None) -> Iterator[int]:
    """Yield a process and all its descendants."""
    if pid is None:
        return
    yield pid
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = [child for task in tasks for child in (task / "children").read_text().split()]
    except OSError:  # the process has ended
        return
    for child in children:
        yield from family(int(child))


def cpu_seconds(pid: int) -> float:
    """Return the processor time of one process, in user and system mode."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS


def resident_bytes(pid: int) -> int:
    """Return the memory of one process."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except OSError:
        return 0


def free_port() -> int:
    """Return a port that is not in use."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _running(
    arguments: Sequence[str], port: int, folder: Path, database: Path | None
) -> Iterator[Server]:
    log = folder / f"server-{port}.log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [sys.executable, *arguments], stdout=output, stderr=output, env=ENVIRONMENT
        ) as process,
    ):
        try:
            _wait_until_it_answers(process, port, log)
            yield Server(process.pid, port, database)
        finally:
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_until_it_answers(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = monotonic() + START_SECONDS
    while monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/livez", timeout=1).close()
        except urllib.error.HTTPError:
            return  # an app without such a view
        except OSError:
            sleep(0.05)
        else:
            return
    sys.exit(f"a server did not start:\n{log.read_text(errors='replace')[-2000:]}")


def _file(database: str) -> Path | None:
    path = Path(database.removeprefix("sqlite:///"))
    return path if path.is_absolute() else None
