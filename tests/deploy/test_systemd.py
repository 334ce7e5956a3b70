"""The steps of docs/deploying.md on a machine that systemd has booted, and the sandbox there.

The machine is a set of namespaces with this machine's files, so it needs root and Linux.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

import pytest
from cli.shell import COMMANDS
from deploy.installed import ROOT, program, readwatch_for_others
from ingest.process import TIMEOUT

pytestmark = pytest.mark.proof

PAGE = (ROOT / "docs" / "deploying.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)
NAMESPACES = ("--mount", "--pid", "--fork", "--ipc", "--uts", "--net", "--cgroup")
ADMIN = "dora@example.org"


def blocks(heading: str) -> list[str]:
    """Return the commands of a step of the page."""
    section = PAGE.split(f"### {heading}\n")[1].split("\n## ")[0].split("\n### ")[0]
    return BLOCK.findall(section)


@dataclass
class Machine:
    """A booted systemd; `__call__` runs commands on it."""

    init: int
    arguments: tuple[str, ...]

    def __call__(self, commands: str, *, fails: bool = False, stdin: str = "") -> str:
        ended = subprocess.run(
            [*self.arguments, "sh", "-euc", f"cd /opt/sources; {commands}"],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=4 * TIMEOUT,
        )
        assert (ended.returncode != 0) == fails, (commands, ended.stdout, ended.stderr)
        return ended.stdout + ended.stderr


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    if os.getuid() != 0:
        pytest.skip("booting systemd in namespaces needs root")
    for name, package in (("unshare", "util-linux"), ("nsenter", "util-linux")):
        program(name, package)
    if not Path("/lib/systemd/systemd").exists():
        pytest.skip("systemd is not installed: apt-get install systemd")
    group = cgroup()
    memory = tmp_path / "machine"
    memory.mkdir()
    # A folder of its own, because other users have to reach it.
    shims = tmp_path / "shims"
    shims.mkdir()
    shim = readwatch_for_others(shims).read_text()
    shim = shim.replace(sys.prefix, "/opt/environment").replace(str(ROOT), "/opt/sources")
    boot = ["sh", str(Path(__file__).with_name("boot.sh")), str(memory), str(ROOT), sys.prefix]
    into_group = f'echo $$ >{group}/cgroup.procs && exec "$@"'
    start = ["sh", "-c", into_group, "sh", "unshare", *NAMESPACES, "--propagation", "private"]
    with subprocess.Popen(
        [*start, *boot], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            machine = wait_for_systemd(process)
            machine("install -D -m 755 /dev/stdin /opt/readwatch/bin/readwatch", stdin=shim)
            yield machine
        finally:
            with suppress(OSError):
                os.kill(child_of(process.pid), 9)
            process.wait(TIMEOUT)
            for folder in sorted(group.rglob("*/"), reverse=True):
                with suppress(OSError):
                    folder.rmdir()
            group.rmdir()


def cgroup() -> Path:
    """Make a group of processes for the machine, so that its systemd sees no other ones."""
    for top in (Path("/sys/fs/cgroup/systemd"), Path("/sys/fs/cgroup")):
        if (top / "cgroup.procs").exists():
            group = top / f"readwatch-test-{os.getpid()}"
            try:
                group.mkdir()
            except OSError as error:
                pytest.skip(f"no group of processes can be made: {error.strerror}")
            return group
    pytest.skip("no cgroups are mounted")


def child_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def wait_for_systemd(process: subprocess.Popen[str]) -> Machine:
    """Wait until systemd answers, and return the machine."""
    deadline = monotonic() + TIMEOUT
    while True:
        if process.poll() is not None:
            assert process.stderr
            pytest.skip(f"namespaces are not permitted here: {process.stderr.read()}")
        with suppress(OSError, IndexError):
            init = child_of(process.pid)
            enter = ("nsenter", "-t", str(init), "-m", "-p", "-i", "-u", "-n", "-C", "-r", "-w")
            clean = ("env", "-i", "PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=dumb")
            machine = Machine(init, (*enter, *clean))
            state = subprocess.run(
                [*machine.arguments, "systemctl", "is-system-running"],
                capture_output=True,
                text=True,
                check=False,
            ).stdout
            if state.strip() in {"running", "degraded", "starting"}:
                return machine
        assert monotonic() < deadline
        sleep(0.05)


def test_the_steps_of_the_page_give_a_service_with_nightly_jobs(machine: Machine) -> None:
    (make,) = blocks("2. Make the user, the folders and the units")
    (init,) = blocks("3. Make the database and the first admin")
    (settings,) = blocks("4. Set what differs from the defaults")
    (start,) = blocks("5. Start it")
    machine(make)
    admin = f"--admin-email {ADMIN} --admin-name Dora --password-stdin --bcrypt-cost 4"
    assert "ready" in machine(f"{init.strip()} {admin}", stdin="a good long password\n")
    machine(settings)
    machine("echo READWATCH_BCRYPT_COST=4 >>/etc/readwatch/environment")
    patient = "curl --silent --retry 40 --retry-connrefused --retry-delay 1 --fail"
    printed = machine(start.replace("curl --fail", patient))
    assert "readwatch-backup.timer" in printed
    assert '"status":"ready"' in printed

    login = f"""curl --silent --data '{json.dumps({"email": ADMIN, "password": "PASSWORD"})}' """
    login += "http://127.0.0.1:8765/api/login"
    assert '"token":' in machine(login.replace("PASSWORD", "a good long password"))
    assert "wrong e-mail or password" in machine(login.replace("PASSWORD", "wrong"))

    journal = machine("journalctl --no-pager -o cat -u readwatch -u readwatch-backup")
    assert "access log anchored: " in journal
    assert "checked\n1 account, " in journal
    assert re.findall("ERROR|CRITICAL|WARNING|denied", journal) == []
    files = machine("find /var/lib/readwatch /var/backups/readwatch -type f -printf '%m %u %p\\n'")
    assert {line[:14] for line in files.splitlines()} == {"600 readwatch "}
    assert "/var/lib/readwatch/.local/state/readwatch/anchors-" in files
    assert "/var/lib/readwatch/readwatch.db-wal" in files

    scraped = machine("curl --silent http://127.0.0.1:8765/metrics")
    assert "readwatch_backup_checked_timestamp_seconds" in scraped
    assert "the access log is intact" in machine("readwatch-admin audit verify")
    if ("maintenance", "run") in COMMANDS:
        machine("systemctl start readwatch-maintenance")
        finished = machine("journalctl --no-pager -o cat -u readwatch-maintenance")
        assert "Finished readwatch-maintenance.service" in finished
    machine("systemctl stop readwatch")
    assert "Result=success" in machine("systemctl show readwatch -p Result")
    assert "INFO stopped" in machine("journalctl --no-pager -o cat -u readwatch")


def test_consultants_of_a_group_keep_their_access_when_units_start(machine: Machine) -> None:
    (make,) = blocks("2. Make the user, the folders and the units")
    (init,) = blocks("3. Make the database and the first admin")
    machine(make)
    admin = f"--admin-email {ADMIN} --admin-name Dora --password-stdin --bcrypt-cost 4"
    machine(f"{init.strip()} {admin}", stdin="a good long password\n")
    kim = "kim@example.org --role consultant --name Kim --password-stdin --bcrypt-cost 4"
    machine(f"readwatch-admin user add {kim}", stdin="a password for Kim\n")
    page = (ROOT / "docs" / "consultants.md").read_text(encoding="utf-8")
    (share,) = [block for block in BLOCK.findall(page) if "groupadd" in block]
    machine(f"useradd --create-home kim; {share}")
    settings = re.findall(r"`((?:Group|StateDirectoryMode)=\w+)`", page)
    units = ("readwatch", "readwatch-backup", "readwatch-maintenance")
    for unit in units:
        machine(
            f"install -D -m 644 /dev/stdin /run/systemd/system/{unit}.service.d/group.conf",
            stdin="\n".join(["[Service]", *settings, ""]),
        )
    machine(f"systemctl daemon-reload; systemctl start {' '.join(units)}")
    machine(
        "curl --silent --retry 40 --retry-connrefused --retry-delay 1 --fail "
        "http://127.0.0.1:8765/readyz"
    )
    everything = machine(
        "stat -c '%a %U %G %n' /var/lib/readwatch /var/lib/readwatch/readwatch.db-*"
    )
    shared = machine("stat -c '%a %U %G' /var/lib/readwatch /var/lib/readwatch/readwatch.db")
    assert shared.splitlines() == ["2770 readwatch consultants", "660 readwatch consultants"], (
        everything
    )
    console = "/opt/readwatch/bin/readwatch console --once --email kim@example.org --password-stdin"
    url = "READWATCH_DATABASE=sqlite:////var/lib/readwatch/readwatch.db"
    shown = machine(f"su kim -c '{url} {console}'", stdin="a password for Kim\n")
    assert "0 online" in shown


ATTEMPT = """#!/bin/sh
echo "can be $(id -un)"
for folder in /etc /opt /usr /var /var/cache /run /home /root $HOME /var/backups/readwatch /tmp; do
    (: >$folder/attempt) 2>/dev/null && echo "can write $folder"
