"""`readwatch export`: activities, sessions and readers for other programs."""

import csv
import io
import json
import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pexpect
import pytest
from cli.shell import Shell, log, shell_status
from conftest import NOON, Cast, StillClock, on_both_engines

from readwatch.domain.activities import Activity, canonical_json
from readwatch.domain.users import User, UserRole
from readwatch.store.engine.connections import Database
from readwatch.store.identity.sessions import open_session
from readwatch.store.identity.tokens import hash_token, new_token
from readwatch.store.identity.users import NewUser, add_user
from readwatch.store.recording.activities import record_activities
from readwatch.store.reports.exports import PAGE_LENGTH

ANN, BEN = "ann@example.org", "ben@example.org"
YESTERDAY = NOON - timedelta(days=1)

Read = Callable[..., None]


@pytest.fixture
def read(db: Database, clock: StillClock) -> Read:
    """`read(reader, activity, …)` posts activities of a reader in a new session."""

    def read(reader: User, *activities: Activity) -> None:
        with db.atomic():
            token = hash_token(new_token())
            session = open_session(db, reader, token, clock(), user_agent="=cmd()")
            record_activities(db, session, activities, clock())

    return read


@pytest.fixture
def history(read: Read, cast: Cast, clock: StillClock) -> None:
    """Yesterday and today Ann read Momo, and Ben the Hobbit while he was offline."""
    clock.moment = YESTERDAY
    read(cast.ann, page("Momo", 10, clock()), page("Momo", 20, clock()))
    clock.moment = NOON
    read(cast.ann, page("Momo", 30, clock()))
    read(cast.ben, page("The Hobbit", 5, YESTERDAY), page("The Hobbit", 6, clock()))


def page(title: str, progress: int, occurred_at: datetime) -> Activity:
    metadata = canonical_json({"page": progress})
    return Activity(
        "page_read", title.lower(), title, progress, 60, metadata, occurred_at=occurred_at
    )


