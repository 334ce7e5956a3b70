"""The units for systemd start commands that exist, and give them few rights."""

import subprocess
from configparser import RawConfigParser
from pathlib import Path

import pytest
from cli.shell import COMMANDS, parsed
from deploy.installed import ROOT, program

FOLDER = ROOT / "deploy" / "systemd"
JOBS = ("readwatch-backup", "readwatch-maintenance")
OF_A_JOB = {"Type", "Nice", "IOSchedulingClass"}
OF_THE_SERVICE = {"KillMode", "TimeoutStopSec", "Restart", "RestartSec", "LimitNOFILE"}


def unit(name: str) -> RawConfigParser:
    parser = RawConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string((FOLDER / name).read_text(encoding="utf-8"))
    return parser


def command_of(name: str) -> list[str]:
    program, *arguments = unit(f"{name}.service")["Service"]["ExecStart"].split()
    assert program == "/opt/readwatch/bin/readwatch"
    return arguments


def test_the_service_runs_and_is_started_again_whenever_it_ends() -> None:
    assert parsed(*command_of("readwatch"))["port"] == 8765
    assert unit("readwatch.service")["Service"]["Restart"] == "always"
    assert unit("readwatch.service")["Unit"]["StartLimitIntervalSec"] == "0"


def test_the_backup_goes_to_the_folder_that_it_may_write() -> None:
    group, command, *arguments = command_of("readwatch-backup")
    with COMMANDS[group, command].make_context(command, arguments) as context:
        folder, keep = context.params["folder"], context.params["keep"]
    assert unit("readwatch-backup.service")["Service"]["ReadWritePaths"] == str(folder)
    assert (
        f"d {folder} 0700 readwatch readwatch" in (FOLDER / "readwatch.tmpfiles.conf").read_text()
    )
    assert keep == 14


@pytest.mark.skipif(
    ("maintenance", "run") not in COMMANDS, reason="there is no command `maintenance run` yet"
)
def test_the_clean_up_is_a_command_that_needs_no_answer() -> None:
    group, command, *arguments = command_of("readwatch-maintenance")
    with COMMANDS[group, command].make_context(command, arguments):
        pass


def test_all_units_have_the_same_sandbox_and_the_same_settings() -> None:
    services = {
        name: set(unit(f"{name}.service")["Service"].items()) for name in ("readwatch", *JOBS)
    }
    own = OF_A_JOB | OF_THE_SERVICE | {"ExecStart", "ReadWritePaths"}
    shared = [{item for item in items if item[0] not in own} for items in services.values()]
    assert shared[0] == shared[1] == shared[2]
    texts = [(FOLDER / f"{name}.service").read_text() for name in services]
    repeated = ("Environment=", "EnvironmentFile=", "SystemCallFilter=")
    lines = [[line for line in text.splitlines() if line.startswith(repeated)] for text in texts]
    assert lines[0] == lines[1] == lines[2]
    assert "Environment=HOME=/var/lib/readwatch" in lines[0], "for anchors and other state"


@pytest.mark.parametrize("name", ["readwatch", *JOBS])
def test_a_unit_may_write_only_into_its_folders(name: str) -> None:
    service = unit(f"{name}.service")["Service"]
    assert (service["ProtectSystem"], service["ProtectHome"]) == ("strict", "yes")
    assert (service["NoNewPrivileges"], service["CapabilityBoundingSet"]) == ("yes", "")
    assert service["StateDirectory"] == "readwatch"
    assert ("ReadWritePaths" in service) == (name == "readwatch-backup")


@pytest.mark.parametrize("name", JOBS)
def test_a_job_runs_every_night_and_after_a_night_without_power(name: str) -> None:
    timer = unit(f"{name}.timer")["Timer"]
    assert timer["Persistent"] == "yes"
    assert timer["OnCalendar"].startswith("*-*-* ")
    assert unit(f"{name}.service")["Service"]["Type"] == "oneshot"


def test_systemd_finds_no_mistake_in_the_units(tmp_path: Path) -> None:
    """The program is another one, because systemd wants it to exist."""
    analyze = program("systemd-analyze", "systemd")
    for file in (*FOLDER.glob("*.service"), *FOLDER.glob("*.timer")):
        text = file.read_text().replace("/opt/readwatch/bin/readwatch", "/bin/true")
        (tmp_path / file.name).write_text(text)
    for file in sorted(tmp_path.iterdir()):
        verified = subprocess.run(
            [analyze, "verify", "--man=no", file],
            capture_output=True,
            text=True,
            check=False,
            env={"SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
        )
        assert (verified.returncode, verified.stdout + verified.stderr) == (0, ""), file.name


def test_the_exposure_of_the_units_is_low() -> None:
    analyze = program("systemd-analyze", "systemd")
    for name in ("readwatch", *JOBS):
        rated = subprocess.run(
            [
                *(analyze, "security", "--offline=yes", "--threshold=20", "--no-pager"),
                FOLDER / f"{name}.service",
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        assert rated.returncode == 0, rated.stdout
