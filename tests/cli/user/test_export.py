"""`readwatch user export`: all data about one person in a zip file, and none about anybody else."""

import csv
import io
import json
import stat
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from cli.shell import Shell, log
from conftest import Cast

from readwatch.domain.activities import Activity
from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.cases import NewCaseNote, NoteKind
from readwatch.domain.clock import Clock
from readwatch.store import case_notes
from readwatch.store.audit import log as audit_log
from readwatch.store.engine.connections import Database
from readwatch.store.identity import invitations
from readwatch.store.identity.sessions import open_session
from readwatch.store.identity.tokens import hash_token
from readwatch.store.lifecycle import personal_data_export
from readwatch.store.recording.activities import record_activities

ANN, CODE = "ann@example.org", "a code"
PARTS = {
    *("account", "profile", "sessions", "staff_sessions", "invitations", "activities"),
    *(
        "content_progress",
        "quizzes",
        "hours",
        "archived_totals",
        "archived_content_progress",
        "archived_quizzes",
        "archived_activities",
    ),
    *("groups", "assigned_groups", "case_notes", "case_notes_by_this_user"),
    *("accesses_to_this_user", "accesses_by_this_user"),
}


@pytest.fixture
def bundle(shell: Shell, cast: Cast, db: Database, clock: Clock, tmp_path: Path) -> ZipFile:
    """Ann read more than is fetched at once, Ben read too, and Cara looked at both."""
    with db.atomic():
        ann = open_session(db, cast.ann, hash_token("ann's"), clock(), user_agent="=cmd()")
        pages = [
            Activity("page_read", "momo", "Momo", 5, metadata=json.dumps({"page": page}))
            for page in range(personal_data_export.ROWS_AT_ONCE + 1)
        ]
        record_activities(db, ann, pages, clock())
        ben = open_session(db, cast.ben, hash_token("ben's"), clock(), user_agent="Ben's tablet")
        record_activities(db, ben, [Activity("page_read", "hobbit", "The Hobbit")], clock())
    with db.atomic():
        invited = AuditEvent(cast.dora.id, AuditAction.INVITED_USER, cast.ann.id, "cli")
        audit_log.append_in_transaction(db, invited, clock())
        invitations.add_invitations(db, {cast.ann.id: CODE}, clock())
    for target in (cast.ann.id, cast.ben.id):
        audit_log.log_event(
            db,
            AuditEvent(
                cast.cara.id, AuditAction.VIEWED_READER_PROFILE, target, "console", "10.1.1.1"
            ),
            clock(),
        )
        note = NewCaseNote(target, NoteKind.NOTE, f"phoned the parents of {target}")
        case_notes.add_note(db, note, clock(), author_id=cast.cara.id, details="console")
    file = tmp_path / "ann.zip"
    ended = shell("user", "export", ANN, "--output", str(file))
    assert (ended.code, ended.err) == (0, "")
    assert f"activities: {len(pages):,}\n" in ended.out
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    return ZipFile(file)


def as_json(bundle: ZipFile, part: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(bundle.read(f"{part}.json"))
    return rows


def as_csv(bundle: ZipFile, part: str) -> list[dict[str, Any]]:
    return list(csv.DictReader(io.StringIO(bundle.read(f"{part}.csv").decode())))


def test_each_part_is_there_as_json_and_as_csv(bundle: ZipFile) -> None:
    assert set(bundle.namelist()) == {
        f"{part}.{kind}" for part in PARTS for kind in ("json", "csv")
    }
    for part in PARTS:
        rows, texts = as_json(bundle, part), as_csv(bundle, part)
        assert len(rows) == len(texts), part
        assert [list(row) for row in rows] == [list(row) for row in texts], part
    activities = as_json(bundle, "activities")
    assert [json.loads(it["metadata_json"])["page"] for it in activities] == list(
        range(personal_data_export.ROWS_AT_ONCE + 1)
    )
    (account,) = as_json(bundle, "account")
    assert (account["email"], account["full_name"]) == (ANN, "Ann Archer")
    (session,) = as_csv(bundle, "sessions")
    assert session["user_agent"] == "'=cmd()", "no spreadsheet takes it for a formula"
    (content,) = as_json(bundle, "content_progress")
    assert content["content_title"] == "Momo"


def test_accesses_are_listed_by_role_and_the_export_itself_is_logged(
    bundle: ZipFile, cast: Cast, db: Database
) -> None:
    told = [(it["action_type"], it["user_role"]) for it in as_json(bundle, "accesses_to_this_user")]
    assert told == [
        ("invited_user", "admin"),
        ("viewed_reader_profile", "consultant"),
        ("added_case_note", "consultant"),
        ("exported_user", "admin"),
    ]
    assert log(db)[-1] == (cast.dora.id, "exported_user", cast.ann.id, "cli, zip")


def test_notes_about_a_reader_are_given_with_the_role_of_their_author(
    bundle: ZipFile, cast: Cast
) -> None:
    [note] = as_json(bundle, "case_notes")
    assert (note["user_role"], note["kind"], note["until"]) == ("consultant", "note", None)
    assert note["text"] == f"phoned the parents of {cast.ann.id}"
    assert as_json(bundle, "case_notes_by_this_user") == []


def test_staff_learn_when_they_wrote_notes_but_not_about_whom(
    shell: Shell, cast: Cast, bundle: ZipFile, tmp_path: Path
) -> None:
    file = tmp_path / "cara.zip"
    assert shell("user", "export", "cara@example.org", "--output", str(file)).code == 0
    notes = as_json(ZipFile(file), "case_notes_by_this_user")
    assert [set(note) for note in notes] == [{"id", "created_at", "kind", "until"}] * 2


def test_no_secret_and_nothing_about_anybody_else_is_in_it(bundle: ZipFile, db: Database) -> None:
    everything = "".join(bundle.read(name).decode() for name in bundle.namelist())
    (hashed,) = db.execute_sql("SELECT password_hash FROM users WHERE id = 1").fetchone()
    assert [set(row) for row in as_json(bundle, "invitations")] == [
        {"user_id", "created_at", "expires_at"}
    ]
    for secret in (
        hashed,
        hash_token("ann's"),
        invitations.hash_code(CODE),
        "Hobbit",
        "Ben",
        "Cara",
        "Dora",
        "10.1.1.1",
    ):
        assert secret not in everything


def test_an_export_that_cannot_be_made_or_recorded_leaves_no_file_and_no_entry(
    shell: Shell, cast: Cast, db: Database, tmp_path: Path
) -> None:
    (tmp_path / "there.zip").write_text("mine")
    for name, complaint in (("there.zip", "already exists"), ("a.tar", "must end in .zip")):
        file = str(tmp_path / name)
        assert complaint in shell("user", "export", ANN, "--output", file).complaint
    assert (tmp_path / "there.zip").read_text() == "mine"
    assert log(db) == []

    db.execute_sql("ALTER TABLE consultant_access_log RENAME COLUMN ip_address TO ip")
    assert shell("user", "export", ANN, "--output", str(tmp_path / "ann.zip")).code != 0
    assert not (tmp_path / "ann.zip").exists()