def as_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def as_json(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


# Rows -------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("history")
def test_activities_are_written_in_the_order_of_their_arrival(shell: Shell, cast: Cast) -> None:
    ended = shell("export", "activities", "--format", "jsonl")
    assert (ended.code, ended.err) == (0, "")
    rows = as_json(ended.out)
    assert [row["id"] for row in rows] == [1, 2, 3, 4, 5]
    assert rows[3] == {
        "id": 4,
        "user_id": cast.ben.id,
        "full_name": "Ben Baker",
        "session_id": 3,
        "activity_type": "page_read",
        "content_id": "the hobbit",
        "content_title": "The Hobbit",
        "progress_percentage": 5,
        "duration_seconds": 60,
        "metadata_json": '{"page":5}',
        "event_id": "",
        "occurred_at": "2026-11-21T12:00:00.000+00:00",
        "created_at": "2026-11-22T12:00:00.000+00:00",
    }


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize("kind", ["activities", "sessions", "readers"])
def test_both_formats_have_the_same_rows_and_columns(shell: Shell, kind: str) -> None:
    texts = as_csv(shell("export", kind).out)
    rows = as_json(shell("export", kind, "--format", "jsonl").out)
    assert rows
    assert [list(row) for row in texts] == [list(row) for row in rows]
    for text, row in zip(texts, rows, strict=True):
        for name, value in row.items():
            assert text[name].lstrip("'") == ("" if value is None else str(value)), name


@pytest.mark.usefixtures("history")
def test_sessions_and_readers_have_their_totals_and_no_staff(shell: Shell, cast: Cast) -> None:
    sessions = as_json(shell("export", "sessions", "--format", "jsonl").out)
    assert [(row["user_id"], row["started_at"], row["is_active"]) for row in sessions] == [
        (cast.ann.id, "2026-11-21T12:00:00.000+00:00", True),
        (cast.ann.id, "2026-11-22T12:00:00.000+00:00", True),
        (cast.ben.id, "2026-11-22T12:00:00.000+00:00", True),
    ]
    readers = as_json(shell("export", "readers", "--format", "jsonl").out)
    assert [(row["email"], row["total_reading_time_minutes"]) for row in readers] == [
        (ANN, 3),
        (BEN, 2),
    ]


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize(
    ("kind", "options", "ids"),
    [
        ("activities", ["--since", "2026-11-22T00:00:00Z"], [3, 5]),
        ("activities", ["--until", "2026-11-22T13:00:00+01:00"], [1, 2, 4]),
        ("activities", ["--since", "2026-11-22T12:00:00.001Z"], []),
        ("activities", ["--since", "2030-01-01"], []),
        ("activities", ["--since", "2026-11-21T12:00:00Z", "--until", "2026-11-22"], [1, 2, 4]),
        ("activities", ["--reader", BEN], [4, 5]),
        ("activities", ["--reader", BEN.upper(), "--until", "2026-11-22T12:00:00Z"], [4]),
        ("sessions", ["--since", "2026-11-22T12:00:00Z"], [2, 3]),
        ("sessions", ["--reader", ANN, "--until", "2026-11-22T12:00:00Z"], [1]),
        ("readers", ["--reader", BEN], [2]),
        ("readers", ["--since", "2026-11-22T12:00:00Z"], [1, 2]),
        ("readers", ["--until", "2026-11-22T12:00:00Z"], []),
    ],
)
def test_an_export_has_the_rows_of_a_reader_and_of_a_time(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, kind: str, options: list[str], ids: list[int]
) -> None:
    ended = shell("export", kind, "--format", "jsonl", *options)
    assert (ended.code, ended.err) == (0, "")
    assert [row.get("id", row["user_id"]) for row in as_json(ended.out)] == ids


def test_activities_that_arrived_late_belong_to_the_time_at_which_they_occurred(
    shell: Shell, read: Read, cast: Cast, clock: StillClock
) -> None:
    clock.advance(days=-300)
    read(cast.ann, page("Momo", 1, clock()))
    clock.moment = NOON
    read(cast.ann, *(page("Momo", 2, NOON - timedelta(days=days)) for days in (299, 100, 1)))
    spring = ("--since", "2026-01-27T00:00:00Z", "--until", "2026-09-01T00:00:00Z")
    rows = as_json(shell("export", "activities", "--format", "jsonl", *spring).out)
    assert [row["id"] for row in rows] == [2, 3]


def test_more_than_one_page_is_written_once_and_in_order(
    shell: Shell, read: Read, cast: Cast, clock: StillClock, db: Database
) -> None:
    for reader in (cast.ann, cast.ben):
        pages = (page("Momo", number % 100, clock()) for number in range(PAGE_LENGTH + 1))
        read(reader, *pages)
    db.execute_sql("DELETE FROM reader_activities WHERE id BETWEEN 5 AND 2400")
    every = [*range(1, 5), *range(2401, 2 * PAGE_LENGTH + 3)]
    for options, expected in (
        ((), every),
        (("--reader", BEN), [id for id in every if id > PAGE_LENGTH + 1]),
        (("--until", "2020-01-01"), []),
    ):
        rows = as_csv(shell("export", "activities", *options).out)
        assert [int(row["id"]) for row in rows] == expected


def test_an_empty_database_gives_a_header_and_no_row(shell: Shell, cast: Cast) -> None:
    assert shell("export", "activities").out.startswith("id,user_id,full_name,session_id,")
    assert shell("export", "sessions", "--format", "jsonl").out == ""


@pytest.mark.usefixtures("history")
def test_rows_of_deleted_accounts_are_left_out_and_those_of_suspended_ones_are_not(
    shell: Shell, cast: Cast
) -> None:
    shell("user", "suspend", BEN)
    shell("user", "delete", ANN, "--yes")
    for kind in ("activities", "sessions", "readers"):
        rows = as_json(shell("export", kind, "--format", "jsonl").out)
        assert {row["user_id"] for row in rows} == {cast.ben.id}, kind


def test_all_times_have_the_same_length_and_format(
    shell: Shell, read: Read, cast: Cast, clock: StillClock
) -> None:
    for clock.moment in (NOON, NOON + timedelta(milliseconds=7), NOON + timedelta(seconds=1)):
        read(cast.ann, page("Momo", 1, clock()))
    for kind, names in (
        ("activities", ("occurred_at", "created_at")),
        ("sessions", ("started_at", "last_heartbeat")),
        ("readers", ("created_at", "last_login", "last_activity_at")),
    ):
        for row in as_csv(shell("export", kind, "--reader", ANN).out):
            for name in names:
                assert re.fullmatch(r"2026-\d\d-\d\dT12:00:0\d\.\d{3}\+00:00", row[name])


@pytest.mark.usefixtures("history")
def test_no_secret_is_written(shell: Shell, db: Database) -> None:
    secrets = [
        value
        for query in (
            "SELECT password_hash FROM users",
            "SELECT session_token FROM reader_sessions",
        )
        for (value,) in db.execute_sql(query)
    ]
    assert len(secrets) == 7
    for kind in ("activities", "sessions", "readers"):
        for file_format in ("csv", "jsonl"):
            out = shell("export", kind, "--format", file_format).out
            assert not [secret for secret in secrets if secret in out]


def test_text_of_readers_is_harmless_in_a_spreadsheet_and_on_a_terminal(
    shell: Shell, read: Read, cast: Cast, clock: StillClock
) -> None:
    for title in ('=HYPERLINK("http://x")', "+1", "@sum", "\x1b[2Jboo", 'a,b\n"c"'):
        read(cast.ann, page(title, 1, clock()))
    out = shell("export", "activities").out
    titles = [row["content_title"] for row in as_csv(out)]
    assert titles == ['\'=HYPERLINK("http://x")', "'+1", "'@sum", "␛[2Jboo", 'a,b "c"']
    assert "\x1b" not in out
    assert "\x1b" not in shell("export", "activities", "--format", "jsonl").out
    assert as_csv(shell("export", "sessions").out)[0]["user_agent"] == "'=cmd()"


# The access log ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("history")
def test_an_export_is_logged_and_names_three_or_fewer_readers(
    shell: Shell, cast: Cast, db: Database, add: Callable[[int], list[User]], read: Read
) -> None:
    shell("export", "activities", "--reader", ANN, "--since", "2026-11-22T00:00:00+01:00")
    shell("export", "sessions", "--format", "jsonl")
    assert log(db) == [
        (
            *(cast.dora.id, "exported_data", cast.ann.id),
            "cli, activities, csv, since 2026-11-21T23:00:00Z",
        ),
        (cast.dora.id, "exported_data", cast.ann.id, "cli, sessions, jsonl"),
        (cast.dora.id, "exported_data", cast.ben.id, "cli, sessions, jsonl"),
    ]
    for reader in add(2):
        read(reader, page("Momo", 1, NOON))
    shell("export", "activities")
    shell("export", "activities", "--until", "2026-11-22T12:00:00Z")
    assert [entry[2] for entry in log(db)[3:]] == [None, cast.ann.id, cast.ben.id]


def test_readers_who_come_late_in_a_long_export_are_counted(
    shell: Shell, cast: Cast, db: Database, add: Callable[[int], list[User]], read: Read
) -> None:
    read(cast.ann, *(page("Momo", 1, NOON) for _ in range(PAGE_LENGTH + 1)))
    for reader in (cast.ben, *add(2)):
        read(reader, page("Momo", 1, NOON))
    shell("export", "activities")
    assert [entry[2] for entry in log(db)] == [None]


@pytest.fixture
def add(db: Database, password_hash: str) -> Callable[[int], list[User]]:
    """`add(number)` adds readers."""

    def add(number: int) -> list[User]:
        names = (f"Reader {letter}" for letter in "KLMNOPQ"[:number])
        return [
            add_user(
                db,
                NewUser(
                    email=f"{name[-1].lower()}@example.org",
                    full_name=name,
                    user_role=UserRole.READER,
                    password_hash=password_hash,
                ),
                NOON,
            )
            for name in names
        ]

    return add


@pytest.mark.usefixtures("history")
def test_without_an_entry_there_is_no_row_and_no_file(
    shell: Shell, db: Database, tmp_path: Path
) -> None:
    db.execute_sql("ALTER TABLE consultant_access_log RENAME COLUMN ip_address TO ip")
    file = tmp_path / "new.csv"
    assert shell("export", "activities", "--output", str(file)).code != 0
    ended = shell("export", "activities")
    assert (ended.code != 0, ended.out) == (True, "")
    assert list(tmp_path.glob("*.csv")) == list(tmp_path.glob(".*.draft")) == []


# Files and pipes --------------------------------------------------------------------------------


@pytest.mark.usefixtures("history")
def test_a_file_is_new_complete_and_for_its_owner_alone(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "activities.csv"
    ended = shell("export", "activities", "--output", str(file))
    assert (ended.code, ended.out, ended.err) == (0, f"wrote 5 activities to {file}\n", "")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    written = file.read_text("utf-8")
    assert written == shell("export", "activities").out
    assert "already exists" in shell("export", "readers", "--output", str(file)).complaint
    assert file.read_text("utf-8") == written


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--since", "yesterday"], "'yesterday' is neither a date such as 2026-11-01 nor a time"),
        (["--since", "2026-02-30"], "'2026-02-30' is neither a date"),
        (["--until", "2026-11-01T10:00:00"], "has no time zone; add Z for UTC, or +01:00"),
        (["--until", "0001-01-01T00:00:00+14:00"], "is out of range"),
        (["--format", "xml"], "'xml' is not one of 'csv', 'jsonl'"),
    ],
)
def test_a_wrong_option_is_explained(shell: Shell, options: list[str], complaint: str) -> None:
    ended = shell("export", "activities", *options)
    assert (ended.code, ended.out) == (2, "")
    assert complaint in ended.err


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--since", "2026-11-02", "--until", "2026-11-02"], "--until must be after --since"),
        (["--reader", "nobody@example.org"], "there is no account with this e-mail"),
        (["--reader", "cara@example.org"], "user 3 is not a reader"),
        (["--as", "cara@example.org"], "there is no active admin 'cara@example.org'"),
        (["--output", "/nowhere/new.csv"], "/nowhere/new.csv cannot be written: No such file"),
    ],
)
def test_a_refused_export_writes_and_logs_nothing(
    shell: Shell, cast: Cast, db: Database, options: list[str], complaint: str
) -> None:
    assert complaint in shell("export", "activities", *options).complaint
    assert log(db) == []


