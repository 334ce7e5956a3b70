"""`readwatch user import`: add and change many accounts from one file, all or none."""

import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from pathlib import Path

import click

from readwatch.cli.database import database
from readwatch.cli.examples import examples
from readwatch.cli.files import FILE, new_text_file
from readwatch.cli.main import database_url
from readwatch.cli.operator import cli_event
from readwatch.cli.output import busy, print_json, print_line, with_progress
from readwatch.cli.passwords import bcrypt_cost_setting
from readwatch.cli.settings import acting_admin
from readwatch.cli.user.import_file import ImportLine, Problem, read_import_file
from readwatch.domain.audit import AuditAction, AuditEvent
from readwatch.domain.clock import rfc3339, system_clock
from readwatch.domain.errors import ReadwatchError, conflict, invalid, safe_errors
from readwatch.domain.groups import group_key
from readwatch.domain.plural import counted
from readwatch.domain.table_files import write_csv
from readwatch.domain.users import UserRole
from readwatch.store.audit import log as audit_log
from readwatch.store.engine import migrations
from readwatch.store.engine.connections import Database
from readwatch.store.engine.locks import Lock, acquire_lock
from readwatch.store.identity import bulk_users, edits, groups, invitations, users
from readwatch.store.identity.bulk_users import ExistingAccount
from readwatch.store.identity.passwords import hash_password

_MOST_PROBLEMS = 50
_ENTRIES_AT_ONCE = 1000


class _Existing(Enum):
    """What happens to a line whose e-mail has an account already."""

    REFUSE = auto()
    UPDATE = auto()
    SKIP = auto()


@dataclass(frozen=True, slots=True)
class _Plan:
    """What an import does with the lines of the file."""

    added: tuple[ImportLine, ...]
    edits: tuple[edits.Edit, ...]
    regrouped: Mapping[int, tuple[str, ...]]
    """The groups of readers who exist, by the id of the reader."""
    skipped: int
    group_names: tuple[str, ...]
    creates_groups: bool

    @property
    def invited(self) -> tuple[ImportLine, ...]:
        """The new accounts without a password."""
        return tuple(line for line in self.added if line.password is None)


