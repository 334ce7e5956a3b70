"""No file but the access log's own makes a permit, by the type and by a rule on the syntax tree."""

import ast
import copy
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from permits import permit_for

import readwatch
from readwatch.domain.users import UserRole
from readwatch.store.audit import log
from readwatch.store.audit.log import ListAccess, Permit, RowAccess
from readwatch.store.audit.scope import ALL_READERS

SOURCES = Path(readwatch.__file__).parent

HOMES = {
    "Permit": {"store/audit/log.py"},
    "ListAccess": {"store/audit/log.py"},
    "RowAccess": {"store/audit/log.py"},
    "_SEAL": {"store/audit/log.py"},
    # With a commit that commits nothing these would make one of nothing.
    "log_access_by": {"store/audit/log.py", "store/audit/dedupe.py"},
    "log_rows_by": {
        "store/audit/log.py",
        "store/audit/dedupe.py",
        "store/audit/live_lists.py",
    },
    # It logs nothing: for rows that need no further entry.
    "access_without_entry": {"store/audit/log.py", "store/audit/live_lists.py", "demo/run.py"},
    # Of a principal `permit_own_data` makes a permit.
    "Principal": {
        "domain/sessions.py",
        "store/identity/sessions.py",
        "store/identity/resume_tokens.py",
    },
}
"""The files that may use a name; any other may name it in an annotation alone."""

BACK_DOORS = {"__new__", "__setattr__", "__reduce__", "__class__"}
SEALED_FIELDS = {"subject_id", "entry_id", "user_id", "user_role", "session_id"}


def forgeries(source: str, file: str) -> list[str]:
    """How a file, given relative to the package, could make a permit that no entry stands for."""
    tree = ast.parse(source)
    annotations = {id(node) for annotation in _annotations(tree) for node in ast.walk(annotation)}
    return [
        f"{file}:{getattr(node, 'lineno', 0)} {name}"
        for node in ast.walk(tree)
        if id(node) not in annotations
        for name in _used(node)
        if file not in HOMES.get(name, ())
    ]


