"""`readwatch db restore`: a backup takes the place of the database, and forgets what it has to."""

import json
import os
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import apsw
import pexpect
import pytest
from cli.shell import Shell
from ingest.process import serving

from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.audit_chain import last_anchor
from readwatch.domain.clock import system_clock
from readwatch.store.audit.log import log_event
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import close_all, connection, open_database
from readwatch.store.engine.privileges import Role
from readwatch.store.engine.sqlite import make_sqlite_file, sqlite_path

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

ANN, BEN, CARA, DORA = (f"{name}@example.org" for name in ("ann", "ben", "cara", "dora"))


def ask(url: str, sql: str) -> list[Any]:
    """Run a query with a connection that is closed again: a restore needs the file for itself."""
    db = open_database(url, Role.OWNER)
    try:
        with connection(db):
            return list(db.execute_sql(sql).fetchall())
    finally:
        close_all(db)


@pytest.fixture
def path(shell: Shell) -> Path:
    return sqlite_path(shell.url)


@pytest.fixture
def monday(shell: Shell, cast: object, tmp_path: Path) -> Path:
    """A backup with the cast, whose sessions are active."""
    file = tmp_path / "monday.db"
    assert shell("db", "backup", str(file)).code == 0
    return file


def replaced(path: Path) -> list[Path]:
    return [file for file in path.parent.glob(f"{path.name}.replaced-*") if "-wal" not in file.name]


def test_the_database_is_as_it_was_and_the_replaced_one_is_kept(
    shell: Shell, monday: Path, path: Path
) -> None:
    shell.add("eve@example.org", "reader")
    ended = shell("db", "restore", str(monday), "--yes")
    assert (ended.code, ended.err) == (0, "")
    assert "4 accounts, 0 activities, 1 entry of the access log" in ended.out
    assert ask(shell.url, "SELECT count(*) FROM users") == [(4,)]
    [aside] = replaced(path)
    assert str(aside) in ended.out
    assert ask(f"sqlite:///{aside}", "SELECT count(*) FROM users") == [(5,)]
    assert path.stat().st_mode & 0o777 == 0o600
    assert ask(shell.url, "PRAGMA journal_mode") == [("wal",)]
    assert shell("db", "health").code == 0


def test_the_service_goes_on_with_a_restored_database(shell: Shell, monday: Path) -> None:
    assert shell("db", "restore", str(monday), "--yes").code == 0
    with serving(shell.url) as server:
        app = server.app(ANN)
        assert app.post("/api/activities", {"activity_type": "page_read"})[0] == 201
        assert server.stop() == (0, "", "")


def test_nothing_is_restored_while_the_service_uses_the_database(
    shell: Shell, monday: Path, path: Path
) -> None:
    with serving(shell.url):
        complaint = shell("db", "restore", str(monday), "--yes").complaint
    assert complaint == f"another program has {path} open; stop the service and all consoles first"
    assert replaced(path) == []


def test_no_session_is_good_afterwards(shell: Shell, cast: object, tmp_path: Path) -> None:
    with serving(shell.url) as server:
        tokens = [server.app(email).token for email in (ANN, BEN, CARA)]
        answer = server.app().post(
            "/api/login", {"email": ANN, "password": "correct horse battery"}
        )
        resume_token = answer[1]["resume_token"]
        tuesday = tmp_path / "tuesday.db"
        assert shell("db", "backup", str(tuesday)).code == 0
        assert server.stop() == (0, "", "")
    assert shell("db", "restore", str(tuesday), "--yes").code == 0
    with serving(shell.url) as server:
        for token in tokens:
            app = server.app()
            app.token = token
            assert app.request("GET", "/api/me")[0] == 401
        assert server.app().post("/api/resume", {"resume_token": resume_token})[0] == 401
        assert server.stop() == (0, "", "")


