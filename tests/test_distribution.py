"""The wheel and the source distribution: what is in them, that they are the same each time, and
that they can be installed.
"""

import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Callable, Mapping
from email.parser import Parser
from pathlib import Path

import pytest

from readwatch import __version__

ROOT = Path(__file__).parents[1]
A_TIME = "1700000000"

Build = Callable[[str], Path]

pytestmark = pytest.mark.proof


def run(*command: object, cwd: Path, **environment: str) -> str:
    """Run a program, and return what it prints."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def built(source: Path, folder: Path, mask: int) -> Path:
    """Build both distributions of a source, with a umask, and return their folder."""
    before = os.umask(mask)
    try:
        build = (sys.executable, "-m", "hatchling", "build", "-d", folder)
        run(*build, cwd=source, SOURCE_DATE_EPOCH=A_TIME)
    finally:
        os.umask(before)
    return folder


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the repository, elsewhere."""
    folder = tmp_path_factory.mktemp("elsewhere") / "source"
    listed = run("git", "ls-files", "-z", cwd=ROOT).split("\0")
    for name in filter(None, listed):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def dist(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(source, tmp_path_factory.mktemp("dist"), 0o022)


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    (wheel,) = dist.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def unpacked(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution, unpacked."""
    (archive,) = dist.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(folder := tmp_path_factory.mktemp("unpacked"), filter="data")
    (source,) = folder.iterdir()
    return source


def contents(folder: Path) -> Mapping[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_two_builds_are_the_same_byte_by_byte(source: Path, dist: Path, tmp_path: Path) -> None:
    again = tmp_path / "source, moved"
    shutil.copytree(source, again)
    for file in again.rglob("*"):
        os.utime(file)
    first = contents(dist)
    assert sorted(name.rpartition(".")[2] for name in first) == ["gz", "whl"]
    assert contents(built(again, tmp_path / "dist", 0o077)) == first


def test_the_source_distribution_builds_the_same_wheel(
    unpacked: Path, wheel: Path, tmp_path: Path
) -> None:
    rebuilt = contents(built(unpacked, tmp_path, 0o022))
    assert rebuilt[wheel.name] == wheel.read_bytes()


def test_the_source_distribution_has_all_pages(unpacked: Path) -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "docs" / "people.csv"]
    for page in pages:
        assert (unpacked / page.relative_to(ROOT)).read_bytes() == page.read_bytes()
    assert (unpacked / "deploy").is_dir()


def test_the_text_for_a_package_index_has_no_link_that_leads_nowhere(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (each for each in archive.namelist() if each.endswith("/METADATA"))
        metadata = Parser().parsestr(archive.read(name).decode())
    assert metadata["Description-Content-Type"] == "text/markdown"
    text = str(metadata.get_payload())
    assert text.startswith("# readwatch\n")
    assert "](" not in text.replace("](http", "")
    assert "`docs/README.md`" in text


def test_pip_installs_it_and_it_makes_a_database(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    run(tmp_path / "venv" / "bin" / "pip", "install", "--quiet", wheel, cwd=tmp_path)
    readwatch = tmp_path / "venv" / "bin" / "readwatch"
    assert __version__ in run(readwatch, "--version", cwd=tmp_path)
    words = (
        "init",
        "--admin-email",
        "dora@example.org",
        "--admin-name",
        "Dora",
        "--password-stdin",
    )
    made = subprocess.run(
        [readwatch, *words],
        env={"HOME": str(tmp_path)},
        input="a password for Dora\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert "ready: " in made.stdout


@pytest.mark.parametrize(
    "command", [("uvx", "--from"), ("pipx", "run", "--spec")], ids=lambda words: words[0]
)
def test_other_installers_run_it(wheel: Path, tmp_path: Path, command: tuple[str, ...]) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    assert __version__ in run(*command, wheel, "readwatch", "--version", cwd=tmp_path)
