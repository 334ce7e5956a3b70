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


def called(url: str, *arguments: object) -> Called:
    """Run `readwatch` on a database, and wait for the end."""
    command = [sys.executable, "-m", "readwatch", "--database", url, *map(str, arguments)]
    start = perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=ENVIRONMENT, text=True) as process:
        assert process.stdout
        output = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return Called(
        seconds=perf_counter() - start,
        cpu_seconds=used.ru_utime + used.ru_stime,
        peak_bytes=used.ru_maxrss * 1024,
        code=process.returncode,
        output=output,
    )
