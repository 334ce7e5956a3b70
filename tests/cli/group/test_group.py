"""`readwatch group`: groups are added, filled, shown and deleted, and consultants are limited."""

import json
from typing import Any

import pytest
from cli.shell import Shell, log
from conftest import Cast

from readwatch.store.audit.log import list_access
from readwatch.store.engine.connections import Database

ANN, BEN, CARA, DORA = (f"{name}@example.org" for name in ("ann", "ben", "cara", "dora"))


@pytest.fixture
def group(shell: Shell, cast: Cast) -> str:
    """The group 4b, with Ann."""
    assert shell("group", "add", "4b").out == "added 4b\n"
    assert shell("group", "add-reader", "4b", ANN).code == 0
    return "4b"


def shown(shell: Shell, name: str = "4b") -> Any:
    return json.loads(shell("group", "show", name, "--json").out)


def test_groups_are_listed_with_numbers(shell: Shell, cast: Cast) -> None:
    assert shell("group", "list").out == (
        "there are no groups yet; add one with: readwatch group add NAME\n"
    )
    assert shell("group", "add", "4b", "reading  club").out == "added 4b, reading club\n"
    shell("group", "add-reader", "4B", ANN, BEN)
    shell("group", "assign", "4b", CARA)
    headings, *lines = shell("group", "list").out.splitlines()
    assert headings.split() == ["group", "readers", "consultants"]
    assert [line.split() for line in lines] == [["4b", "2", "1"], ["reading", "club", "0", "0"]]
    first, second = json.loads(shell("group", "list", "--json").out)
    assert (first["name"], first["readers"], first["consultants"]) == ("4b", 2, 1)
    assert second["name"] == "reading club"


def test_all_groups_are_added_or_none(shell: Shell, cast: Cast, db: Database) -> None:
    shell("group", "add", "4b")
    assert shell("group", "add", "4a", "4B").complaint == "there is a group '4B' already"
    assert len(json.loads(shell("group", "list", "--json").out)) == 1
    assert [entry[1] for entry in log(db)] == ["added_group"]


def test_a_group_shows_its_readers_and_consultants_after_it_is_logged(
    shell: Shell, cast: Cast, db: Database, group: str
) -> None:
    shell("group", "assign", group, CARA)
    text = shell("group", "show", group).out
    assert "Ann Archer" in text
    assert "1 reader in 4b" in text
    assert f"consultants who see only groups, this one among them: {CARA}" in text
    assert log(db)[-1] == (cast.dora.id, "listed_users", cast.ann.id, "cli, group 4b")
    assert [reader["email"] for reader in shown(shell)["readers"]] == [ANN]
    assert [each["email"] for each in shown(shell)["consultants"]] == [CARA]


def test_each_change_is_logged_and_says_what_it_did(
    shell: Shell, cast: Cast, db: Database, group: str
) -> None:
    assert shell("group", "add-reader", group, ANN, BEN, BEN).out == (
        "added 1 reader to 4b; 1 was in it already\n"
    )
    assert shell("group", "rename", group, "5b").out == "4b is now 5b\n"
    assert shell("group", "remove-reader", "5b", BEN).out == "removed 1 reader from 5b\n"
    assert shell("group", "remove-reader", "5b", BEN).out == (
        "removed 0 readers from 5b; 1 was not in it\n"
    )
    assert log(db) == [
        (cast.dora.id, "added_group", None, "cli, group 4b"),
        (cast.dora.id, "added_to_group", cast.ann.id, "cli, group 4b"),
        (cast.dora.id, "added_to_group", cast.ben.id, "cli, group 4b"),
        (cast.dora.id, "renamed_group", None, "cli, group 4b to 5b"),
        (cast.dora.id, "removed_from_group", cast.ben.id, "cli, group 5b"),
    ]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("show", "4c"), "there is no group '4c'; see: readwatch group list"),
        (("add", " "), "the name of a group must not be empty"),
        (("add-reader", "4b", BEN, CARA), f"nothing was changed: {CARA} is a consultant, not a re"),
        (("add-reader", "4b", BEN, "x@example.org"), "there is no account with this e-mail"),
        (("assign", "4b", ANN), f"nothing was changed: {ANN} is a reader, not a consultant"),
        (("assign", "4b", DORA), f"nothing was changed: {DORA} is an admin, not a consultant"),
        (("unassign", "4b", CARA, "--yes"), "the consultant is not assigned to a group '4b'"),
    ],
)
def test_what_cannot_be_done_changes_nothing(
    shell: Shell, db: Database, group: str, words: tuple[str, ...], complaint: str
) -> None:
    before = log(db)
    assert shell("group", *words).complaint.startswith(complaint)
    assert log(db) == before
    assert [reader["email"] for reader in shown(shell)["readers"]] == [ANN]


