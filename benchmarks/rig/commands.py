"""Commands of an admin, in separate processes, with time and memory."""

import os
import subprocess
import sys
from dataclasses import dataclass
from time import perf_counter

from rig.processes import ENVIRONMENT


@dataclass(frozen=True, slots=True)
class Called:
    """Time, peak memory, exit code and output of a command."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    code: int
    output: str


# Linux counts the memory of the program that starts another one as that of the other, so a small
# one starts each command.
_START = """
import os, sys
pid = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, used = os.wait4(pid, 0)
line = f"{used.ru_utime + used.ru_stime} {used.ru_maxrss} {os.waitstatus_to_exitcode(status)}"
os.write(int(sys.argv[1]), line.encode())
"""


def called(url: str, *arguments: object) -> Called:
    """Run `readwatch` on a database, and wait for the end."""
    command = [sys.executable, "-m", "readwatch", "--database", url, *map(str, arguments)]
    used, result = os.pipe()
    start = perf_counter()
    with open(used, encoding="ascii") as reported:
        ended = subprocess.run(
            [sys.executable, "-S", "-c", _START, str(result), *command],
            stdout=subprocess.PIPE,
            env=ENVIRONMENT,
            text=True,
            check=True,
            pass_fds=[result],
        )
        os.close(result)
        cpu_seconds, peak_kib, code = reported.read().split()
    return Called(
        seconds=perf_counter() - start,
        cpu_seconds=float(cpu_seconds),
        peak_bytes=int(peak_kib) * 1024,
        code=int(code),
        output=ended.stdout,
    )