def test_no_code_of_an_invitation_is_good_afterwards(
    shell: Shell, cast: object, tmp_path: Path
) -> None:
    """It may have been used or revoked since the backup."""
    (invitation,) = json.loads(shell("user", "invite", ANN, "--json").out)
    tuesday = tmp_path / "tuesday.db"
    assert shell("db", "backup", str(tuesday)).code == 0
    assert shell("user", "invite", "--revoke", ANN).code == 0
    assert shell("db", "restore", str(tuesday), "--yes").code == 0
    body = {"code": invitation["code"], "password": "a password of my own"}
    with serving(shell.url) as server:
        assert server.app().post("/api/invitation", body)[0] == 401
        assert server.stop() == (0, "", "")


def test_who_was_erased_since_is_erased_again(shell: Shell, monday: Path, path: Path) -> None:
    assert shell("user", "erase", ANN, "--yes").code == 0
    ended = shell("db", "restore", str(monday), "--yes")
    assert "erased again: account 1\n" in ended.out
    assert (ended.code, ended.err) == (0, "")
    assert ask(shell.url, "SELECT email FROM users WHERE id = 1") == [("erased-1@erased.invalid",)]
    assert b"Ann Archer" not in path.read_bytes()
    entry = ask(shell.url, "SELECT action_type, action_details FROM consultant_access_log")[-1]
    assert entry[0] == "erased_user"
    assert entry[1].startswith("cli restore, erased before, run by ")
    assert shell("audit", "verify").code == 0


