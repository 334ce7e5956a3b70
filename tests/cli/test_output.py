"""What commands show while they work: on a terminal, and nowhere else."""

import sys
from pathlib import Path

import pexpect
import pytest

# Python 3.12 and later say so whenever a process with threads is forked, as pexpect does it.
pytestmark = pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")

WORK = """
import sys
from pathlib import Path
from readwatch.cli.output import busy, with_progress
with busy("Looking"):
    pass
for _ in with_progress([1, 2, 3], "Counting"):
    pass
print("done", file=sys.stderr)
"""


@pytest.mark.parametrize(("redirect", "is_shown"), [("", True), ("2> errors.txt", False)])
def test_progress_is_shown_on_a_terminal_only(
    tmp_path: Path, redirect: str, is_shown: bool
) -> None:
    program = tmp_path / "work.py"
    program.write_text(WORK)
    shown = pexpect.run(
        f"bash -c '{sys.executable} {program} {redirect}'", cwd=str(tmp_path), timeout=60
    )
    assert (b"Looking" in shown, b"Counting" in shown) == (is_shown, is_shown)
    if not is_shown:
        assert (tmp_path / "errors.txt").read_text() == "done\n"
