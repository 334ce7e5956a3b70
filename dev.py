"""Create .venv from requirements.lock if it is missing or outdated, and run a command in it.

    python3 dev.py                only create .venv
    python3 dev.py run CMD ...    run CMD with .venv first on the PATH

Standard library only, and no syntax that an old Python cannot parse, so that it gets to the check
of the version.
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
MARKER = VENV / "made-from"
THE_PROJECT = ["--no-deps", "--no-build-isolation", "--editable", ROOT]
# Not sys.executable: an activated .venv must not be created from itself.
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
    create_venv()
    if arguments:
        become(arguments[1:])


def create_venv():
    """Bring .venv up to date, one process at a time; an unfinished .venv has no marker file."""
    import fcntl

    interpreter = "{} {}".format(sys.version.split()[0], ROOT)
    contents = hashlib.sha256(LOCK.read_bytes() + (ROOT / "pyproject.toml").read_bytes())
    expected = [interpreter, contents.hexdigest()]
    with open(__file__) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        actual = MARKER.read_text().splitlines() if MARKER.exists() and PYTHON.exists() else []
        if actual == expected:
            return
        MARKER.unlink(missing_ok=True)
        install(clear=actual[:1] != [interpreter])
        MARKER.write_text("\n".join(expected))


def install(clear):
    """Install the pinned dependencies into .venv, and the project itself as editable."""
    # uv uses neither the index nor the certificates of pip: where it fails, pip may succeed.
    for method in with_uv, with_pip:
        steps = method(clear)
        if steps:
            tool = method.__name__.replace("_", " ")
            print(
                "readwatch: creating .venv {}, about half a minute ...".format(tool),
                file=sys.stderr,
            )
            if not any(subprocess.run(step).returncode for step in steps):
                return
    sys.exit("readwatch: .venv could not be created; see the lines above")


def with_uv(clear):
    uv = shutil.which("uv")
    if not uv or VENV in Path(uv).parents:
        return []
    clear = "--clear" if clear else "--allow-existing"
    return [
        [uv, "venv", "--quiet", "--python", BASE, clear, VENV],
        [uv, "pip", "sync", "--quiet", "--python", PYTHON, "--require-hashes", LOCK],
        [uv, "pip", "install", "--quiet", "--python", PYTHON, *THE_PROJECT],
    ]


def with_pip(clear):
    try:
        import ensurepip  # noqa: F401  Debian ships Python without it
        import venv  # noqa: F401
    except ImportError:
        sys.exit(
            "readwatch: this Python has no venv module: apt install python3-venv (Debian, Ubuntu), "
            "or install uv"
        )
    clear = ["--clear"] if clear else []
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
