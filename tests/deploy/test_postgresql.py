"""The scripts for PostgreSQL: backups under load, and drills that restore them row by row."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from random import Random, SystemRandom
from tempfile import TemporaryDirectory
from typing import Any

import postgres
import psycopg
import pytest
from conftest import Cast, add_cast
from deploy.installed import ROOT, postgresql_programs, program, readwatch_for_others
from endurance.test_kill import Crowd, a_port
from endurance.truth import assert_no_fault
from ingest.process import serving
from postgres import NOBODY, Server, connect, new_database, new_login

from readwatch.store.engine.migrations import create_or_upgrade
from readwatch.store.engine.privileges import TABLES

pytestmark = [pytest.mark.proof, pytest.mark.postgresql]

SCRIPTS = ROOT / "deploy" / "postgresql"
PAGE = (ROOT / "docs" / "postgresql.md").read_text(encoding="utf-8")
Rows = Mapping[str, list[tuple[Any, ...]]]

NEVER_CHANGED = ("activity_receipts", "consultant_access_log", "reader_activities", "users")
ENDED = ("reader_sessions", "staff_sessions")


def run(
    script: str, *arguments: str | Path, programs: str, user: int | None = None, **settings: str
) -> str:
    """Run a script of deploy/postgresql, and return what it prints."""
    as_user: dict[str, Any] = (
        {} if user is None else {"user": user, "group": user, "extra_groups": []}
    )
    ended: subprocess.CompletedProcess[str] = subprocess.run(
        [SCRIPTS / script, *arguments],
        env={"PATH": f"{programs}:/usr/bin:/bin", "HOME": os.environ["HOME"], **settings},
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        **as_user,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def rows_in(url: str) -> Rows:
    with psycopg.connect(url, autocommit=True) as connection:
        return {
            table: connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()
            for table in TABLES
        }


def assert_restored(restored: Rows, live: Rows, acknowledged: Any) -> None:
    """Check the rows of a restored backup against those of the database that went on."""
    assert restored["consultant_access_log"][-1][2] == "restored_backup"
    saved = {**restored, "consultant_access_log": restored["consultant_access_log"][:-1]}
    for table in NEVER_CHANGED:
        assert set(map(repr, saved[table])) <= set(map(repr, live[table])), table
        assert saved[table], table
    events = {(row[1], row[9]): row[0] for row in restored["reader_activities"]}
    assert acknowledged.items() <= events.items()
    assert restored["resume_tokens"] == restored["invitations"] == []


def assert_no_session_is_open(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for table in ENDED:
            query = f"SELECT count(*) FROM {table} WHERE is_active"
            assert connection.execute(query).fetchone() == (0,)


@contextmanager
def reading(url: str) -> Iterator[Crowd]:
    """Let readers read during the block."""
    seed = SystemRandom().randrange(10**6)
    print(f"seed={seed}")
    rng = Random(seed)
    port = a_port(rng)
    with Crowd(port, rng) as crowd, serving(url, port) as server:
        crowd.start()
        yield crowd
        crowd.check()
        crowd.finish()
        code, _, log = server.stop()
    assert code == 0
    assert_no_fault(log)


@pytest.fixture
def new_cluster(postgresql_server: Server) -> Iterator[Server]:
    """Another server of the same version."""
    if postgresql_server.way == "environment":
        pytest.skip("the server of READWATCH_TEST_POSTGRESQL cannot be started a second time")
    with getattr(postgres, postgresql_server.way)(durable=False) as parameters:
        yield Server(parameters, postgresql_server.version, postgresql_server.way)


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_a_dump_under_load_is_restored_into_a_new_cluster(
    url: str, cast: Cast, postgresql_server: Server, new_cluster: Server, tmp_path: Path
) -> None:
    programs = f"{Path(sys.executable).parent}:{postgresql_programs(postgresql_server.version)}"
    folder = tmp_path / "backups"
    folder.mkdir()
    for old in ("20200101-000000", "20200102-000000"):
        (folder / f"readwatch-{old}.dump").write_text("")
    with reading(url) as crowd:
        acknowledged = dict(crowd.told.activities)
        printed = run("backup.sh", folder, "2", programs=programs, READWATCH_DATABASE=url)
    dump = next(folder.glob("readwatch-20[3-9]*.dump"), None) or max(folder.iterdir())
    assert printed.splitlines() == [
        *(line for line in printed.splitlines() if line.startswith("logged as entry ")),
        f"backed up to {dump}",
        f"deleted {folder}/readwatch-20200101-000000.dump",
    ]
    assert dump.stat().st_mode & 0o777 == 0o600
    assert len(list(folder.iterdir())) == 2

    restored = new_cluster.url(new_database(new_cluster))
    printed = run("drill.sh", dump, restored, programs=programs, READWATCH_DATABASE=url)

    assert "the access log is intact" in printed
    assert f"{dump.name} is checked" in printed
    live = rows_in(url)
    assert live["consultant_access_log"][-1][2] == "checked_backup"
    assert_restored(rows_in(restored), live, acknowledged)
    assert_no_session_is_open(restored)
    with serving(restored) as server:
        app = server.app(cast.ann.email)
        assert app.post("/api/activities", {"activity_type": "page_read"})[0] == 201
        app.token = crowd.apps[0].token
        assert app.request("GET", "/api/me")[0] == 401
        assert server.stop() == (0, "", "")


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_a_dump_that_fails_leaves_no_file_and_the_log_says_that_it_was_begun(
    url: str, cast: Cast, postgresql_server: Server, tmp_path: Path
) -> None:
    """A login for the command line may log a backup, but not read the hashes of passwords."""
    login = new_login(url, "nightly")
    name = login.partition("user=")[2].partition("&")[0]
    readwatch = [str(Path(sys.executable).with_name("readwatch")), "--database", url]
    for command in (["init"], ["db", "grant", "admin", name, "--as", cast.dora.email]):
        subprocess.run([*readwatch, *command], check=True, capture_output=True)
    folder = tmp_path / "backups"
    folder.mkdir()
    programs = f"{Path(sys.executable).parent}:{postgresql_programs(postgresql_server.version)}"
    ended = subprocess.run(
        [SCRIPTS / "backup.sh", folder, "2"],
        env={"PATH": f"{programs}:/usr/bin:/bin", "READWATCH_DATABASE": login},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode != 0
    assert "permission denied" in ended.stderr
    assert list(folder.iterdir()) == []
    assert rows_in(url)["consultant_access_log"][-1][2] == "backed_up_database"


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_the_steps_of_the_page_put_a_dump_in_the_place_of_the_database(
    url: str, cast: Cast, postgresql_server: Server, new_cluster: Server, tmp_path: Path
) -> None:
    """The replaced database, in which Ann was erased since, is an older restore."""
    bin = postgresql_programs(postgresql_server.version)
    programs = f"{Path(sys.executable).parent}:{bin}"
    run("backup.sh", tmp_path, "2", programs=programs, READWATCH_DATABASE=url)
    (dump,) = tmp_path.glob("*.dump")
    with connect(new_cluster.parameters) as connection:
        connection.execute("CREATE DATABASE readwatch")
    of_cluster = {
        "PATH": f"{programs}:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "READWATCH_DATABASE": new_cluster.url("readwatch"),
        **{f"PG{name.upper()}": value for name, value in new_cluster.parameters.items()},
    }
    commands = PAGE.split("## Restore\n")[1].split("```sh\n")[1].split("```")[0]
    for name in ("readwatch_new", "readwatch_replaced"):
        assert f"postgresql://readwatch@db/{name}" in commands
        commands = commands.replace(
            f"postgresql://readwatch@db/{name}", f"'{new_cluster.url(name)}'"
        )
    commands = commands.replace("FILE.dump", str(dump)).replace(
        "finish-restore", "finish-restore --yes"
    )
    first = f"pg_restore --dbname=readwatch --no-owner --no-privileges {dump}; readwatch init;"
    erase = f"readwatch user erase {cast.ann.email} --yes --erasure-list {tmp_path}/elsewhere;"
    ended = subprocess.run(
        ["sh", "-euc", first + erase + commands],
        env=of_cluster,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert f"erased again: account {cast.ann.id}\n" in ended.stdout
    assert "the access log is intact" in ended.stdout
    for name in ("readwatch", "readwatch_replaced"):
        emails = {row[1] for row in rows_in(new_cluster.url(name))["users"]}
        assert f"erased-{cast.ann.id}@erased.invalid" in emails
        assert cast.ben.email in emails


@contextmanager
def archived_cluster(bin: Path, folder: Path, pgbackrest: str) -> Iterator[str]:
    """Run a cluster whose changes pgBackRest keeps; yield the URL of a new database."""
    data = folder / "main"
    as_user: dict[str, Any] = (
        {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.getuid() == 0 else {}
    )

    def call(*words: str | Path) -> None:
        ended = subprocess.run(words, capture_output=True, text=True, check=False, **as_user)
        assert ended.returncode == 0, ended.stdout + ended.stderr

    call(bin / "initdb", "--pgdata", data, "--auth", "trust", "--username", "postgres")
    push = f"{pgbackrest} --stanza=readwatch archive-push %p"
    with (data / "postgresql.conf").open("a") as settings:
        settings.write(
            f"archive_mode = on\narchive_command = '{push}'\nlisten_addresses = ''\n"
            f"unix_socket_directories = '{folder}'\n"
        )
    server = (bin / "pg_ctl", "--pgdata", data, "--log", folder / "log", "--wait")
    call(*server, "start")
    try:
        call(pgbackrest, "--stanza=readwatch", "stanza-create")
        with psycopg.connect(
            host=str(folder), user="postgres", dbname="postgres", autocommit=True
        ) as connection:
            connection.execute("CREATE DATABASE readwatch")
        yield f"postgresql:///readwatch?host={folder}&user=postgres"
    finally:
        call(*server, "--mode", "fast", "stop")


def test_a_backup_of_pgbackrest_under_load_is_restored_into_a_new_cluster(
    postgresql_server: Server, password_hash: str
) -> None:
    installed = program("pgbackrest")
    bin = postgresql_programs(postgresql_server.version)
    user = NOBODY if os.getuid() == 0 else None
    # Not in TMPDIR, which other users may not be able to read, or which is too long for a socket.
    with TemporaryDirectory(prefix="readwatch-pgbackrest-", dir="/tmp") as name:
        folder = Path(name)
        readwatch_for_others(folder)
        text = (SCRIPTS / "pgbackrest.conf").read_text()
        for old, new in (
            ("repo1-path=/var/lib/pgbackrest", f"repo1-path={folder}/repository"),
            (
                "pg1-path=/var/lib/postgresql/15/main",
                f"pg1-path={folder}/main\npg1-socket-path={folder}\npg1-user=postgres",
            ),
            (
                "[readwatch]",
                f"lock-path={folder}/lock\nspool-path={folder}/spool\nlog-level-file=off\n\n[readwatch]",
            ),
        ):
            assert old in text
            text = text.replace(old, new)
        (folder / "pgbackrest.conf").write_text(text)
        pgbackrest = folder / "pgbackrest"
        pgbackrest.write_text(
            f'#!/bin/sh\nexec {installed} --config={folder}/pgbackrest.conf "$@"\n'
        )
        pgbackrest.chmod(0o755)
        if user is not None:
            for file in (folder, *folder.iterdir()):
                os.chown(file, user, user)
        with archived_cluster(bin, folder, str(pgbackrest)) as url:
            drill_pgbackrest(url, bin, folder, user, password_hash)


def drill_pgbackrest(
    url: str, bin: Path, folder: Path, user: int | None, password_hash: str
) -> None:
    as_user: dict[str, Any] = {} if user is None else {"user": user, "group": user}
    create_or_upgrade(url)
    add_cast(url, password_hash)
    with reading(url) as crowd:
        acknowledged = dict(crowd.told.activities)
        backup = [str(folder / "pgbackrest"), "--stanza=readwatch", "backup"]
        subprocess.run(backup, check=True, cwd="/", **as_user)
    look = folder / "look"
    look.write_text(f'#!/bin/sh\nexec {bin}/pg_dump --file={folder}/restored --inserts "$1"\n')
    look.chmod(0o755)
    printed = run(
        *("pgbackrest-drill.sh", bin, folder / "drill", "readwatch", look),
        programs=str(folder),
        user=user,
        READWATCH_DATABASE=url,
        PGUSER="postgres",
        HOME=str(folder),
    )
    assert "the access log is intact" in printed
    assert "is checked" in printed
    assert not (folder / "drill").exists()
    assert rows_in(url)["consultant_access_log"][-1][2] == "checked_backup"

    subprocess.run([bin / "pg_dump", f"--file={folder}/live", "--inserts", url], check=True)
    restored, live = ((folder / name).read_text().splitlines() for name in ("restored", "live"))
    for table in NEVER_CHANGED:
        rows = [line for line in restored if line.startswith(f"INSERT INTO public.{table} ")]
        assert rows, table
        lost = {*rows} - {*live}
        assert len(lost) == (table == "consultant_access_log"), "the entry of the restore"
    posted = "".join(line for line in restored if "INTO public.activity_receipts " in line)
    assert [event for _, event in acknowledged if f"'{event}'" not in posted] == []
    assert not [line for line in restored if "INTO public.resume_tokens " in line]
