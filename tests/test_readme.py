"""The README's commands do what it says they do, run as they stand there."""

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from readwatch.tui.keys import KEYS

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
ADMIN, SERVE, *APP = re.findall(r"```bash\n(.*?)```", README, flags=re.DOTALL)

WALK = """
set -euo pipefail
{admin}
{serve} &
SERVER=$!
trap 'kill $SERVER; wait $SERVER' EXIT
for attempt in $(seq 200); do
    curl -s -o /dev/null localhost:$READWATCH_PORT/livez && break; sleep 0.05
done
{app}
"""


@pytest.mark.skipif(shutil.which("curl") is None, reason="the README's walk needs curl")
def test_the_five_minutes_of_an_admin_and_of_an_app_go_as_they_stand_there(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    app = "\necho\n".join(APP).replace("localhost:8765", f"localhost:{port}")
    walked = subprocess.run(
        ["bash", "-c", WALK.format(admin=ADMIN, serve=SERVE.strip(), app=app)],
        cwd=tmp_path,
        env={
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "READWATCH_BCRYPT_COST": "4",
            "READWATCH_PORT": port,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert walked.returncode == 0, walked.stderr
    assert "Ann Archer" in walked.stdout
    assert '{"heartbeat_seconds":' in walked.stdout
    assert '{"status":"accepted","id":1}' in walked.stdout
    assert '"results":[{"status":"accepted","id":2},{"status":"invalid"' in walked.stdout
    assert '"unique_content_read":1' in walked.stdout
    assert (tmp_path / "readwatch.db").exists()


def test_it_stays_short_enough_to_be_read() -> None:
    assert len(README.splitlines()) < 150


def test_the_keys_it_names_are_keys_of_the_console() -> None:
    named = set(re.findall(r"`([^`\s])`", README)) - {"\N{MULTIPLICATION SIGN}"}
    known = {{"question_mark": "?", "slash": "/"}.get(key.key, key.key) for key in KEYS}
    assert named <= known


def test_every_file_and_folder_it_names_is_there() -> None:
    root = Path(__file__).parents[1]
    linked = re.findall(r"\]\(([^)#]+)\)", README)
    assert linked
    assert [path for path in linked if not (root / path).exists()] == []