def test_without_the_list_the_replaced_database_says_who_was_erased(
    shell: Shell, monday: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert shell("user", "erase", ANN, "--yes").code == 0
    monkeypatch.setenv("HOME", str(tmp_path / "somebody else"))
    assert "erased again: account 1\n" in shell("db", "restore", str(monday), "--yes").out


def test_a_refused_erasure_is_not_done_by_a_restore(shell: Shell, monday: Path) -> None:
    assert "last active admin" in shell("user", "erase", DORA, "--yes").complaint
    assert "erased again" not in shell("db", "restore", str(monday), "--yes").out
    assert ask(shell.url, "SELECT email FROM users WHERE id = 4") == [(DORA,)]


def test_the_last_admin_who_was_erased_since_is_erased_again(shell: Shell, monday: Path) -> None:
    assert shell.add("eve@example.org", "admin").code == 0
    assert shell("user", "erase", DORA, "--yes", "--as", "eve@example.org").code == 0
    ended = shell("db", "restore", str(monday), "--yes")
    assert (ended.code, ended.err) == (0, "")
    assert "erased again: account 4\n" in ended.out
    assert ask(shell.url, "SELECT email FROM users WHERE id = 4") == [("erased-4@erased.invalid",)]
    assert shell("audit", "verify").code == 0


def test_a_replaced_database_without_its_log_still_says_who_was_erased(
    shell: Shell, monday: Path, tmp_path: Path
) -> None:
    elsewhere, empty = tmp_path / "erased", tmp_path / "empty"
    empty.touch()
    assert shell("user", "erase", ANN, "--yes", f"--erasure-list={elsewhere}").code == 0
    ask(shell.url, "DROP TABLE consultant_access_log")
    ended = shell("db", "restore", str(monday), "--yes", f"--erasure-list={empty}")
    assert "erased again: account 1\n" in ended.out


def test_a_list_that_is_named_has_to_be_there_and_readable(
    shell: Shell, monday: Path, path: Path, tmp_path: Path
) -> None:
    listed = tmp_path / "erased.txt"
    words = ("db", "restore", str(monday), "--yes", "--erasure-list", str(listed))
    assert f"there is no list of erased accounts at {listed}" in shell(*words).complaint
    listed.write_text("half a li")
    assert shell(*words).complaint.startswith(f"{listed}: line 1 of the list")
    assert replaced(path) == []


def test_a_new_account_with_the_number_of_an_erased_one_stays(
    shell: Shell, new_shell: Shell, tmp_path: Path
) -> None:
    assert shell.url == new_shell.url
    erased = tmp_path / "erased.txt"
    erased.write_text("2026-11-29T10:00:00+00:00 1 2020-01-01T00:00:00+00:00\n")
    shell.init()
    monday = tmp_path / "monday.db"
    shell("db", "backup", str(monday))
    ended = shell("db", "restore", str(monday), "--yes", "--erasure-list", str(erased))
    assert (ended.code, "erased" in ended.out) == (0, False)
    assert ask(shell.url, "SELECT email FROM users") == [(DORA,)]


def test_the_access_log_says_what_is_missing(shell: Shell, monday: Path) -> None:
    for _ in range(3):
        shell("user", "list")
    anchored = shell("audit", "verify", "--json")
    assert json.loads(anchored.out)["head"]["entries"] == 5
    assert shell("db", "restore", str(monday), "--yes").code == 0
    verified = shell("audit", "verify")
    assert (verified.code, verified.err) == (0, "")
    assert "GAP: 4 entries are missing after entry number 1: entry 2 says that a backup" in (
        verified.out
    )
    entry = ask(shell.url, "SELECT action_type, action_details FROM consultant_access_log")[1]
    assert entry[0] == "restored_backup"
    assert entry[1].startswith("cli, 1 instead of 5 entries, from monday.db, run by ")
    [gap] = json.loads(shell("audit", "verify", "--json").out)["gaps"]
    assert (gap["replaced_entries"], gap["head"]["entries"]) == (5, 2)


def test_anchors_of_the_service_end_at_the_restore_and_others_do_not(
    shell: Shell, monday: Path, tmp_path: Path
) -> None:
    shell("user", "list")
    with serving(shell.url) as server:  # anchors the log
        assert server.stop() == (0, "", "")
    mine = tmp_path / "mine.txt"
    assert shell("audit", "anchor", str(mine)).code == 0
    assert shell("db", "restore", str(monday), "--yes").code == 0
    assert shell("audit", "verify").code == 0
    refuted = shell("audit", "verify", "--anchor", str(mine))
    assert refuted.code == 1
    assert "NOT INTACT: the log was cut off after entry 2" in refuted.out
    with serving(shell.url) as server:  # checks its anchors at the start
        assert server.stop() == (0, "", "")


def test_an_entry_of_somebody_else_explains_no_cut_log(shell: Shell, monday: Path) -> None:
    """Also not after the service has anchored the log with that entry."""
    shell("user", "list")
    with serving(shell.url) as server:
        assert server.stop() == (0, "", "")
    for sql in (
        "DROP TRIGGER consultant_access_log_keeps_rows",
        "DELETE FROM consultant_access_log WHERE id > 2",
        "UPDATE sqlite_sequence SET seq = 2 WHERE name = 'consultant_access_log'",
    ):
        ask(shell.url, sql)
    db = open_database(shell.url, Role.OWNER)
    with connection(db):
        event = AuditEvent(4, AuditAction.RESTORED_BACKUP, details="cli, 2 instead of 3 entries")
        log_event(db, event, system_clock())
    close_all(db)
    for _ in range(2):
        refuted = shell("audit", "verify")
        assert refuted.code == 1
        assert "NOT INTACT: " in refuted.out
        with serving(shell.url) as server:
            server.stop()


def test_after_a_wrong_backup_the_right_one_and_the_replaced_one_can_be_restored(
    shell: Shell, monday: Path, path: Path, tmp_path: Path
) -> None:
    shell("user", "list")
    tuesday = tmp_path / "tuesday.db"
    assert shell("db", "backup", str(tuesday)).code == 0
    for backup in (monday, tuesday, monday):
        with serving(shell.url) as server:
            assert server.stop() == (0, "", "")
        shell("user", "list")
        assert shell("db", "restore", str(backup), "--yes").code == 0
        assert shell("audit", "verify").code == 0
    last = max(replaced(path), key=lambda file: file.stat().st_mtime_ns)
    ended = shell("db", "restore", str(last), "--yes")
    assert (ended.code, ended.err) == (0, "")
    verified = shell("audit", "verify")
    assert verified.code == 0
    assert "-" not in "".join(line for line in verified.out.splitlines() if "GAP: -" in line)


def test_an_entry_that_cannot_be_read_is_for_the_chain(shell: Shell, monday: Path) -> None:
    assert shell("db", "restore", str(monday), "--yes").code == 0
    ask(shell.url, "DROP TRIGGER consultant_access_log_keeps_values")
    for value in ("''", "x'ff00'", "CAST(x'ff' AS TEXT)"):
        ask(shell.url, f"UPDATE consultant_access_log SET created_at = {value} WHERE id = 2")
        verified = shell("audit", "verify")
        assert verified.code == 1
        assert "NOT INTACT: entry 2 was changed" in verified.out


def test_behind_a_link_the_file_itself_is_replaced(
    shell: Shell, monday: Path, path: Path, tmp_path: Path
) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(path)
    shell.add("eve@example.org", "reader")
    shell.url = f"sqlite:///{link}"
    assert shell("db", "restore", str(monday), "--yes").code == 0
    assert link.is_symlink()
    assert ask(f"sqlite:///{path}", "SELECT count(*) FROM users") == [(4,)]
    assert len(replaced(path)) == 1


def test_the_owner_of_the_database_stays_its_owner(shell: Shell, monday: Path, path: Path) -> None:
    with suppress(PermissionError):  # only root can give it away
        os.chown(path, 65534, 65534)
    owner = path.stat().st_uid
    assert shell("db", "restore", str(monday), "--yes").code == 0
    assert path.stat().st_uid == owner


def test_who_could_use_the_database_still_can(shell: Shell, monday: Path, path: Path) -> None:
    path.chmod(0o660)
    assert shell("db", "restore", str(monday), "--yes").code == 0
    assert path.stat().st_mode & 0o777 == 0o660


def test_a_folder_that_cannot_be_made_is_named(new_shell: Shell, monday: Path) -> None:
    new_shell.url = "sqlite:////proc/nowhere/readwatch.db"
    complaint = new_shell("db", "restore", str(monday), "--yes").complaint
    assert complaint.startswith("/proc/nowhere cannot be written: ")


def test_a_backup_of_a_newer_version_is_refused(shell: Shell, monday: Path, path: Path) -> None:
    ask(
        f"sqlite:///{monday}",
        "INSERT INTO schema_history (number, name, checksum) VALUES (99, 'future', '')",
    )
    complaint = shell("db", "restore", str(monday), "--yes").complaint
    assert complaint.startswith("upgrade readwatch: the database has schema 99")
    assert replaced(path) == []


def test_a_backup_without_its_triggers_is_refused(shell: Shell, monday: Path, path: Path) -> None:
    ask(f"sqlite:///{monday}", "DROP TRIGGER consultant_access_log_keeps_rows")
    complaint = shell("db", "restore", str(monday), "--yes").complaint
    assert "trigger consultant_access_log_keeps_rows is missing" in complaint
    assert replaced(path) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux")
def test_the_log_is_anchored_also_if_nothing_can_be_printed(
    shell: Shell, monday: Path, tmp_path: Path
) -> None:
    anchors = tmp_path / "anchors"
    command = [sys.executable, "-m", "readwatch", "--database", shell.url, "db", "restore"]
    with open("/dev/full", "wb") as full:
        subprocess.run(
            [*command, str(monday), "--yes", f"--anchor-log={anchors}"],
            stdout=full,
            stderr=subprocess.DEVNULL,
            check=False,
        )
    anchor = last_anchor(anchors)
    assert anchor is not None
    assert anchor.is_of_restore


def test_an_anchor_log_that_cannot_be_written_is_found_before(
    shell: Shell, monday: Path, path: Path, tmp_path: Path
) -> None:
    complaint = shell("db", "restore", str(monday), "--yes", "--anchor-log", "/proc/x").complaint
    assert complaint.startswith("/proc/x cannot be written: ")
    assert replaced(path) == []


def test_an_older_backup_is_upgraded(shell: Shell, tmp_path: Path) -> None:
    older = tmp_path / "older.db"
    make_sqlite_file(older)
    db = open_database(f"sqlite:///{older}", Role.OWNER)
    with connection(db):
        migrations.upgrade(db, migrations.available_migrations(db)[:-1])
        db.execute_sql(
            "INSERT INTO users (email, password_hash, user_role, full_name)"
            " VALUES ('old@example.org', '', 'admin', 'Old Admin')"
        )
    close_all(db)
    ended = shell("db", "restore", str(older), "--yes")
    assert (ended.code, ended.err) == (0, "")
    assert shell("db", "health").code == 0
    assert ask(shell.url, "SELECT full_name FROM users") == [("Old Admin",)]


def test_a_damaged_backup_is_refused(shell: Shell, monday: Path, path: Path) -> None:
    with open(monday, "rb+") as file:
        file.seek(4096 * 30)
        file.write(b"\x00" * 4096 * 3)
    complaint = shell("db", "restore", str(monday), "--yes").complaint
    assert complaint.startswith(f"nothing was restored: {monday} is damaged: SQLite finds ")
    assert replaced(path) == []


def test_a_backup_whose_log_was_rewritten_is_refused(shell: Shell, monday: Path) -> None:
    anchor = monday.with_name("monday.db.anchor")
    anchor.write_text(anchor.read_text()[:-65] + "0" * 64 + "\n")
    complaint = shell("db", "restore", str(monday), "--yes").complaint
    assert "the access log in" in complaint
    assert "is not the one of its anchor" in complaint


def test_a_damaged_database_is_replaced(shell: Shell, monday: Path, path: Path) -> None:
    path.write_bytes(b"a damaged disk" * 10_000)
    ended = shell("db", "restore", str(monday), "--yes")
    assert ended.code == 0
    assert ended.err.startswith("note: it is not known who was erased since the backup")
    assert "an unknown number of entries is missing after entry number 1" in ended.out
    assert replaced(path)[0].read_bytes() == b"a damaged disk" * 10_000
    assert shell("db", "health").code == 0


def test_a_missing_database_is_restored(shell: Shell, monday: Path, path: Path) -> None:
    path.unlink()
    ended = shell("db", "restore", str(monday), "--yes")
    assert ended.code == 0
    assert ended.err.startswith("note: it is not known who was erased since the backup")
    assert "the replaced database" not in ended.out
    assert shell("db", "health").code == 0


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("nothing.db", "there is no file "),
        ("other.db", "other.db is not a database of readwatch"),
        ("letter.txt", "is not a SQLite database"),
    ],
)
def test_other_files_are_refused(
    shell: Shell, monday: Path, path: Path, tmp_path: Path, name: str, complaint: str
) -> None:
    (tmp_path / "letter.txt").write_text("Dear database, " * 500)
    with closing(apsw.Connection(str(tmp_path / "other.db"))) as connection:
        connection.execute("CREATE TABLE other (id)")
    for options in (["--yes"], []):
        assert complaint in shell("db", "restore", str(tmp_path / name), *options).complaint
    assert replaced(path) == []
    assert not list(tmp_path.glob(".readwatch-copy-*"))


