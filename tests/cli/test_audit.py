"""`readwatch audit`: the access log, checked, listed and taken out."""

import csv
import json
import re
import stat
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pexpect
import pytest
from cli.shell import Shell, log

from readwatch.cli.settings import default_anchor_log
from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.audit_chain import Anchor, append_anchor
from readwatch.domain.clock import system_clock
from readwatch.store.audit.heads import current_head
from readwatch.store.audit.log import log_event
from readwatch.store.engine.connections import Database, is_sqlite

on_postgresql = pytest.mark.postgresql


@pytest.fixture
def looks(db: Database, cast: Any, clock: Any) -> None:
    """Cara has looked at Ann and at Ben; what she came from would be a formula."""
    for reader, details in ((cast.ann, "=1+1"), (cast.ben, "console, from online")):
        look = AuditEvent(
            cast.cara.id, AuditAction.VIEWED_READER_ACTIVITIES, reader.id, details, "10.0.0.7"
        )
        log_event(db, look, clock.advance(minutes=1))


def without_triggers(db: Database) -> Database:
    """What the owner of the database makes of it first."""
    if is_sqlite(db):
        for trigger in ("rows", "values", "places", "order"):
            db.execute_sql(f"DROP TRIGGER consultant_access_log_keeps_{trigger}")
    else:
        for trigger in ("rows", "values"):  # the one that keeps the order also numbers
            db.execute_sql(
                "ALTER TABLE consultant_access_log"
                f" DISABLE TRIGGER consultant_access_log_keeps_{trigger}"
            )
    return db


def entries(db: Database) -> list[tuple[Any, ...]]:
    return log(db)[2:]


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


# The chain --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("looks")
def test_an_intact_log_is_reported_and_a_changed_entry_is_named(shell: Shell, db: Database) -> None:
    intact = shell("audit", "verify")
    assert (intact.code, intact.err) == (0, "")
    assert re.fullmatch(
        r"the access log is intact\n2 entries\nlast entry: 2, with the hash\n[0-9a-f]{64}\n"
        r"anchors: none; readwatch serve writes them to /.*/readwatch/anchors-[0-9a-f]{16}.txt\n",
        intact.out,
    )
    without_triggers(db).execute_sql("UPDATE consultant_access_log SET ip_address = '10.0.0.8'")
    changed = shell("audit", "verify")
    assert (changed.code, changed.err) == (1, "")
    assert changed.out.startswith(
        "NOT INTACT: entry 1 was changed: its content does not give its hash\nCHANGED SCHEMA: "
    )
    assert "\nintact before that: 0 entries\n" in changed.out


@pytest.mark.usefixtures("looks")
def test_verify_as_json(shell: Shell, db: Database) -> None:
    intact = json.loads(shell("audit", "verify", "--json").out)
    row_hash = intact["head"].pop("row_hash")
    assert intact == {
        "intact": True,
        "defect": None,
        "head": {"entries": 2, "id": 2},
        "schema_differences": [],
        "gaps": [],
        "cut": None,
        "entries_before_cut": 0,
        "anchors": 0,
        "anchors_before_cut": 0,
        "anchor_log": str(default_anchor_log(shell.url)),
        "last_anchor_at": None,
    }
    without_triggers(db).execute_sql("DELETE FROM consultant_access_log WHERE id = 1")
    ended = shell("audit", "verify", "--json")
    changed = json.loads(ended.out)
    assert (ended.code, changed["intact"]) == (1, False)
    assert (changed["defect"]["kind"], changed["defect"]["id"]) == ("removed", 2)
    assert changed["head"]["row_hash"] != row_hash


def test_an_empty_log_is_intact(shell: Shell) -> None:
    assert "0 entries" in shell("audit", "verify").out


@pytest.mark.usefixtures("looks")
def test_an_anchor_says_how_many_entries_there_have_been(
    shell: Shell, db: Database, tmp_path: Path
) -> None:
    file = tmp_path / "anchors"
    anchored = shell("audit", "anchor", str(file))
    assert (anchored.code, anchored.err) == (0, "")
    assert anchored.out.splitlines() == [
        f"anchored 2 entries in {file}",
        "earlier anchors, all consistent with the log: 0",
    ]
    assert mode(file) == 0o600
    assert shell("audit", "anchor", str(file)).out.endswith("with the log: 1\n")
    assert len(file.read_text().splitlines()) == 2
    verified = shell("audit", "verify", "--anchor", str(file)).out
    assert verified.endswith("anchors: 2, the last one 0 minutes old\n")

    owner = without_triggers(db)
    owner.execute_sql("DELETE FROM consultant_access_log WHERE id = 2")
    owner.execute_sql(  # which would tell it, too
        "UPDATE sqlite_sequence SET seq = 1 WHERE name = 'consultant_access_log'"
        if is_sqlite(db)
        else "UPDATE access_log_counter SET entries = 1, last_id = 1"
    )
    ended = shell("audit", "verify", "--anchor", str(file))
    assert ended.code == 1
    assert "NOT INTACT: the log was cut off after entry 1: it had 2 entries" in ended.out
    complaint = shell("audit", "anchor", str(file)).complaint
    assert complaint.startswith("no anchor was written: the log was cut off after entry 1")
    assert len(file.read_text().splitlines()) == 2


