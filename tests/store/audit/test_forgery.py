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
from readwatch.store.audit.log import ListAccess, LoggedListAccess, Permit

SOURCES = Path(readwatch.__file__).parent

HOMES = {
    "Permit": {"store/audit/log.py"},
    "ListAccess": {"store/audit/log.py"},
    "LoggedListAccess": {"store/audit/log.py"},
    "_SEAL": {"store/audit/log.py"},
    # With a commit that commits nothing these would make one of nothing.
    "log_access_by": {"store/audit/log.py", "store/audit/dedupe.py"},
    "log_list_access_by": {"store/audit/log.py", "store/audit/dedupe.py"},
    # Of a principal `permit_own` makes a permit.
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
        "audit_log.permit_own(Principal(reader_id, UserRole.READER, 0))",
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
        lambda: ListAccess(1, UserRole.ADMIN, object()),
        lambda: LoggedListAccess(1, UserRole.ADMIN, object(), entry_id=1),
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

LISTS = {"access_log", "attention", "feed", "online", "readers"}
"""The modules of store/lists whose functions read what readers do."""

PROOFS = {"access", "_access", "_list_access", "authorize_list"}
"""What a function names that has the right to list readers, or asks for it."""

WITHOUT = {
    "count_online",  # a number
    "view_queries",  # says which functions a view has, and calls none
}
"""Names that need no proof."""


def unproved(source: str, file: str) -> list[str]:
    """The functions of a file outside the store that read lists without the right to do so."""
    tree = ast.parse(source)
    queries = _list_queries(tree) - WITHOUT
    return [
        f"{file}:{node.lineno} {node.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and any(_lists(it, queries) for it in ast.walk(node))
        and not PROOFS & {name for it in ast.walk(node) for name in _names(it)}
    ]


def _list_queries(tree: ast.AST) -> set[str]:
    """The functions that a file imports from the lists; values and records are capitalised."""
    return {
        name.asname or name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").rpartition("store.lists.")[2] in LISTS
        for name in node.names
        if name.name[0].islower()
    }


def _lists(node: ast.AST, queries: set[str]) -> bool:
    match node:
        case ast.Call(func=ast.Name(id=name)):
            return name in queries
        case ast.Call(func=ast.Attribute(attr="ids")):
            return True  # of a view's queries
        case ast.Call(func=ast.Attribute(attr="items"), args=[_, *_]):
            return True
    return False


def _names(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name) | ast.arg(arg=name) | ast.Attribute(attr=name):
            yield name


DECLARATIONS = {"monitor/views.py", "monitor/attention.py"}
"""They put queries together, which monitor/build.py alone calls."""


def test_readers_are_listed_with_the_right_to_do_so_alone():
    files = [
        file
        for package in ("monitor", "ingest", "tui", "demo", "cli")
        for file in sorted((SOURCES / package).rglob("*.py"))
    ]
    assert [
        function
        for file in files
        if (name := file.relative_to(SOURCES).as_posix()) not in DECLARATIONS
        for function in unproved(file.read_text("utf-8"), name)
    ] == []


@pytest.mark.parametrize(
    "body",
    [
        "online_readers(db, now)",
        "views[view].ids(db, query, now)",
        "views[view].items(db, ids, now)",
    ],
)
def test_a_list_without_the_right_to_it_is_seen(body):
    source = f"""
from readwatch.store.lists.online import online_readers

def rows(db, views, view, query, ids, now):
    return {body}
"""
    assert unproved(source, "tui/screens/rows.py") == ["tui/screens/rows.py:4 rows"]