def test_without_a_terminal_it_needs_a_word(shell: Shell, monday: Path, path: Path) -> None:
    complaint = shell("db", "restore", str(monday)).complaint
    assert complaint == "there is no terminal to ask on; use --yes"
    assert replaced(path) == []


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_it_asks_and_no_is_no(shell: Shell, monday: Path, path: Path) -> None:
    command = ["-m", "readwatch", "--database", shell.url, "db", "restore", str(monday)]
    for answer, status, kept in (("\x03", 130, 0), ("n\r", 1, 0), ("y\r", 0, 1)):
        process = pexpect.spawn(sys.executable, command, timeout=60, dimensions=(24, 200))
        process.expect("Everybody has to log in again")
        process.expect("Restore it?")
        process.send(answer)
        process.expect(pexpect.EOF)
        process.wait()
        assert (process.exitstatus, len(replaced(path))) == (status, kept)
        assert not list(path.parent.glob(".readwatch-copy-*"))


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_who_is_erased_before_the_answer_is_erased_again(shell: Shell, monday: Path) -> None:
    command = ["-m", "readwatch", "--database", shell.url, "db", "restore", str(monday)]
    process = pexpect.spawn(sys.executable, command, timeout=60, dimensions=(24, 200))
    process.expect("Restore it?")
    assert shell("user", "erase", ANN, "--yes").code == 0
    process.sendline("y")
    process.expect("erased again: account 1")
    process.expect(pexpect.EOF)
    process.wait()
    assert ask(shell.url, "SELECT email FROM users WHERE id = 1") == [("erased-1@erased.invalid",)]