@pytest.mark.usefixtures("looks")
def test_the_anchors_of_the_service_are_compared_unasked(
    shell: Shell, db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long_ago = system_clock() - timedelta(hours=3, minutes=20)
    own, named = default_anchor_log(shell.url), tmp_path / "anchors.txt"
    own.parent.mkdir(parents=True)
    append_anchor(own, Anchor(long_ago, current_head(db)))
    assert shell("audit", "verify").out.endswith("anchors: 1, the last one 3 hours old\n")

    monkeypatch.setenv("READWATCH_ANCHOR_LOG", str(named))
    assert f"writes them to {named}" in shell("audit", "verify").out
    append_anchor(named, Anchor(long_ago, replace(current_head(db), row_hash="f" * 64)))
    verified = shell("audit", "verify")
    assert verified.code == 1
    assert verified.out.startswith("NOT INTACT: entry 2, number 2, differs from the anchor of ")


def test_a_missing_trigger_is_reported(shell: Shell, db: Database) -> None:
    where = "" if is_sqlite(db) else " ON consultant_access_log"
    db.execute_sql(f"DROP TRIGGER consultant_access_log_keeps_values{where}")
    verified = shell("audit", "verify")
    assert verified.code == 1
    assert verified.out.startswith(
        "the access log is intact\n"
        "CHANGED SCHEMA: trigger consultant_access_log_keeps_values is missing\n"
    )
    assert json.loads(shell("audit", "verify", "--json").out)["schema_differences"] == [
        "trigger consultant_access_log_keeps_values is missing"
    ]


def test_a_file_without_anchors_is_refused(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "anchors"
    complaint = shell("audit", "verify", "--anchor", str(file)).complaint
    assert complaint == f"{file} cannot be read: No such file or directory"
    file.touch()
    complaint = shell("audit", "verify", "--anchor", str(file)).complaint
    assert complaint.startswith(f"there are no anchors in {file}; ")
    file.write_bytes(b"\xff something else\n")
    for call in (("verify", "--anchor"), ("anchor",)):
        complaint = shell("audit", *call, str(file)).complaint
        assert complaint.startswith("line 1 is not an anchor")
    assert file.read_bytes() == b"\xff something else\n"
    complaint = shell("audit", "anchor", str(tmp_path / "nowhere" / "anchors")).complaint
    assert "cannot be written" in complaint


# The entries ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("looks")
def test_the_list_is_an_entry_itself_and_the_newest(shell: Shell, db: Database, cast: Any) -> None:
    listed = json.loads(shell("audit", "list", "--json").out)
    assert [entry["action_type"] for entry in listed] == [
        "listed_access_log",
        "viewed_reader_activities",
        "viewed_reader_activities",
    ]
    assert listed[1]["target_email"] == "ben@example.org"
    assert listed[1]["created_at"] == "2026-11-22T12:02:00.000+00:00"
    assert [entry["id"] for entry in json.loads(
        shell("audit", "list", "--json", "--limit", "1", "--before", "2").out
    )] == [1]  # fmt: skip
    assert entries(db) == [(cast.dora.id, "listed_access_log", None, "cli")] * 2


@pytest.mark.usefixtures("looks")
@pytest.mark.parametrize(
    ("engine", "change", "which"),
    [
        ("sqlite", "created_at = 'yesterday'", "entry 2"),
        ("sqlite", "created_at = 5", "entry 2"),
        ("sqlite", "consultant_user_id = 'cara'", "entry 2"),
        ("sqlite", "action_details = CAST(x'ff' AS TEXT)", "an entry"),
        pytest.param("postgresql", "created_at = 'infinity'", "entry 2", marks=on_postgresql),
        pytest.param("postgresql", "created_at = '2026-11-22 BC'", "entry 2", marks=on_postgresql),
    ],
    indirect=["engine"],
)
def test_an_entry_that_cannot_be_read_is_named_with_the_command_that_shows_more(
    shell: Shell, db: Database, tmp_path: Path, change: str, which: str
) -> None:
    if is_sqlite(db):
        db.execute_sql("PRAGMA foreign_keys = OFF")
    without_triggers(db).execute_sql(f"UPDATE consultant_access_log SET {change} WHERE id = 2")
    for call in (("list",), ("list", "--json"), ("export", str(tmp_path / "log.csv"))):
        complaint = shell("audit", *call).complaint
        assert complaint.startswith(f"{which} of the access log was changed by another program")
        assert complaint.endswith("readwatch audit verify")
    assert list(tmp_path.glob("*log.csv*")) == []
    assert "NOT INTACT: entry 2 was changed" in shell("audit", "verify").out


@pytest.mark.usefixtures("looks")
def test_the_list_of_a_consultant_and_of_a_reader(shell: Shell, db: Database, cast: Any) -> None:
    about_ann = shell(
        "audit", "list", "--consultant", "Cara@example.org", "--reader", cast.ann.email
    )
    assert [line.split()[0] for line in about_ann.out.splitlines()] == ["id", "1"]
    assert "Cara Cook" in about_ann.out
    assert entries(db) == [
        (cast.dora.id, "listed_access_log", cast.ann.id, f"cli, of user {cast.cara.id}")
    ]
    complaint = shell("audit", "list", "--reader", "zoe@example.org").complaint
    assert complaint == "there is no account with this e-mail"


@pytest.mark.usefixtures("looks")
def test_entries_about_a_deleted_account_are_listed(shell: Shell, db: Database) -> None:
    db.execute_sql(
        "UPDATE users SET deleted_at = '2026-11-22 13:00:00.000' WHERE email = 'ann@example.org'"
    )
    listed = json.loads(shell("audit", "list", "--json", "--reader", "ann@example.org").out)
    assert [entry["target_name"] for entry in listed] == ["Ann Archer"] * 2


@pytest.mark.usefixtures("looks")
def test_who_lists_or_exports_is_an_admin(shell: Shell, db: Database, tmp_path: Path) -> None:
    file = tmp_path / "log.csv"
    for call in (("list",), ("export", str(file))):
        complaint = shell("audit", *call, "--as", "cara@example.org").complaint
        assert "there is no active admin 'cara@example.org'" in complaint
    assert entries(db) == []
    assert not file.exists()


@pytest.mark.usefixtures("looks")
def test_an_export_as_csv_is_logged_and_contains_no_formula(
    shell: Shell, db: Database, cast: Any, tmp_path: Path
) -> None:
    file = tmp_path / "log.csv"
    ended = shell("audit", "export", str(file))
    assert (ended.code, ended.out, ended.err) == (0, f"wrote 2 entries to {file}\n", "")
    assert mode(file) == 0o600
    with file.open(encoding="utf-8", newline="") as opened:
        first, second = csv.DictReader(opened)
    assert (first["id"], first["action_details"]) == ("1", "'=1+1")
    assert (second["consultant_name"], second["target_name"]) == ("Cara Cook", "Ben Baker")
    assert entries(db) == [(cast.dora.id, "exported_access_log", None, "cli, csv, rows 2")]


@pytest.mark.usefixtures("looks")
def test_an_export_as_json(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "log.JSON"
    assert shell("audit", "export", str(file)).code == 0
    rows = json.loads(file.read_text(encoding="utf-8"))
    assert [(row["id"], row["action_details"]) for row in rows] == [
        (1, "=1+1"),
        (2, "console, from online"),
    ]


def test_an_empty_log_is_exported_as_nothing(shell: Shell, cast: Any, tmp_path: Path) -> None:
    file = tmp_path / "log.json"
    assert shell("audit", "export", str(file)).code == 0
    assert json.loads(file.read_text()) == []


def test_an_export_that_cannot_be_made_leaves_no_entry_and_no_file(
    shell: Shell, db: Database, cast: Any, tmp_path: Path
) -> None:
    existing = tmp_path / "log.csv"
    existing.write_text("mine")
    complaint = shell("audit", "export", str(existing)).complaint
    assert complaint == f"{existing} already exists; name a new file"
    assert existing.read_text() == "mine"
    assert "in .csv or .json" in shell("audit", "export", str(tmp_path / "log.txt")).complaint
    assert "cannot be written" in shell("audit", "export", str(tmp_path / "a" / "b.csv")).complaint
    assert entries(db) == []


def test_an_export_that_cannot_be_recorded_writes_nothing(
    shell: Shell, db: Database, cast: Any, tmp_path: Path
) -> None:
    db.execute_sql("ALTER TABLE consultant_access_log RENAME COLUMN ip_address TO ip")
    file = tmp_path / "log.csv"
    assert shell("audit", "export", str(file)).code != 0
    assert not file.exists()


@pytest.mark.usefixtures("looks")
def test_a_terminal_of_80_columns_breaks_no_name_and_no_moment(shell: Shell) -> None:
    printed, code = pexpect.run(
        f"{sys.executable} -m readwatch --database '{shell.url}' audit list",
        encoding="utf-8",
        withexitstatus=True,
        timeout=30,
        dimensions=(50, 80),
        env={"TERM": "xterm-256color", "PATH": "/usr/bin:/bin", "NO_COLOR": "1", "TZ": "UTC"},
    )
    assert code == 0, printed
    (ann,) = [line for line in printed.splitlines() if "2026-11-22 12:01" in line]
    for cell in ("Cara Cook", "viewed reader activities", "Ann Archer"):
        assert cell in ann
