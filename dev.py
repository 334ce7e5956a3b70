"""Make .venv from requirements.lock when it is missing or stale, and run a command in it.

    python3 dev.py                only make .venv
    python3 dev.py run CMD ...    run CMD with .venv first on the PATH

Standard library only, and nothing that an old Python cannot parse: it has to reach the check below.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCK = ROOT / "requirements.lock"
STAMP = VENV / "made-from"
THE_PROJECT = ["--no-deps", "--no-build-isolation", "--editable", ROOT]
# Not sys.executable: an activated .venv must not be made from itself.
BASE = getattr(sys, "_base_executable", sys.executable)


def main(arguments):
    if arguments and (arguments[0] != "run" or not arguments[1:]):
        sys.exit("usage: python3 dev.py [run CMD ...]")
    if sys.version_info < (3, 11):
        sys.exit(
            "readwatch: needs Python 3.11 or newer, this one is {}.{}: install a newer one (apt "
            "install python3, brew install python) and run it".format(*sys.version_info)
        )
    if os.name != "posix":
        sys.exit("readwatch: dev.py needs Linux or macOS; on Windows run it inside WSL")
    make_venv()
    if arguments:
        become(arguments[1:])


def make_venv():
    """Bring .venv up to date, one process at a time; an unfinished .venv has no stamp."""
    import fcntl

    interpreter = "{} {}".format(sys.version.split()[0], ROOT)
    contents = hashlib.sha256(LOCK.read_bytes() + (ROOT / "pyproject.toml").read_bytes())
    wanted = [interpreter, contents.hexdigest()]
    with open(__file__) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = STAMP.read_text().splitlines() if STAMP.exists() and PYTHON.exists() else []
        if made == wanted:
            return
        STAMP.unlink(missing_ok=True)
        install(start_afresh=made[:1] != [interpreter])
        STAMP.write_text("\n".join(wanted))


def install(start_afresh):
    """Put what requirements.lock pins into .venv, and the project itself editable."""
    # uv knows neither pip's index nor its certificates: where it fails, pip may well succeed.
    for way in with_uv, with_pip:
        steps = way(start_afresh)
        if steps:
            tool = way.__name__.replace("_", " ")
            print(
                "readwatch: making .venv {}, about half a minute ...".format(tool), file=sys.stderr
            )
            if not any(subprocess.run(step).returncode for step in steps):
                return
    sys.exit("readwatch: could not make .venv; the lines above say why")


def with_uv(start_afresh):
    uv = shutil.which("uv")
    if not uv or VENV in Path(uv).parents:
        return []
    clear = "--clear" if start_afresh else "--allow-existing"
    return [
        [uv, "venv", "--quiet", "--python", BASE, clear, VENV],
        [uv, "pip", "sync", "--quiet", "--python", PYTHON, "--require-hashes", LOCK],
        [uv, "pip", "install", "--quiet", "--python", PYTHON, *THE_PROJECT],
    ]


def with_pip(start_afresh):
    try:
        import ensurepip  # noqa: F401  Debian ships Python without it
        import venv  # noqa: F401
    except ImportError:
        sys.exit(
            "readwatch: this Python has no venv module: apt install python3-venv (Debian, Ubuntu), "
            "or install uv"
        )
    clear = ["--clear"] if start_afresh else []
    pip = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    return [
        [BASE, "-m", "venv", *clear, VENV],
        [*pip, "--require-hashes", "--requirement", LOCK],
        [*pip, *THE_PROJECT],
    ]


def become(command):
    """Replace this process by the command, as if .venv were activated."""
    os.environ["VIRTUAL_ENV"] = str(VENV)
    os.environ["PATH"] = str(PYTHON.parent) + os.pathsep + os.environ.get("PATH", os.defpath)
    os.environ.pop("PYTHONHOME", None)
    # Without the compiled files each process that a test starts would compile everything anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        sys.exit("readwatch: cannot run {}: {}".format(command[0], error.strerror))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)
