"""The page on accounts: its commands are run as they stand there, and its tables are complete."""

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from readwatch.cli.user.import_file import COLUMNS

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "accounts.md").read_text(encoding="utf-8")
IMPORT, INVITE, USE = re.findall(r"```bash\n(.*?)```", PAGE, flags=re.DOTALL)

WALK = """
set -euo pipefail
echo 'an admin password' \\
    | readwatch init --admin-email dora@example.org --admin-name Dora --password-stdin
readwatch serve &
SERVER=$!
trap 'kill $SERVER; wait $SERVER' EXIT
for attempt in $(seq 200); do
    curl -s -o /dev/null localhost:$READWATCH_PORT/livez && break; sleep 0.05
done
"""


@pytest.mark.skipif(shutil.which("curl") is None, reason="the page uses curl")
def test_the_commands_of_the_page_go_as_they_stand_there(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    shutil.copy(DOCS / "people.csv", tmp_path)
    walked = subprocess.run(
        ["bash", "-c", WALK + IMPORT + INVITE + USE.replace(":8765", f":{port}")],
        cwd=tmp_path,
        env={
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "READWATCH_BCRYPT_COST": "4",
            "READWATCH_PORT": port,
            "READWATCH_DATABASE": "sqlite:///readwatch.db",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert walked.returncode == 0, walked.stderr
    added = "added: 3 readers, 1 consultant; 4 of them without a password"
    assert f"4 accounts would be {added}" in walked.stdout
    assert f"4 accounts {added}" in walked.stdout
    assert '"full_name":"Lina Haas"' in walked.stdout, "she has logged in"
    assert len((tmp_path / "codes.csv").read_text("utf-8").splitlines()) == 5


def test_the_page_has_each_column_and_the_sample(tmp_path: Path) -> None:
    table = PAGE.partition("| column | |\n")[2].partition("\n\n")[0]
    assert tuple(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == COLUMNS
    sample = re.search(r"```csv\n(.*?)```", PAGE, re.DOTALL)
    assert sample
    assert sample[1] == (DOCS / "people.csv").read_text("utf-8")