def test_a_consultant_is_limited_until_the_last_assignment_ends(
    shell: Shell, cast: Cast, db: Database, group: str
) -> None:
    shell("group", "add", "4a")
    assert shell("group", "assign", "4a", CARA).out == f"{CARA} sees the readers of: 4a\n"
    assert shell("group", "assign", group, CARA).out == f"{CARA} sees the readers of: 4a, 4b\n"
    assert shell("group", "assign", group, CARA).complaint == f"{CARA} is assigned to 4b already"
    assert "the readers of 4a, 4b" in shell("user", "show", CARA).out
    assert list_access(db, cast.cara.id).scope.is_limited
    assert shell("group", "unassign", group, CARA).out == f"{CARA} sees the readers of: 4a\n"
    assert "use --yes" in shell("group", "unassign", "4a", CARA).complaint
    assert shell("group", "unassign", "4a", CARA, "--yes").out == f"{CARA} sees all readers\n"
    assert not list_access(db, cast.cara.id).scope.is_limited
    assert "all readers" in shell("user", "show", CARA).out
    assert log(db)[-1][1:] == ("viewed_user", cast.cara.id, "cli")
    changes = [entry[1] for entry in log(db) if "assigned" in entry[1]]
    assert changes == ["assigned_group"] * 2 + ["unassigned_group"] * 2


def test_a_deletion_says_who_sees_nobody_now(
    shell: Shell, cast: Cast, db: Database, group: str
) -> None:
    shell("group", "assign", group, CARA)
    assert "use --yes" in shell("group", "delete", group).complaint
    ended = shell("group", "delete", group, "--yes")
    assert (ended.code, ended.out) == (0, "deleted 4b; its readers stay\n")
    assert ended.err.startswith("1 consultant sees nobody now: assign another group with")
    assert log(db)[-1] == (cast.dora.id, "deleted_group", None, "cli, group 4b")
    assert json.loads(shell("group", "list", "--json").out) == []
    assert list_access(db, cast.cara.id).scope.is_limited
    assert "1 consultant sees nobody" in shell("doctor").out
    shell("group", "add", group)
    assert shown(shell)["readers"] == [], "a new group of this name begins without readers"
    assert "nobody: all assigned groups are deleted" in shell("user", "show", CARA).out
    assert "4b (deleted, nobody)" in shell("group", "assign", group, CARA).out


def test_lists_exports_and_reports_can_be_of_one_group(
    shell: Shell, cast: Cast, db: Database, group: str
) -> None:
    of_group = json.loads(shell("user", "list", "--group", group, "--json").out)
    assert [account["email"] for account in of_group] == [ANN]
    exported = shell("export", "readers", "--group", group, "--format", "jsonl").out
    assert [json.loads(line)["email"] for line in exported.splitlines()] == [ANN]
    assert log(db)[-1][2:] == (cast.ann.id, "cli, readers, jsonl, group 4b")
    report = json.loads(shell("report", "week", "--group", group, "--json").out)
    assert report["group"] == "4b"
    assert "group 4b" in log(db)[-1][3]
    assert shell("report", "week", "--group", "4c", "--json").complaint.startswith("there is no g")


def test_the_data_of_a_person_and_their_erasure_reach_groups(
    shell: Shell, cast: Cast, db: Database, group: str
) -> None:
    shell("group", "assign", group, CARA)
    for email in (ANN, CARA):
        assert shell("user", "erase", email, "--yes").code == 0
    for table in ("reader_group_members", "consultant_groups"):
        assert list(db.execute_sql(f"SELECT 1 FROM {table}")) == []
