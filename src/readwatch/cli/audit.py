"""`readwatch audit`: check, list and export the access log."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import chain as concatenated
from pathlib import Path

import click

from readwatch.cli.anchor_log import anchors_in
from readwatch.cli.database import database
from readwatch.cli.examples import examples
from readwatch.cli.files import FILE, new_text_file, unwritable
from readwatch.cli.main import database_url
from readwatch.cli.operator import cli_event
from readwatch.cli.option_types import WholeNumber
from readwatch.cli.output import local_time, print_json, print_line, print_table, with_progress
from readwatch.cli.settings import acting_admin, anchor_log_setting, default_anchor_log
from readwatch.domain.audit import AuditAction
from readwatch.domain.audit_chain import (
    Anchor,
    Gap,
    Verdict,
    append_anchor,
    without_lost,
)
from readwatch.domain.audit_cuts import Cut, without_removed
from readwatch.domain.clock import system_clock
from readwatch.domain.errors import conflict, invalid
from readwatch.domain.plural import counted
from readwatch.domain.table_files import WRITERS
from readwatch.store.audit import chain, cuts, entries, heads
from readwatch.store.audit import log as audit_log
from readwatch.store.audit.gaps import gaps
from readwatch.store.engine import migrations
from readwatch.store.engine.catalogue import schema_differences
from readwatch.store.engine.connections import Database
from readwatch.store.engine.privileges import Role
from readwatch.store.identity import users


@click.group()
def command() -> None:
    """Check, list and export the access log: who accessed whose data."""


# The chain --------------------------------------------------------------------------------------


@command.command(
    "verify",
    epilog=examples("readwatch audit verify", "readwatch audit verify --anchor anchors.txt"),
)
@click.option(
    "--anchor",
    "file",
    type=FILE,
    metavar="FILE",
    help="Also compare the log with this file of `audit anchor`.",
)
@anchor_log_setting
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def verify(
    context: click.Context, file: Path | None, anchor_log: Path | None, as_json: bool
) -> int:
    """Check that no entry was changed, removed, inserted or moved.

    The triggers of the log have to be there, too. The exit code is 0 if the log is intact. Anchors
    show whether entries at the end were removed, or all entries after one of them were rewritten:
    those that `readwatch serve` has written are always compared. They show nothing if somebody
    could write both the database and the anchors.
    """
    url = database_url(context)
    anchor_log = anchor_log or default_anchor_log(url)
    named = () if file is None else anchors_in(file, may_be_missing=False)
    if file is not None and not named:
        raise invalid(f"there are no anchors in {file}; write one with: readwatch audit anchor")
    with database(url, Role.MAINTENANCE) as db:
        migrations.require_current(db)
        restores = gaps(db)

        def comparable(cut: Cut | None) -> tuple[Anchor, ...]:
            own = anchors_in(anchor_log)
            return _without_lost(db, own, restores, cut) + _without_lost(db, named, restores, cut)

        verdict, anchors, cut = _verdict(db, comparable)
        differences = schema_differences(db)
        left = 0 if cut is None else cuts.entries_before(db, cut)
    report = _Report(verdict, differences, restores, cut, left, anchors, anchor_log)
    if as_json:
        print_json(report.as_json())
    else:
        for line in report.lines():
            print_line(line)
    return 1 if verdict.defect or differences else 0


@dataclass(frozen=True, slots=True)
class _Report:
    """What `audit verify` says; `anchors` are all of the files, `entries_before_cut` those that an
    interrupted purge has left."""

    verdict: Verdict
    schema_differences: tuple[str, ...]
    gaps: tuple[Gap, ...]
    cut: Cut | None
    entries_before_cut: int
    anchors: tuple[Anchor, ...]
    anchor_log: Path

    @property
    def _last_anchor_at(self) -> datetime | None:
        return max((anchor.anchored_at for anchor in self.anchors), default=None)

    @property
    def _anchors_before_cut(self) -> int:
        return len(self.anchors) - len(without_removed(self.anchors, self.cut))

    def as_json(self) -> dict[str, object]:
        defect = self.verdict.defect
        return {
            "intact": defect is None,
            "defect": None if defect is None else asdict(defect),
            "schema_differences": self.schema_differences,
            "gaps": [asdict(gap) for gap in self.gaps],
            "cut": self.cut and asdict(self.cut),
            "entries_before_cut": self.entries_before_cut,
            "head": asdict(self.verdict.head),
            "anchors": len(self.anchors),
            "anchors_before_cut": self._anchors_before_cut,
            "anchor_log": str(self.anchor_log),
            "last_anchor_at": self._last_anchor_at,
        }

    def lines(self) -> Iterator[str]:
        head, defect = self.verdict.head, self.verdict.defect
        yield "the access log is intact" if defect is None else f"NOT INTACT: {defect.message}"
        for difference in self.schema_differences:
            yield f"CHANGED SCHEMA: {difference}"
        for gap in self.gaps:
            yield f"GAP: {gap.sentence}"
        if self.cut is not None:
            yield f"CUT: {self.cut.sentence}"
        if self.entries_before_cut:
            left = counted(self.entries_before_cut, "entry", "entries")
            yield f"{left} before the cut left to delete: readwatch maintenance sweep"
        length = counted(head.entries, "entry", "entries")
        yield length if defect is None else f"intact before that: {length}"
        yield f"last entry: {head.id}, with the hash"
        yield head.row_hash
        if self._last_anchor_at is None:
            yield f"anchors: none; readwatch serve writes them to {self.anchor_log}"
        else:
            age = _age(system_clock() - self._last_anchor_at)
            yield f"anchors: {len(self.anchors):,}, the last one {age} old"
        if self._anchors_before_cut:
            yield f"before the cut, no longer comparable: {self._anchors_before_cut:,} of them"


def _age(duration: timedelta) -> str:
    hours = duration // timedelta(hours=1)
    return counted(hours, "hour") if hours else counted(duration // timedelta(minutes=1), "minute")


@command.command("anchor", epilog=examples("readwatch audit anchor anchors.txt"))
@click.argument("file", type=FILE)
@anchor_log_setting
@click.pass_context
def anchor(context: click.Context, file: Path, anchor_log: Path | None) -> None:
    """Check the log, and append an anchor to FILE.

    An anchor is the length of the log and its last hash. The log must agree with the anchors that
    are in FILE already. `audit verify --anchor FILE` then detects if the log up to there was cut
    off or rewritten. Keep FILE where those who can write the database cannot change it, preferably
    on another machine.
    """
    url = database_url(context)
    anchors = anchors_in(file)
    with database(url, Role.MAINTENANCE) as db:
        migrations.require_current(db)

        def comparable(cut: Cut | None) -> tuple[Anchor, ...]:
            own = anchors_in(anchor_log or default_anchor_log(url))
            of_cuts = tuple(each for each in own if each.is_of_cut)
            return _without_lost(db, anchors, gaps(db), cut) + of_cuts

        verdict, compared, cut = _verdict(db, comparable)
    if verdict.defect is not None:
        raise conflict(f"no anchor was written: {verdict.defect.message}")
    try:
        for each in (*_missing_cut(anchors, compared, cut), Anchor(system_clock(), verdict.head)):
            append_anchor(file, each)
    except OSError as error:
        raise unwritable(file, error) from None
    print_line(f"anchored {counted(verdict.head.entries, 'entry', 'entries')} in {file}")
    comparable_anchors = without_removed(anchors, cut)
    print_line(f"earlier anchors, all consistent with the log: {len(comparable_anchors):,}")


def _without_lost(
    db: Database, anchors: tuple[Anchor, ...], restores: tuple[Gap, ...], cut: Cut | None
) -> tuple[Anchor, ...]:
    return without_lost(anchors, restores, partial(heads.contains, db), cut.head if cut else None)


def _missing_cut(
    anchors: tuple[Anchor, ...], compared: tuple[Anchor, ...], cut: Cut | None
) -> tuple[Anchor, ...]:
    """Return the anchor of the cut, if a file with anchors of removed entries lacks it."""
    if cut is None or all(each.head.entries > cut.head.entries for each in anchors):
        return ()
    of_cut = tuple(each for each in compared if each.is_of_cut and each.head == cut.head)
    return () if set(of_cut) & set(anchors) else of_cut[:1]


def _verdict(
    db: Database, comparable: Callable[[Cut | None], tuple[Anchor, ...]]
) -> tuple[Verdict, tuple[Anchor, ...], Cut | None]:
    """Verify the log, again if a purge has removed entries meanwhile; return also the anchors and
    the cut with which it was compared."""
    while True:
        cut = cuts.newest_cut(db)
        anchors = comparable(cut)  # after the cut, whose anchor is older
        extent = entries.extent(db)
        steps = chain.verify(db, anchors, extent, cut)
        # The last step compares the log with the anchors.
        *_, verdict = with_progress(steps, "Checking the access log", extent.chunks + 1)
        is_disturbed = (cut, extent.first) != (cuts.newest_cut(db), entries.extent(db).first)
        if verdict.defect is None or not is_disturbed:
            return verdict, anchors, cut


# The entries ------------------------------------------------------------------------------------


@command.command(
    "list", epilog=examples("readwatch audit list --reader ann@example.org --limit 20")
)
@click.option(
    "--consultant",
    metavar="EMAIL",
    help="List only entries about actions of this consultant or admin.",
)
@click.option("--reader", metavar="EMAIL", help="List only accesses to the data of this person.")
@click.option(
    "--limit",
    type=WholeNumber(1, 10_000),
    default=50,
    show_default=True,
    help="Maximum number of entries.",
)
@click.option(
    "--before", type=int, metavar="ID", help="List only entries before the one with this ID."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@acting_admin
@click.pass_context
def list_(
    context: click.Context,
    consultant: str | None,
    reader: str | None,
    limit: int,
    before: int | None,
    as_json: bool,
    admin: str | None,
) -> None:
    """List who accessed whose data, newest first. This command is the newest entry."""
    with database(database_url(context)) as db:
        migrations.require_current(db)
        acting = users.acting_admin(db, admin)
        consultant_id = None if consultant is None else users.account_id(db, consultant)
        reader_id = None if reader is None else users.account_id(db, reader)
        details = "cli" if consultant_id is None else f"cli, of user {consultant_id}"
        access = audit_log.log_list_access(
            db,
            audit_log.list_access(db, acting.id),
            cli_event(
                actor_id=acting.id,
                action_type=AuditAction.LISTED_ACCESS_LOG,
                subject_id=reader_id,
                details=details,
            ),
            system_clock(),
        )
        newest = entries.newest(
            db, access, limit=limit, before=before, consultant_id=consultant_id, reader_id=reader_id
        )
    if as_json:
        print_json([entry._asdict() for entry in newest])
        return
    print_table(("id", "time", "who", "action", "whom"), [_row(entry) for entry in newest])


def _row(entry: entries.AuditEntry) -> tuple[object, ...]:
    action = entry.action_type.replace("_", " ")
    return (
        entry.id,
        local_time(entry.created_at),
        entry.consultant_name,
        f"{action} ({entry.action_details})" if entry.action_details else action,
        entry.target_name,
    )


@command.command("export", epilog=examples("readwatch audit export log.csv"))
@click.argument("file", type=FILE)
@acting_admin
@click.pass_context
def export(context: click.Context, file: Path, admin: str | None) -> None:
    """Write the whole log to a new .csv or .json FILE.

    Only you can read the file. The export is logged first; its own entry is not in the file.
    """
    file_format = file.suffix.lower().lstrip(".")
    write_table = WRITERS.get(file_format)
    if write_table is None:
        raise invalid("the name of the file must end in .csv or .json")
    with database(database_url(context)) as db:
        migrations.require_current(db)
        acting = users.acting_admin(db, admin)
        extent = entries.extent(db)
        with new_text_file(file) as text:
            details = f"cli, {file_format}, rows {extent.entries}"
            access = audit_log.log_list_access(
                db,
                audit_log.list_access(db, acting.id),
                cli_event(
                    actor_id=acting.id, action_type=AuditAction.EXPORTED_ACCESS_LOG, details=details
                ),
                system_clock(),
            )
            chunks = with_progress(
                entries.oldest_first(db, access, extent), "Writing entries", extent.chunks
            )
            write_table(text, entries.AuditEntry._fields, concatenated.from_iterable(chunks))
    print_line(f"wrote {counted(extent.entries, 'entry', 'entries')} to {file}")
