"""What `audit verify` says after each kind of tampering; docs/security.md has the same table."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import peewee
import pytest
from cli.shell import Shell

from readwatch.cli.settings import default_anchor_log
from readwatch.domain.audit import AuditAction, AuditEvent, entry_hash
from readwatch.domain.audit_chain import Anchor, Head, append_anchor, read_anchors
from readwatch.domain.audit_cuts import details_of_cut
from readwatch.domain.clock import system_clock
from readwatch.store.audit import cuts
from readwatch.store.audit.heads import current_head
from readwatch.store.audit.log import log_event
from readwatch.store.audit.quick_check import quick_check
from readwatch.store.engine.connections import Database, is_sqlite
from readwatch.store.engine.times import from_db_time, to_db_time

SECURITY = Path(__file__).parents[2] / "docs" / "security.md"
LOG, CUTS = "consultant_access_log", "access_log_cuts"
CONTENT = "consultant_user_id, action_type, target_user_id, action_details, ip_address, created_at"
COLUMNS = f"{CONTENT}, prev_hash, row_hash"


@dataclass
class Forger:
    """The owner of the database, who knows readwatch and leaves its triggers in place."""

    db: Database
    cast: Any
    clock: Any
    anchor_log: Path

    def run(self, *statements: str) -> None:
        """Run statements without the triggers of the log, and create the same triggers again."""
        with without_triggers(self.db):
            for sql in statements:
                self.db.execute_sql(sql)

    def append(self, *details: str) -> None:
        for text in details:
            event = AuditEvent(
                self.cast.cara.id, AuditAction.VIEWED_READER_PROFILE, self.cast.ann.id, text
            )
            log_event(self.db, event, self.clock.advance(seconds=1))

    def rehash(self, since: int) -> None:
        """Compute the hashes of an entry and of all later ones again."""
        prev_hash = self.hash_of(since - 1)
        with without_triggers(self.db):
            rows = self.db.execute_sql(f"SELECT id, {CONTENT} FROM {LOG} WHERE id >= {since}")
            for id_, *event, created_at in sorted(rows.fetchall()):
                prev_hash, row_hash = self._hashes(prev_hash, event, created_at)
                self.db.execute_sql(
                    f"UPDATE {LOG} SET prev_hash = '{prev_hash}', row_hash = '{row_hash}'"
                    f" WHERE id = {id_}"
                )
                prev_hash = row_hash

    def insert(self, id_: int, prev_hash: str) -> None:
        """Insert a copy of the first entry with another id and a hash that fits."""
        query = f"SELECT {CONTENT} FROM {LOG} ORDER BY id LIMIT 1"
        *event, created_at = self.db.execute_sql(query).fetchone()
        _, row_hash = self._hashes(prev_hash, event, created_at)
        self.run(
            f"INSERT INTO {LOG} (id, {COLUMNS}) SELECT {id_}, {CONTENT}, '{prev_hash}',"
            f" '{row_hash}' FROM {LOG} ORDER BY id LIMIT 1"
        )

    def cut(self, last_id: int, *, deletes: bool = True) -> None:
        """Cut the log as a purge does, but for its anchor; without `deletes` it is interrupted."""
        head = Head(last_id, last_id, self.hash_of(last_id))
        event = AuditEvent(
            self.cast.dora.id, AuditAction.CUT_ACCESS_LOG, None, f"{details_of_cut(head)}, no copy"
        )
        cut = cuts.record_cut(self.db, head, event, self.clock.advance(seconds=1))
        assert not deletes or sum(cuts.delete_before(self.db, cut)) == last_id

    def set_counter(self, last_id: int) -> None:
        self.db.execute_sql(
            f"UPDATE sqlite_sequence SET seq = {last_id} WHERE name = '{LOG}'"
            if is_sqlite(self.db)
            else f"UPDATE access_log_counter SET entries = {last_id}, last_id = {last_id}"
        )

    def hash_of(self, id_: int) -> str:
        query = f"SELECT row_hash FROM {LOG} WHERE id = {id_}"
        row = self.db.execute_sql(query).fetchone()
        return str(row[0]) if row else "0" * 64

    @staticmethod
    def _hashes(prev_hash: str, event: list[Any], created_at: Any) -> tuple[str, str]:
        created = to_db_time(from_db_time(created_at))
        return prev_hash, entry_hash(prev_hash, AuditEvent(*event), created)


@contextmanager
def without_triggers(db: Database) -> Iterator[None]:
    if not is_sqlite(db):
        for table in (LOG, CUTS):
            db.execute_sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield
        for table in (LOG, CUTS):
            db.execute_sql(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        return
    triggers = db.execute_sql(
        "SELECT name, sql FROM sqlite_schema"
        f" WHERE type = 'trigger' AND tbl_name IN ('{LOG}', '{CUTS}')"
    ).fetchall()
    for name, _ in triggers:
        db.execute_sql(f"DROP TRIGGER {name}")
    yield
    for _, sql in triggers:
        db.execute_sql(sql)


# The kinds of tampering -------------------------------------------------------------------------


def swap_contents(forger: Forger) -> None:
    swapped = "CASE id WHEN 4 THEN 'page 6' ELSE 'page 4' END"
    forger.run(f"UPDATE {LOG} SET action_details = {swapped} WHERE id IN (4, 6)")


def swap_ids(forger: Forger) -> None:
    ids = ((4, 99), (5, 4), (99, 5))
    forger.run(*(f"UPDATE {LOG} SET id = {new} WHERE id = {old}" for old, new in ids))


def replace_entry(forger: Forger) -> None:
    forger.run(f"DELETE FROM {LOG} WHERE id = 4")
    forger.insert(4, forger.hash_of(3))


def rewrite(forger: Forger) -> None:
    forger.run(f"UPDATE {LOG} SET action_details = 'nothing' WHERE id = 4")
    forger.rehash(4)


def cut_off(forger: Forger) -> None:
    forger.run(f"DELETE FROM {LOG} WHERE id > 6")


def cut_off_and_count(forger: Forger) -> None:
    cut_off(forger)
    forger.set_counter(6)


def cut_off_and_go_on(forger: Forger) -> None:
    cut_off(forger)
    forger.append("page 10", "page 11", "page 12", "page 13")


def empty_and_count(forger: Forger) -> None:
    forger.run(f"DELETE FROM {LOG}")
    forger.set_counter(0)


def replace_log(forger: Forger) -> None:
    empty_and_count(forger)
    forger.append(*(f"list {number}" for number in range(20)))


def insert_between(forger: Forger) -> None:
    forger.run(f"UPDATE {LOG} SET id = id + 100 WHERE id > 4")
    forger.insert(50, "e" * 64)


def idle_trigger(forger: Forger) -> None:
    drop_trigger(forger)
    if is_sqlite(forger.db):
        sql = f"CREATE TRIGGER {LOG}_keeps_rows BEFORE DELETE ON {LOG} BEGIN SELECT 1; END"
    else:
        sql = (
            f"CREATE TRIGGER {LOG}_keeps_rows BEFORE DELETE ON {LOG} FOR EACH ROW WHEN (FALSE)"
            " EXECUTE FUNCTION refuse_access_log_change()"
        )
    forger.db.execute_sql(sql)


def drop_trigger(forger: Forger) -> None:
    where = "" if is_sqlite(forger.db) else f" ON {LOG}"
    forger.db.execute_sql(f"DROP TRIGGER {LOG}_keeps_rows{where}")


def swallowing_trigger(forger: Forger) -> None:
    if is_sqlite(forger.db):
        forger.db.execute_sql(
            f"CREATE TRIGGER silence BEFORE INSERT ON {LOG} WHEN NEW.consultant_user_id = 3"
            " BEGIN SELECT RAISE(IGNORE); END"
        )
    else:
        forger.db.execute_sql(
            "CREATE FUNCTION silence() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"
        )
        forger.db.execute_sql(
            f"CREATE TRIGGER silence BEFORE INSERT ON {LOG}"
            " FOR EACH ROW WHEN (NEW.consultant_user_id = 3) EXECUTE FUNCTION silence()"
        )


def rewrite_with_anchors(forger: Forger) -> None:
    rewrite(forger)
    forger.anchor_log.unlink()
    append_anchor(forger.anchor_log, Anchor(forger.clock(), current_head(forger.db)))


def record(forger: Forger, last_id: int, entry_id: int) -> None:
    """Delete entries and record a cut there, whatever its entry says."""
    forger.run(
        f"INSERT INTO {CUTS} (last_id, entries, row_hash, entry_id, cut_at)"
        f" SELECT id, id, row_hash, {entry_id}, (SELECT max(created_at) FROM {LOG}) FROM {LOG}"
        f" WHERE id = {last_id}",
        f"DELETE FROM {LOG} WHERE id <= {last_id}",
    )


def cut_without_entry(forger: Forger) -> None:
    record(forger, 5, 9)


def cut_with_entry(forger: Forger) -> None:
    head = current_head(forger.db)
    event = AuditEvent(
        forger.cast.dora.id, AuditAction.CUT_ACCESS_LOG, None, f"{details_of_cut(head)}, no copy"
    )
    log_event(forger.db, event, forger.clock.advance(seconds=1))
    record(forger, head.id, head.id + 1)


def sql(*texts: str) -> Callable[[Forger], None]:
    return lambda forger: forger.run(*texts)


TAMPERING: dict[str, Callable[[Forger], None]] = {
    "changes an entry": sql(f"UPDATE {LOG} SET target_user_id = NULL WHERE id = 4"),
    "changes the time of an entry by a millisecond": sql(
        f"UPDATE {LOG} SET created_at = '2026-11-22 12:00:04.001' WHERE id = 4"
    ),
    "changes the hash of an entry": sql(f"UPDATE {LOG} SET row_hash = prev_hash WHERE id = 4"),
    "swaps the contents of two entries": swap_contents,
    "swaps two entries": swap_ids,
    "moves an entry to the end": sql(f"UPDATE {LOG} SET id = 40 WHERE id = 4"),
    "replaces an entry and its hash": replace_entry,
    "inserts an entry before the first one": lambda forger: forger.insert(-7, "e" * 64),
    "inserts an entry between two": insert_between,
    "deletes the first entries": sql(
        f"DELETE FROM {LOG} WHERE id < (SELECT min(id) + 2 FROM {LOG})"
    ),
    "deletes entries in the middle": sql(f"DELETE FROM {LOG} WHERE id IN (4, 5)"),
    "deletes the last entries": cut_off,
    "deletes all entries": sql(f"DELETE FROM {LOG}"),
    "deletes the last entries, and programs append others": cut_off_and_go_on,
    "sets the counter of the ids back": lambda forger: forger.set_counter(4),
    "drops a trigger": drop_trigger,
    "replaces a trigger by one that does nothing": idle_trigger,
    "adds a trigger that drops somebody's entries": swallowing_trigger,
    "drops the index that forbids two followers": sql("DROP INDEX idx_consultant_log_prev_hash"),
    "deletes the last entries and sets the counter back": cut_off_and_count,
    "deletes all entries and sets the counter back": empty_and_count,
    "replaces the log by another one": replace_log,
    "changes an entry and computes all later hashes": rewrite,
    "the same, and rewrites the file of anchors": rewrite_with_anchors,
    "deletes the first entries, and records a cut": cut_without_entry,
    "deletes all entries, and records a cut in an entry, too": cut_with_entry,
    "appends a false entry with the correct hash": lambda forger: forger.append("a lie"),
    "swaps the names of the users that entries name": sql(
        "UPDATE users SET full_name = CASE id WHEN 1 THEN 'Ben Baker' ELSE 'Ann Archer' END"
        " WHERE id < 3"
    ),
}


@dataclass(frozen=True)
class Row:
    """What each layer finds, in the words of the table in the docs: `found` or `not found`."""

    verify: str
    with_anchors: str
    console: str


def documented() -> dict[str, Row]:
    table = SECURITY.read_text("utf-8").partition("| somebody with the owner's privileges |")[2]
    rows = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \| (.+?) \|$", table.split("\n\n")[0], re.M)
    return {name: Row(*found) for name, *found in rows if not set(name) <= {"-", ":"}}


@pytest.fixture
def forger(db: Database, cast: Any, clock: Any, shell: Shell) -> Forger:
    forger = Forger(db, cast, clock, default_anchor_log(shell.url))
    forger.append(*(f"page {number}" for number in range(1, 10)))
    return forger


def test_the_docs_have_each_kind_of_tampering_and_no_other() -> None:
    assert list(documented()) == list(TAMPERING)
    assert len(TAMPERING) > 20


@pytest.mark.parametrize("kind", TAMPERING)
def test_what_each_layer_finds_is_what_the_docs_say(
    kind: str, forger: Forger, shell: Shell
) -> None:
    promise = documented()[kind]
    anchor = Anchor(forger.clock(), current_head(forger.db))
    forger.anchor_log.parent.mkdir(parents=True)
    append_anchor(forger.anchor_log, anchor)
    assert shell("audit", "verify").code == 0

    TAMPERING[kind](forger)

    assert is_found(shell, forger) == (promise.with_anchors == "found")
    assert cuts.is_missing(forger.db, anchor) == (promise.console == "found")
    forger.anchor_log.unlink()
    assert is_found(shell, forger) == (promise.verify == "found")


def is_found(shell: Shell, forger: Forger) -> bool:
    verified = shell("audit", "verify")
    assert (verified.code == 1) == ("NOT INTACT" in verified.out or "CHANGED" in verified.out)
    return verified.code == 1


# After a cut ------------------------------------------------------------------------------------

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)

TAMPERING_WITH_A_CUT: dict[str, Callable[[Forger], None]] = {
    "moves the cut on": sql(
        f"UPDATE {CUTS} SET last_id = 3, entries = 3,"
        f" row_hash = (SELECT row_hash FROM {LOG} WHERE id = 3)",
        f"DELETE FROM {LOG} WHERE id = 3",
    ),
    "records another cut without an entry": lambda forger: record(forger, 4, 10),
    "deletes entries after the cut": sql(f"DELETE FROM {LOG} WHERE id = 3"),
    "deletes the entry of the cut, as the last one": sql(f"DELETE FROM {LOG} WHERE id = 10"),
    "deletes the record of the cut": sql(f"DELETE FROM {CUTS}"),
    "changes the hash of the cut": sql(f"UPDATE {CUTS} SET row_hash = '{'f' * 64}'"),
    "changes the number of removed entries": sql(f"UPDATE {CUTS} SET entries = 1"),
    "changes the time of the cut": sql(f"UPDATE {CUTS} SET cut_at = '2027-01-01 00:00:00.000'"),
    "puts an entry before the cut": lambda forger: forger.insert(2, "e" * 64),
}


@pytest.fixture
def cut_forger(db: Database, cast: Any, clock: Any, shell: Shell) -> Forger:
    """The log of `forger`, whose first two entries are old and were removed by a purge."""
    forger, noon = Forger(db, cast, clock, default_anchor_log(shell.url)), clock()
    clock.moment = LONG_AGO
    forger.append("page 1", "page 2")
    head = current_head(db)
    forger.anchor_log.parent.mkdir(parents=True)
    append_anchor(forger.anchor_log, Anchor(clock(), replace(head, entries=1, id=1)))
    clock.moment = noon + timedelta(seconds=2)
    forger.append(*(f"page {number}" for number in range(3, 10)))
    append_anchor(forger.anchor_log, Anchor(clock(), head, is_of_cut=True))
    forger.cut(2)
    append_anchor(forger.anchor_log, Anchor(clock(), current_head(db)))
    return forger


@pytest.mark.parametrize("kind", [*TAMPERING, *TAMPERING_WITH_A_CUT])
def test_after_a_cut_everything_is_found_that_was_found_before(
    kind: str, cut_forger: Forger, shell: Shell
) -> None:
    assert shell("audit", "verify").code == 0
    everything = Row("found", "found", "found")
    promise = documented().get(kind, everything)
    *_, anchor = read_anchors(cut_forger.anchor_log)

    {**TAMPERING, **TAMPERING_WITH_A_CUT}[kind](cut_forger)

    if promise.with_anchors == "found":
        assert is_found(shell, cut_forger)
    if promise.console == "found" and kind in TAMPERING:
        assert cuts.is_missing(cut_forger.db, anchor)
    cut_forger.anchor_log.unlink()
    if promise.verify == "found":
        assert is_found(shell, cut_forger)


def test_a_cut_without_its_anchor_contradicts_the_anchors_of_removed_entries(
    forger: Forger, shell: Shell
) -> None:
    noon, forger.clock.moment = forger.clock(), LONG_AGO
    forger.anchor_log.parent.mkdir(parents=True)
    append_anchor(
        forger.anchor_log, Anchor(forger.clock(), replace(current_head(forger.db), entries=1))
    )
    forger.clock.moment = noon
    with without_triggers(forger.db):
        forger.db.execute_sql(f"UPDATE {LOG} SET created_at = '2020-01-01 00:00:00.000'")
    forger.rehash(1)
    forger.cut(4)
    verified = shell("audit", "verify")
    assert verified.code == 1
    assert "no anchor says that the log was cut there" in verified.out
    cut = cuts.newest_cut(forger.db)
    assert cut is not None
    append_anchor(forger.anchor_log, Anchor(cut.cut_at, cut.head, is_of_cut=True))
    assert shell("audit", "verify").code == 0


@pytest.mark.parametrize(
    "statement",
    [
        f"UPDATE {LOG} SET action_details = 'nothing' WHERE id = 2",
        f"UPDATE {LOG} SET prev_hash = '{'f' * 64}' WHERE id = 1",
        f"DELETE FROM {LOG} WHERE id = 2",
        f"DELETE FROM {LOG} WHERE id = 3",
    ],
)
def test_what_an_interrupted_purge_has_left_is_verified_too(
    statement: str, db: Database, cast: Any, clock: Any, shell: Shell
) -> None:
    forger, noon = Forger(db, cast, clock, default_anchor_log(shell.url)), clock()
    clock.moment = LONG_AGO
    forger.append("page 1", "page 2", "page 3")
    clock.moment = noon
    forger.append("page 4")
    forger.cut(3, deletes=False)
    verified = shell("audit", "verify")
    assert verified.code == 0
    assert (
        "\n3 entries before the cut left to delete: readwatch maintenance sweep\n" in verified.out
    )
    forger.run(statement)
    assert is_found(shell, forger)


def test_an_anchor_of_the_last_removed_entry_is_compared(cut_forger: Forger, shell: Shell) -> None:
    append_anchor(cut_forger.anchor_log, Anchor(LONG_AGO, Head(2, 2, "e" * 64)))
    verified = shell("audit", "verify")
    assert verified.code == 1
    assert "entry 2, number 2, differs from the anchor of 2020-01-01" in verified.out


def test_a_cut_cannot_have_removed_what_was_new_a_while_before(
    cut_forger: Forger, shell: Shell
) -> None:
    young = Anchor(cut_forger.clock() - timedelta(days=60), Head(1, 1, "e" * 64))
    append_anchor(cut_forger.anchor_log, young)
    verified = shell("audit", "verify")
    assert verified.code == 1
    assert "keeps entries of that time" in verified.out


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (f"DELETE FROM {LOG} WHERE id = 10", "the log was cut off after entry 9"),
        (f"UPDATE {CUTS} SET entries = 1", "and entry 10 does not say so"),
    ],
)
def test_the_service_finds_a_cut_without_its_entry_at_its_start(
    change: str, words: str, cut_forger: Forger
) -> None:
    assert quick_check(cut_forger.db) == ()
    cut_forger.run(change)
    assert words in quick_check(cut_forger.db)[0]


@pytest.mark.parametrize("statement", ["UPDATE {} SET entries = 1", "DELETE FROM {}"])
def test_the_record_of_a_cut_stays_as_it_is(statement: str, cut_forger: Forger) -> None:
    with pytest.raises(peewee.DatabaseError, match="append-only"):
        cut_forger.db.execute_sql(statement.format(CUTS))


def test_entries_after_the_cut_stay(cut_forger: Forger) -> None:
    with pytest.raises(peewee.DatabaseError, match="append-only"):
        cut_forger.db.execute_sql(f"DELETE FROM {LOG} WHERE id = 3")


@pytest.mark.parametrize(
    "changed",
    [
        {"row_hash": f"(SELECT row_hash FROM {LOG} WHERE id = 1)"},
        {"last_id": "1"},
        {"entry_id": "8"},
        {"cut_at": "'2019-01-01 00:00:00.000'"},
    ],
    ids=["hash", "last removed entry", "entry", "time"],
)
def test_a_cut_is_refused_that_its_entry_does_not_tell_of(
    changed: dict[str, str], db: Database, cast: Any, clock: Any, shell: Shell
) -> None:
    forger = Forger(db, cast, clock, default_anchor_log(shell.url))
    clock.moment = LONG_AGO
    forger.append(*(f"page {number}" for number in range(1, 9)))
    right = tells_of_a_cut(forger, 2)
    with pytest.raises(peewee.IntegrityError, match="has to say first where it is cut"):
        insert_cut(db, right | changed)
    insert_cut(db, right)
    with pytest.raises(peewee.IntegrityError, match="has to say first where it is cut"):
        insert_cut(db, tells_of_a_cut(forger, 1))


@pytest.mark.parametrize("later", [timedelta(0), timedelta(days=36500)], ids=["now", "in 2126"])
def test_no_cut_removes_young_entries_whatever_its_own_time_and_that_of_the_last_one(
    later: timedelta, db: Database, cast: Any, clock: Any, shell: Shell
) -> None:
    forger, now = Forger(db, cast, clock, default_anchor_log(shell.url)), system_clock()
    clock.moment = now - timedelta(days=80)
    forger.append("page 1")
    clock.moment = LONG_AGO
    forger.append("page 2")
    clock.moment = now + later
    with pytest.raises(peewee.IntegrityError, match="at an old entry"):
        insert_cut(db, tells_of_a_cut(forger, 2))


def tells_of_a_cut(forger: Forger, last_id: int) -> dict[str, str]:
    """Append the entry of a cut, and return the record that belongs to it."""
    head, now = Head(last_id, last_id, forger.hash_of(last_id)), forger.clock.advance(seconds=1)
    details = details_of_cut(head)
    event = AuditEvent(forger.cast.dora.id, AuditAction.CUT_ACCESS_LOG, None, details)
    return {
        "last_id": str(last_id),
        "entries": str(last_id),
        "row_hash": f"'{head.row_hash}'",
        "entry_id": str(log_event(forger.db, event, now)),
        "cut_at": f"'{to_db_time(now)}'",
    }


def insert_cut(db: Database, values: dict[str, str]) -> None:
    if not is_sqlite(db):
        values = values | {"cut_at": f"timestamptz {values['cut_at']}"}
    db.execute_sql(f"INSERT INTO {CUTS} ({', '.join(values)}) SELECT {', '.join(values.values())}")


def test_a_console_is_not_told_away_its_entry_by_a_cut_of_the_future(forger: Forger) -> None:
    anchor = Anchor(forger.clock(), current_head(forger.db))
    forger.clock.moment += timedelta(days=36500)
    cut_with_entry(forger)
    forger.clock.moment -= timedelta(days=36500)
    forger.append("a login of today")
    assert cuts.is_missing(forger.db, anchor)