def _annotations(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        match node:
            case ast.arg(annotation=ast.AST() as annotation):
                yield annotation
            case ast.AnnAssign(annotation=annotation):
                yield annotation
            case ast.FunctionDef(returns=ast.AST() as returns):
                yield returns


def _used(node: ast.AST) -> Iterator[str]:
    """The guarded names that a node uses, renames or copies with other values."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Constant(value=str(name)):
            yield from {name} & (HOMES.keys() | BACK_DOORS)
        case ast.ImportFrom(module=str(module), names=names):
            for alias in names:
                if alias.asname and alias.name in HOMES:
                    yield f"{alias.name} as {alias.asname}"
                elif module == "readwatch.store.audit.log" and alias.name == "*":
                    yield "*"
                elif alias.name == "_SEAL":
                    yield "_SEAL"
        case ast.Call(func=ast.Name(id="replace") | ast.Attribute(attr="replace"), keywords=given):
            yield from (f"replace {it.arg}" for it in given if it.arg in SEALED_FIELDS)


def test_nothing_but_the_access_log_makes_permits():
    files = sorted(SOURCES.rglob("*.py"))
    assert len(files) > 100
    assert [
        forgery
        for file in files
        for forgery in forgeries(file.read_text("utf-8"), file.relative_to(SOURCES).as_posix())
    ] == []


SCREEN = """
from readwatch.store import reader_data
from readwatch.store.audit import log as audit_log
from readwatch.store.audit.log import Permit

def activities(db, reader_id: int):
    return reader_data.activities(db, {forged})
"""


@pytest.mark.parametrize(
    "forged",
    [
        "Permit(reader_id)",
        "Permit(reader_id, 1, object())",
        "audit_log.Permit(reader_id, 1, audit_log._SEAL)",
        "getattr(audit_log, 'Permit')(reader_id)",
        "vars(audit_log)['_SEAL']",
        "object.__new__(Permit)",
        "replace(permit, subject_id=reader_id)",
        "permit.__class__(reader_id, 1)",
        "audit_log.log_access_by(lambda write: write(db), event, now)",
        "audit_log.permit_own_data(Principal(reader_id, UserRole.READER, 0))",
        "(lambda make: make(reader_id))(Permit)",
    ],
)
def test_a_screen_that_forges_its_permit_is_seen(forged):
    assert forgeries(SCREEN.format(forged=forged), "tui/screens/activities.py")


@pytest.mark.parametrize(
    "source",
    [
        "from readwatch.store.audit.log import Permit as Pass",
        "from readwatch.store.audit.log import *",
        "from readwatch.store.audit.log import _SEAL",
        "from ..store.audit.log import ListAccess as Access",
    ],
)
def test_a_permit_under_another_name_is_seen(source):
    assert forgeries(source, "tui/screens/activities.py")


def test_a_screen_that_logs_what_it_shows_is_fine():
    logged = "audit_log.log_access(db, event, now)"
    assert forgeries(SCREEN.format(forged=logged), "tui/screens/activities.py") == []


def test_a_forged_permit_is_not_made_when_the_program_runs_either():
    for make in (
        lambda: Permit(1, 1, None),
        lambda: Permit(1, 1, object()),
        lambda: ListAccess(1, UserRole.ADMIN, ALL_READERS, object()),
        lambda: RowAccess(1, UserRole.ADMIN, ALL_READERS, object()),
    ):
        with pytest.raises(TypeError, match="only the access log makes permits"):
            make()
    with pytest.raises((TypeError, ValueError), match="seal"):
        replace(permit_for(1), subject_id=2)  # type: ignore[call-arg]  # without the seal
    with pytest.raises(AttributeError):
        permit_for(1).subject_id = 2  # type: ignore[misc]  # a permit is frozen
    assert not hasattr(log, "permitted")


def test_a_copy_of_a_permit_opens_the_data_of_the_same_reader():
    permit = permit_for(1)
    assert copy.copy(permit) == permit


# Lists ------------------------------------------------------------------------------------------

GATED = ("lists", "reports")
"""The parts of the store whose functions read rows of many readers."""

NO_DATA = {"int", "Condition"}
"""What such a function may return without a proof: a number, or SQL."""

FOUND = {
    *("ResultIds", "frozenset[int]", "ExportExtent", "WeekExtent", "tuple[Case, ...]"),
    *("list[OpenReader]", "list[Login]", "list[UnfinishedReading]"),
}
"""What it may return for the right to find rows: ids and times, which nobody is shown."""

TO_FIND, TO_READ = {"ListAccess"}, {"RowAccess"}


def ungated(source: str, file: str) -> list[str]:
    """The public functions of a list that find rows without the right to find them, or read rows
    before whoever has to be named is logged."""
    return [
        f"{file}:{node.lineno} {node.name}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef)
        and not node.name.startswith("_")
        and "Database" in (types := [_text(it.annotation) for it in node.args.args])
        and (returned := _text(node.returns)) not in NO_DATA
        and not (TO_READ | TO_FIND if returned in FOUND else TO_READ) & set(types)
    ]


def _text(annotation: ast.AST | None) -> str:
    return "" if annotation is None else ast.unparse(annotation)


def test_every_list_takes_the_right_to_find_rows_and_another_to_read_them():
    files = sorted(file for part in GATED for file in (SOURCES / "store" / part).rglob("*.py"))
    assert len(files) > 7
    assert [
        function
        for file in files
        for function in ungated(file.read_text("utf-8"), file.relative_to(SOURCES).as_posix())
    ] == []


@pytest.mark.parametrize(
    ("parameters", "returned", "is_ungated"),
    [
        ("db: Database, now: datetime", "tuple[OnlineReader, ...]", True),
        ("db: Database, access: object", "ResultIds", True),
        ("db: Database, access: ListAccess | None = None", "ResultIds", True),
        ("db: Database, access: ListAccess", "ResultIds", False),
        ("db: Database, access: ListAccess", "tuple[OnlineReader, ...]", True),
        ("db: Database, access: RowAccess", "tuple[OnlineReader, ...]", False),
        ("db: Database, _access: RowAccess", "ResultIds", False),
        ("db: Database, now: datetime", "int", False),
        ("row: Any", "RecordedActivity", False),
    ],
)
def test_a_list_without_the_right_to_it_is_seen(parameters, returned, is_ungated):
    source = f"def readers({parameters}) -> {returned}: ..."
    seen = ["store/lists/readers.py:1 readers"] if is_ungated else []
    assert ungated(source, "store/lists/readers.py") == seen


@pytest.mark.parametrize(
    "forged",
    [
        "ListAccess(1, UserRole.ADMIN, None)",
        "cast(ListAccess, None)",
        "cast('ListAccess', None)",
        "RowAccess(1, UserRole.ADMIN, None)",
        "access_without_entry(access)",
        "log_rows_by(lambda write: None, access, (), now)",
    ],
)
def test_a_screen_that_forges_its_right_to_a_list_is_seen(forged):
    source = f"def readers(db, now):\n    return online_readers(db, {forged}, now)"
    assert forgeries(source, "tui/screens/readers.py")