def test_a_date_begins_at_midnight_in_the_time_zone_of_the_machine(
    url: str, read: Read, cast: Cast
) -> None:
    for hour in (10, 11):
        read(cast.ann, page("Momo", hour, datetime(2026, 11, 21, hour, 30, tzinfo=UTC)))
    command = [*READWATCH, "export", "activities", "--since", "2026-11-22", "--format", "jsonl"]
    done = subprocess.run(
        command,
        env={**os.environ, "READWATCH_DATABASE": url, "TZ": "Pacific/Auckland"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert [row["progress_percentage"] for row in as_json(done.stdout)] == [11]


READWATCH = [sys.executable, "-m", "readwatch"]


@pytest.fixture
def long_history(read: Read, cast: Cast, clock: StillClock, db: Database) -> None:
    """So many activities that they do not fit into a pipe."""
    read(cast.ann, *(page("Momo", number % 100, clock()) for number in range(5 * PAGE_LENGTH)))


@pytest.mark.usefixtures("long_history")
def test_a_closed_pipe_ends_an_export_without_a_word(url: str) -> None:
    with subprocess.Popen(
        [*READWATCH, "export", "activities"],
        env={**os.environ, "READWATCH_DATABASE": url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline().startswith(b"id,")
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.usefixtures("long_history")
def test_a_full_disk_behind_a_redirect_is_named(url: str) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*READWATCH, "export", "activities"],
            env={**os.environ, "READWATCH_DATABASE": url},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (
        1,
        "readwatch: the output cannot be written: No space left on device\n",
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.usefixtures("long_history")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_full_disk_ends_an_export_with_a_progress_bar_too(url: str) -> None:
    environment: Any = {**os.environ, "READWATCH_DATABASE": url, "TERM": "xterm"}
    command = f"sh -c '{' '.join(READWATCH)} export activities > /dev/full'"
    output, status = pexpect.run(command, env=environment, timeout=60, withexitstatus=True)
    assert b"No space left on device" in output
    assert status == 1


@pytest.mark.usefixtures("long_history")
@pytest.mark.parametrize(
    ("how", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_leaves_no_half_file(
    url: str, tmp_path: Path, db: Database, how: signal.Signals, status: int
) -> None:
    file = tmp_path / "new.csv"
    with db.atomic():
        db.execute_sql("UPDATE users SET full_name = full_name")  # nobody else can write now
        with subprocess.Popen(
            [*READWATCH, "export", "activities", "--output", str(file)],
            env={**os.environ, "READWATCH_DATABASE": url},
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stderr
            while not list(tmp_path.glob(".*.draft")):
                assert process.poll() is None
            process.send_signal(how)
            printed = process.stderr.read()
    assert (shell_status(process.returncode), printed.strip()) == (status, "stopped")
    assert [*tmp_path.glob("*.csv"), *tmp_path.glob(".*.draft")] == []


@on_both_engines
@pytest.mark.usefixtures("long_history")
def test_a_progress_bar_is_shown_only_where_it_is_not_among_the_rows(
    url: str, tmp_path: Path
) -> None:
    environment: Any = {**os.environ, "READWATCH_DATABASE": url, "TERM": "xterm"}
    command = " ".join([*READWATCH, "export", "activities"])
    for redirect, has_bar in ((f"> {tmp_path / 'new.csv'}", True), ("", False)):
        output = pexpect.run(f"sh -c '{command} {redirect}'", env=environment, timeout=60)
        assert (b"Writing activities" in output) == has_bar
    assert len(as_csv((tmp_path / "new.csv").read_text("utf-8"))) == 5 * PAGE_LENGTH
