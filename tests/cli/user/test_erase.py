"""`readwatch user erase`: remove a person, and report what is left."""

import json
from pathlib import Path

import pytest
from cli.shell import Shell, log
from conftest import Cast

from readwatch.domain.activities import Activity
from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.clock import Clock
from readwatch.store.audit.log import log_event
from readwatch.store.engine.connections import Database
from readwatch.store.identity.sessions import open_session
from readwatch.store.identity.tokens import hash_token
from readwatch.store.recording.activities import record_activities

ANN = "ann@example.org"
TRACES = (ANN.encode(), b"Ann Archer", b"Momo", hash_token("ann's").encode())


@pytest.fixture
def read(cast: Cast, db: Database, clock: Clock) -> None:
    with db.atomic():
        ann = open_session(db, cast.ann, hash_token("ann's"), clock())
        record_activities(db, ann, [Activity("page_read", "momo", "Momo")], clock())


@pytest.mark.usefixtures("read")
def test_a_person_is_erased_and_this_is_logged_and_the_report_counts_what_is_left(
    shell: Shell, cast: Cast, db: Database
) -> None:
    ended = shell("user", "erase", "Ann@Example.org", "--yes")

    assert (ended.code, ended.err) == (0, "")
    lines = [" ".join(line.split()) for line in ended.out.splitlines()]
    assert lines[0] == "table rows before rows left"
    assert {"reader_activities 1 0", "reader_sessions 1 0", "users 1 0"} <= set(lines)
    assert lines[-3:] == [
        "erased user 1, now erased-1@erased.invalid",
        "failed logins from addresses where the person never logged in expire within 11 hours",
        "delete the person from earlier backups and exports yourself",
    ]
    assert log(db) == [(cast.dora.id, "erased_user", cast.ann.id, "cli")]
    assert shell("audit", "verify").code == 0
    assert shell("db", "health").code == 0


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.usefixtures("read")
def test_no_byte_of_the_person_is_left_in_any_file_of_the_database(
    shell: Shell, cast: Cast, db: Database, tmp_path: Path
) -> None:
    def traces_left() -> set[bytes]:
        files = [file.read_bytes() for file in tmp_path.glob("readwatch.db*")]
        return {trace for trace in TRACES if any(trace in file for file in files)}

    shell("user", "show", ANN)
    assert traces_left() == set(TRACES)
    assert shell("user", "erase", ANN, "--yes").code == 0
    assert traces_left() == set()


@pytest.mark.usefixtures("read")
def test_as_json_the_report_has_all_counts(shell: Shell, cast: Cast) -> None:
    report = json.loads(shell("user", "erase", ANN, "--yes", "--json").out)
    assert (report["user_id"], report["email"]) == (cast.ann.id, "erased-1@erased.invalid")
    assert (report["complete"], report["unused_space"]) == (True, None)
    assert report["before"].keys() == report["left"].keys()
    assert (sum(report["before"].values()), sum(report["left"].values())) == (6, 0)


@pytest.mark.parametrize(
    ("addresses", "entries"),
    [
        (("10.0.0.7", "10.0.0.7", None), "2 entries of the access log contain"),
        (("10.0.0.7", None), "1 entry of the access log contains"),
    ],
)
def test_entries_with_addresses_of_the_person_are_reported(
    shell: Shell,
    cast: Cast,
    db: Database,
    clock: Clock,
    addresses: tuple[str | None, ...],
    entries: str,
) -> None:
    for address in addresses:
        log_event(db, AuditEvent(cast.cara.id, AuditAction.LOGGED_IN, ip_address=address), clock())
    log_event(db, AuditEvent(cast.dora.id, AuditAction.LOGGED_IN, ip_address="10.0.0.8"), clock())
    report = shell("user", "erase", cast.cara.email, "--yes").out
    assert f"{entries} IP addresses of the person" in report


def test_clearing_the_unused_space_can_be_left_for_later(shell: Shell, cast: Cast) -> None:
    ended = shell("user", "erase", ANN, "--yes", "--no-vacuum")
    assert ended.code == 1
    assert "NOT COMPLETELY ERASED" in ended.out
    assert "readwatch user erase erased-1@erased.invalid" in ended.out
    again = shell("user", "erase", "erased-1@erased.invalid", "--yes")
    assert (again.code, "NOT" in again.out) == (0, False)


def test_also_a_deleted_account_can_be_erased_and_then_its_address_is_free(
    shell: Shell, cast: Cast
) -> None:
    shell("user", "delete", "--yes", ANN)
    assert shell("user", "erase", "--yes", ANN).code == 0
    assert "no account with this e-mail" in shell("user", "erase", "--yes", ANN).complaint
    assert shell.add(ANN, "reader").code == 0


def test_the_last_active_admin_and_who_has_no_terminal_are_refused(
    shell: Shell, cast: Cast, db: Database
) -> None:
    assert "last active admin" in shell("user", "erase", "--yes", cast.dora.email).complaint
    assert "--yes" in shell("user", "erase", ANN, stdin=f"{ANN}\n").complaint
    assert log(db) == []
