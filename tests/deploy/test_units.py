"""The unit for systemd starts a command that exists, starts it again, and gives it few rights."""

from configparser import RawConfigParser
from pathlib import Path

from cli.shell import parsed

UNIT = Path(__file__).parents[1] / "deploy" / "readwatch.service"


def unit() -> RawConfigParser:
    parser = RawConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(UNIT.read_text(encoding="utf-8"))
    return parser


def test_it_runs_the_service_and_starts_it_again_whenever_it_ends() -> None:
    service = unit()["Service"]
    program, *arguments = service["ExecStart"].split()
    assert program == "/opt/readwatch/bin/readwatch"
    assert parsed(*arguments)["port"] == 8765
    assert service["Restart"] == "always"
    assert unit()["Unit"]["StartLimitIntervalSec"] == "0"


def test_it_may_write_only_into_the_folder_of_its_database() -> None:
    service = unit()["Service"]
    assert (service["ProtectSystem"], service["ProtectHome"]) == ("strict", "yes")
    assert (service["NoNewPrivileges"], service["CapabilityBoundingSet"]) == ("yes", "")
    assert service["StateDirectory"] == "readwatch"
    assert "ReadWritePaths" not in service
