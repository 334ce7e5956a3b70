"""The Containerfile: what it copies is there, and what it runs works."""

import json
import re
import subprocess
import sys

import pytest
from cli.shell import parsed
from conftest import Cast
from deploy.installed import ROOT
from ingest.process import serving

TEXT = (ROOT / "deploy" / "Containerfile").read_text(encoding="utf-8")
LINES = re.sub(r" *\\\n *", " ", TEXT).splitlines()


@pytest.fixture
def engine() -> str:
    """Nothing here depends on the engine."""
    return "sqlite"


def instruction(name: str) -> str:
    """Return what follows the last instruction of this name."""
    return [line for line in LINES if line.startswith(f"{name} ")][-1].removeprefix(f"{name} ")


def test_it_copies_files_that_are_there_and_not_hidden_from_the_build() -> None:
    allowed = (ROOT / ".dockerignore").read_text().splitlines()
    copies = [line.split()[1:-1] for line in LINES if re.match("COPY (?!--)", line)]
    sources = {source for names in copies for source in names}
    assert sources == {line.removeprefix("!") for line in allowed if line.startswith("!")}
    assert [source for source in sources if not (ROOT / source).exists()] == []


def test_it_runs_the_service_as_a_user_with_a_number() -> None:
    assert json.loads(instruction("ENTRYPOINT")) == ["readwatch"]
    assert parsed(*json.loads(instruction("CMD")))["port"] == 8765
    user, _, group = instruction("USER").partition(":")
    assert int(user) > 0
    assert int(group) > 0


def test_its_health_check_knows_a_service_that_is_ready(url: str, cast: Cast) -> None:
    python, *arguments = json.loads(instruction("HEALTHCHECK").partition(" CMD ")[2])
    assert python == "python3"
    check = [sys.executable, *arguments]
    with serving(url) as service:
        environment = {"READWATCH_PORT": str(service.port)}
        assert subprocess.run(check, env=environment, check=False).returncode == 0
        service.stop()
        away = subprocess.run(check, env=environment, check=False, stderr=subprocess.DEVNULL)
        assert away.returncode == 1


def test_its_packages_have_the_versions_of_the_lock_file() -> None:
    pin = re.search(r"sed '([^']+)' requirements.lock", TEXT)
    assert pin
    lock = ROOT / "requirements.lock"
    pinned = subprocess.run(["sed", pin[1], lock], capture_output=True, text=True, check=True)
    names = re.findall(r"^([\w.-]+==\S+)", lock.read_text(), flags=re.MULTILINE)
    lines = [line for line in pinned.stdout.splitlines() if not line.lstrip().startswith("#")]
    assert [line.partition(" ;")[0].strip() for line in lines] == names