done
for folder in /home /root; do
    ls $folder/* >/dev/null 2>&1 && echo "can read $folder"
done
kill -0 1 2>/dev/null && echo "can see others"
exit 0
"""


@pytest.mark.parametrize("unit", ["readwatch", "readwatch-backup", "readwatch-maintenance"])
def test_a_unit_may_write_only_into_its_folders_and_read_no_home(
    machine: Machine, unit: str
) -> None:
    (make,) = blocks("2. Make the user, the folders and the units")
    machine(make)
    machine("install -m 755 /dev/stdin /opt/attempt; : >/root/secret", stdin=ATTEMPT)
    machine(
        f"install -D -m 644 /dev/stdin /run/systemd/system/{unit}.service.d/attempt.conf;"
        f"systemctl daemon-reload; systemctl start {unit}",
        stdin="[Service]\nType=oneshot\nRestart=no\nExecStart=\nExecStart=/opt/attempt\n",
    )
    journal = machine(f"journalctl --no-pager -o cat -u {unit}").splitlines()
    writes = ["/var/lib/readwatch", "/var/backups/readwatch", "/tmp"]  # noqa: S108 - its own
    if unit != "readwatch-backup":
        writes.remove("/var/backups/readwatch")
    expected = ["can be readwatch", *(f"can write {folder}" for folder in writes)]
    assert [line for line in journal if line.startswith("can ")] == expected
    machine("ls /tmp/attempt", fails=True)


def test_on_postgresql_the_timer_starts_the_script_that_dumps(machine: Machine) -> None:
    (make,) = blocks("2. Make the user, the folders and the units")
    page = (ROOT / "docs" / "postgresql.md").read_text(encoding="utf-8")
    install = BLOCK.findall(page.split("## Backup\n")[1])[0]
    machine(make + install.replace("systemctl start readwatch-backup", ""))
    command = machine("systemctl show readwatch-backup -p ExecStart")
    assert command.count("path=") == 1
    assert "/usr/local/lib/readwatch/backup.sh /var/backups/readwatch 14" in command
    machine("systemctl start readwatch-backup", fails=True)
    journal = machine("journalctl --no-pager -u readwatch-backup -o cat")
    assert "this is for PostgreSQL" in journal, "and the unit names a SQLite file by default"


def test_prometheus_takes_the_files_as_the_page_installs_them(machine: Machine) -> None:
    program("promtool", "prometheus")
    page = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")
    (install,) = BLOCK.findall(page.split("## Prometheus and Grafana\n")[1].split("\n## ")[0])
    lines = [line for line in install.splitlines() if not line.startswith(("apt-get", "systemctl"))]
    assert "1 rule files found" in machine("\n".join(lines))