@click.command(
    "import",
    epilog=examples(
        "readwatch user import people.csv --invitations codes.csv --dry-run",
        "readwatch user import people.csv --invitations codes.csv",
    ),
)
@click.argument("file", type=FILE)
@click.option(
    "--invitations",
    "invitation_file",
    type=FILE,
    metavar="FILE.csv",
    help="New file for the codes with which people without a password set theirs.",
)
@click.option("--update", is_flag=True, help="Change accounts that exist to what the file says.")
@click.option("--skip-existing", is_flag=True, help="Leave accounts that exist as they are.")
@click.option("--create-groups", is_flag=True, help="Add the groups that do not exist yet.")
@click.option("--dry-run", is_flag=True, help="Say what would happen, and change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@bcrypt_cost_setting
@acting_admin
@click.pass_context
def command(
    context: click.Context,
    file: Path,
    invitation_file: Path | None,
    update: bool,
    skip_existing: bool,
    create_groups: bool,
    dry_run: bool,
    as_json: bool,
    bcrypt_cost: int,
    admin: str | None,
) -> None:
    """Add all accounts in a CSV FILE, or none if a line is wrong.

    The first line names the columns: email, name and role are required; password, reading_level,
    language, timezone and group are optional, and others are ignored. Commas, semicolons or tabs
    separate the values, and | the groups of a reader. The command names up to 50 problems, each
    with its line and column.

    Who has no password gets a code as from `readwatch user invite`. The codes are written to the
    file of `--invitations`, which only you can read. `--update` changes name, reading level,
    language, time zone and groups, except to empty values, and never the role or the password. A
    reader leaves the groups that the file does not name.
    """
    if update and skip_existing:
        raise click.UsageError("use either --update or --skip-existing")
    existing = _Existing.UPDATE if update else _Existing.SKIP if skip_existing else _Existing.REFUSE
    url = database_url(context)
    with database(url) as db:
        migrations.require_current(db)
        acting_id = users.acting_admin(db, admin).id
        plan = _plan(db, file, existing, create_groups=create_groups)
        changes, moves = _changes(db, plan)
        new_groups = _new_groups(db, plan)
    _require_new_file(plan, invitation_file)
    if dry_run:
        _report(plan, _changed(changes, moves), new_groups, as_json=as_json, dry_run=True)
        return
    hashes = _hashes(plan.added, bcrypt_cost)  # takes long; no connection is open during it
    now = system_clock()
    codes = {line.email: invitations.new_code() for line in plan.invited}
    with database(url) as db, _code_file(db, invitation_file, plan, codes, now):
        try:
            with db.atomic():
                changed, new_groups = _save(db, acting_id, plan, hashes, codes, now)
        except ReadwatchError:  # another program may have added one of the accounts
            _refuse_added_since(db, plan)
            raise
    _report(plan, changed, new_groups, as_json=as_json, dry_run=False)


def _plan(db: Database, file: Path, existing: _Existing, *, create_groups: bool) -> _Plan:
    """Return what to do; print the problems of the file, if there are any, and raise an error."""
    with busy("Reading the file"):
        contents = read_import_file(file)
    accounts = bulk_users.existing_accounts(db, [line.email for line in contents.lines])
    for note in contents.notes:
        print_line(f"note: {note}", err=True)
    existing_groups = {group_key(group.name) for group in groups.groups(db)}
    problems = [*contents.problems, *_conflicts(contents.lines, accounts, existing)]
    if not create_groups:
        imported = (
            line
            for line in contents.lines
            if existing is not _Existing.SKIP or line.email not in accounts
        )
        problems += _unknown_groups(imported, existing_groups)
    _refuse(problems)
    with_account = [line for line in contents.lines if line.email in accounts]
    if existing is _Existing.UPDATE and any(line.password for line in with_account):
        print_line("note: accounts that exist keep their passwords", err=True)
    updated = with_account if existing is _Existing.UPDATE else []
    added = tuple(line for line in contents.lines if line.email not in accounts)
    named = {group_key(name): name for line in (*added, *updated) for name in line.groups or ()}
    return _Plan(
        added=added,
        edits=tuple(_edit(line, accounts[line.email]) for line in updated),
        regrouped={accounts[line.email].user_id: line.groups for line in updated if line.groups},
        skipped=len(with_account) if existing is _Existing.SKIP else 0,
        group_names=tuple(named.values()),
        creates_groups=create_groups,
    )


def _unknown_groups(
    lines: Iterable[ImportLine], existing_groups: Collection[str]
) -> Iterator[Problem]:
    """Yield the problems of lines with a group that does not exist."""
    for line in lines:
        for name in line.groups or ():
            if group_key(name) not in existing_groups:
                advice = "readwatch group add adds it, or --create-groups"
                yield Problem(line.number, f"there is no group {name!r}; {advice}", "group")


def _conflicts(
    lines: Sequence[ImportLine], accounts: Mapping[str, ExistingAccount], existing: _Existing
) -> Iterator[Problem]:
    """Yield the problems of lines whose e-mail has an account already."""
    for line in lines:
        account = accounts.get(line.email)
        if account is None:
            continue
        if account.is_deleted:
            yield Problem(line.number, users.TAKEN_BY_DELETED, "email")
        elif existing is _Existing.REFUSE:
            advice = "--update changes it, --skip-existing skips it"
            yield Problem(line.number, f"{users.TAKEN}; {advice}", "email")
        elif existing is _Existing.UPDATE and account.user_role is not line.user_role:
            advice = "change the role with readwatch user role"
            is_role = f"the account is {account.user_role.with_article}"
            yield Problem(line.number, f"{is_role}; {advice}", "role")


def _refuse(problems: Sequence[Problem]) -> None:
    """Print the problems in the order of the lines, and raise an error if there are any."""
    if not problems:
        return
    for problem in sorted(problems, key=lambda problem: problem.number)[:_MOST_PROBLEMS]:
        print_line(str(problem), err=True)
    if len(problems) > _MOST_PROBLEMS:
        more = counted(len(problems) - _MOST_PROBLEMS, "more problem")
        print_line(f"and {more}", err=True)
    wrong = counted(len({problem.number for problem in problems}), "line is", "lines are")
    raise invalid(f"nothing was imported: {wrong} wrong")


def _edit(line: ImportLine, account: ExistingAccount) -> edits.Edit:
    if account.user_role.is_staff:
        return edits.Edit(user_id=account.user_id, full_name=line.full_name)
    return edits.Edit(
        user_id=account.user_id,
        full_name=line.full_name,
        reading_level=line.reading_level,
        preferred_language=line.language,
        timezone=line.timezone,
    )


def _require_new_file(plan: _Plan, invitation_file: Path | None) -> None:
    if plan.invited and invitation_file is None:
        raise invalid(
            f"{counted(len(plan.invited), 'new account has', 'new accounts have')} no password; "
            "name a new file for codes with which people set theirs: --invitations FILE.csv"
        )
    if plan.invited and invitation_file and invitation_file.exists():
        raise conflict(f"{invitation_file} already exists; name a new file")


@contextmanager
def _code_file(
    db: Database, file: Path | None, plan: _Plan, codes: Mapping[str, str], now: datetime
) -> Iterator[None]:
    """Write the codes before the accounts are added; delete them if that fails.

    After the commit the file stays, because the codes are stored nowhere else.
    """
    if file is None or not codes:
        yield
        return
    expires_at = now + invitations.LIFETIME
    with new_text_file(file) as text:
        write_csv(
            text,
            ("email", "name", "code", "expires_at"),
            ((line.email, line.full_name, codes[line.email], expires_at) for line in plan.invited),
        )
    try:
        yield
    except BaseException:  # ctrl+c too, which may come right after the commit; it is raised again
        if not _may_be_added(db, plan.invited[0].email, now):
            file.unlink()
        raise


def _may_be_added(db: Database, email: str, now: datetime) -> bool:
    """Tell whether this import has added an account, or the database does not answer."""
    try:
        with safe_errors():
            user = users.user_or_none(db, email)
    except ReadwatchError:
        return True
    return user is not None and rfc3339(user.created_at) == rfc3339(now)


def _hashes(lines: Sequence[ImportLine], cost: int) -> list[str]:
    """Return the hash of each password, computed on all cores."""
    with_password = [line.password for line in lines if line.password is not None]
    threads = ThreadPoolExecutor(os.cpu_count())
    try:
        hashes = threads.map(lambda password: hash_password(password, cost), with_password)
        computed = iter(list(with_progress(hashes, "Hashing passwords", len(with_password))))
    finally:
        threads.shutdown(cancel_futures=True)  # after ctrl+c nobody waits for the others
    return [invitations.NO_PASSWORD if line.password is None else next(computed) for line in lines]


def _save(
    db: Database,
    acting_id: int,
    plan: _Plan,
    hashes: Sequence[str],
    codes: Mapping[str, str],
    now: datetime,
) -> tuple[int, tuple[str, ...]]:
    """Add and change all accounts, and log each; return how many have changed, and new groups.

    Call it in a transaction.
    """
    if plan.edits or plan.group_names:
        acquire_lock(db, Lock.ROLLUPS)  # the first lock of every change of an account
    new_groups = _new_groups(db, plan)
    changes, moves = _changes(db, plan)
    changed = _changed(changes, moves)
    lines = len(plan.added) + len(plan.edits) + plan.skipped
    details = f"cli, rows {lines}, added {len(plan.added)}, changed {changed}"
    with busy("Adding accounts"):
        ids = bulk_users.add_users(db, list(map(_new_user, plan.added, hashes)), now)
    events = [
        cli_event(actor_id=acting_id, action_type=AuditAction.IMPORTED_USERS, details=details),
        *(_added(acting_id, ids[line.email], line) for line in plan.added),
        *(_edited(acting_id, user_id, columns) for user_id, columns in changes.items()),
        *(_new_group(acting_id, name) for name in new_groups),
        *(_moved(acting_id, move) for move in moves),
    ]
    starts = range(0, len(events), _ENTRIES_AT_ONCE)
    for start in with_progress(starts, "Writing the access log"):
        audit_log.append_all_in_transaction(db, events[start : start + _ENTRIES_AT_ONCE], now)
    with busy("Changing accounts"):
        invitations.add_invitations(db, {ids[email]: code for email, code in codes.items()}, now)
        edits.save_edits(db, [edit for edit in plan.edits if edit.user_id in changes], now)
    with busy("Filling groups"):
        for name in new_groups:
            groups.add_group(db, name, now)
        groups.move(db, moves, now)
        groups.add_to_named(db, {ids[line.email]: line.groups or () for line in plan.added}, now)
    return changed, new_groups


def _new_groups(db: Database, plan: _Plan) -> tuple[str, ...]:
    """Return the groups that do not exist; a conflict if one was deleted since and none is to be
    created."""
    existing_groups = {group_key(group.name) for group in groups.groups(db)}
    names = tuple(name for name in plan.group_names if group_key(name) not in existing_groups)
    if names and not plan.creates_groups:
        raise conflict(f"nothing was imported: there is no group {names[0]!r} any more")
    return names


_Changes = tuple[Mapping[int, tuple[str, ...]], tuple[groups.Move, ...]]


def _changes(db: Database, plan: _Plan) -> _Changes:
    """Return the columns that change, by the id of the account, and who joins and leaves groups."""
    return edits.changed_columns(db, plan.edits), groups.moves(db, plan.regrouped)


def _changed(changes: Mapping[int, object], moves: Iterable[groups.Move]) -> int:
    """Return the number of accounts that change."""
    return len(changes.keys() | {move.user_id for move in moves})


def _new_user(line: ImportLine, password_hash: str) -> users.NewUser:
    return users.NewUser(
        email=line.email,
        full_name=line.full_name,
        user_role=line.user_role,
        password_hash=password_hash,
        reading_level=line.reading_level,
        preferred_language=line.language or "en",
        timezone=line.timezone or "UTC",
    )


def _added(acting_id: int, user_id: int, line: ImportLine) -> AuditEvent:
    invited = ", invited" if line.password is None else ""
    of_groups = f", groups {', '.join(line.groups)}" if line.groups else ""
    return cli_event(
        actor_id=acting_id,
        action_type=AuditAction.ADDED_USER,
        subject_id=user_id,
        details=f"cli import, role {line.user_role}{of_groups}{invited}",
    )


def _new_group(acting_id: int, name: str) -> AuditEvent:
    return cli_event(
        actor_id=acting_id, action_type=AuditAction.ADDED_GROUP, details=f"cli import, group {name}"
    )


def _moved(acting_id: int, move: groups.Move) -> AuditEvent:
    return cli_event(
        actor_id=acting_id,
        action_type=AuditAction.ADDED_TO_GROUP if move.joins else AuditAction.REMOVED_FROM_GROUP,
        subject_id=move.user_id,
        details=f"cli import, group {move.group_name}",
    )


def _edited(acting_id: int, user_id: int, columns: Sequence[str]) -> AuditEvent:
    return cli_event(
        actor_id=acting_id,
        action_type=AuditAction.EDITED_USER,
        subject_id=user_id,
        details=f"cli import, columns {', '.join(columns)}",
    )


def _refuse_added_since(db: Database, plan: _Plan) -> None:
    """Name the lines whose e-mails another program has taken."""
    accounts = bulk_users.existing_accounts(db, [line.email for line in plan.added])
    _refuse(list(_conflicts(plan.added, accounts, _Existing.REFUSE)))


def _report(
    plan: _Plan, changed: int, new_groups: Sequence[str], *, as_json: bool, dry_run: bool
) -> None:
    """Say what was done, or what would be done."""
    roles = Counter(line.user_role for line in plan.added)
    if as_json:
        print_json(
            {
                "dry_run": dry_run,
                "added": {role: roles[role] for role in UserRole},
                "without_password": len(plan.invited),
                "changed": changed,
                "unchanged": len(plan.edits) - changed,
                "skipped": plan.skipped,
                "new_groups": list(new_groups),
            }
        )
        return
    would_be = "would be " if dry_run else ""
    of_roles = ", ".join(counted(roles[role], role) for role in UserRole if roles[role])
    print_line(
        f"{counted(len(plan.added), 'account')} {would_be}added"
        f"{f': {of_roles}' if of_roles else ''}"
        f"{f'; {len(plan.invited):,} of them without a password' if plan.invited else ''}"
    )
    if plan.edits:
        same = len(plan.edits) - changed
        print_line(
            f"{counted(changed, 'account')} {would_be}changed; {same:,} have these values already"
        )
    if new_groups:
        print_line(f"{counted(len(new_groups), 'group')} {would_be}added")
    if plan.skipped:
        print_line(f"{counted(plan.skipped, 'account')} {would_be}skipped")
