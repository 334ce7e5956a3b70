"""Names in src/ are the words of docs/glossary.md: one word a concept, the one of the field."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

WORDS = {
    "admit": "grant",
    "askable": "filterable",
    "asked": "requested, or what was requested: query, fields",
    "caller": "principal",
    "callers": "session cache, or principals",
    "cleanup": "retention",
    "cover": "lock",
    "covered": "locked",
    "deed": "action",
    "deeds": "actions",
    "desk": "preferences",
    "face": "program",
    "faces": "programs",
    "forget": "delete, purge or discard",
    "ghost": "departed row",
    "haunted": "is_departed",
    "likeness": "text snapshot",
    "listing": "view spec, or list",
    "loss": "retry, or connection lost",
    "mend": "fix",
    "mended": "fixed",
    "pace": "refresh policy, or rate",
    "patience": "timeout",
    "person": "user, reader or consultant",
    "portion": "chunk",
    "portions": "chunks",
    "pulse": "live stats",
    "question": "list query",
    "recount": "rebuild",
    "rowset": "bulk",
    "rowsets": "bulk",
    "sight": "viewport",
    "sitting": "login flow, or session",
    "stamp": "to_db_time",
    "trouble": "last_error",
    "uncover": "unlock",
    "unfold": "detail",
    "unfolded": "activity detail",
    "watcher": "worker",
}
"""Words that no name contains, with what to write instead."""

NAMES = {
    "deliver": "send",
    "door": "_lock",
    "found": "what was found: readers, rows, matches",
    "front": "current view",
    "kept": "what is kept: stored, saved_views, receipts",
    "known": "what is known: cached, existing, options",
    "look": "event, access or style",
    "looks": "events, or deduplicator",
    "moment": "now, or a name that ends in _at",
    "on_record": "logged",
    "one_moment": "read_snapshot",
    "opened": "reader_page, file or connection",
    "opening": "request_id",
    "overview": "view snapshot, or totals",
    "picture": "snapshot, or chart",
    "place": "index, rank or position",
    "rights": "privileges",
    "running": "what runs: services, process",
    "said": "text",
    "shown": "what is shown: rows, entry_id, snapshot",
    "sign_in": "login",
    "told": "what was told: result, text, fields",
    "turn": "lock, or direction",
    "using": "connection",
    "walk": "reader pager",
    "wanted": "what is wanted: requested, missing_ids",
}
"""Names that say nothing, or something else than the field's word, with what to write instead."""


def names(source: str) -> Iterator[tuple[int, str]]:
    """Each name that a program defines, with its line."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.lineno, node.name
            case ast.arg():
                yield node.lineno, node.arg
            case ast.Name(ctx=ast.Store()):
                yield node.lineno, node.id
            case ast.Attribute(ctx=ast.Store()):
                yield node.lineno, node.attr


def words_of(name: str) -> list[str]:
    """The words of a name in snake_case, CamelCase or CAPITALS."""
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+", name)]


def replacements(source: str) -> list[str]:
    """What to write instead of the names that the vocabulary replaces."""
    advice = []
    for line, name in names(source):
        plain = "_".join(words_of(name))
        if plain in NAMES:
            advice.append(f"line {line}: {name}: write {NAMES[plain]}")
        advice += [
            f"line {line}: {name}: for '{word}' write {WORDS[word]}"
            for word in words_of(name)
            if word in WORDS
        ]
    return advice


def test_no_name_uses_a_word_that_the_vocabulary_replaces() -> None:
    advice = {
        str(file.relative_to(ROOT)): replacements(file.read_text("utf-8"))
        for file in sorted((ROOT / "src").rglob("*.py"))
    }
    assert {file: lines for file, lines in advice.items() if lines} == {}


def test_no_file_is_named_by_such_a_word() -> None:
    stems = {file.stem for file in (ROOT / "src").rglob("*.py")}
    assert {stem for stem in stems for word in words_of(stem) if word in WORDS} == set()
    assert stems & NAMES.keys() == set()


@pytest.mark.parametrize(
    ("source", "advice"),
    [
        ("class Watcher: ...", "line 1: Watcher: for 'watcher' write worker"),
        ("def take(ask, pulse): ...", "line 1: pulse: for 'pulse' write live stats"),
        ("\nfound = 1", "line 2: found: write what was found: readers, rows, matches"),
        ("self._sight = 0", "line 1: _sight: for 'sight' write viewport"),
        ("READ_PORTIONS = 0", "line 1: READ_PORTIONS: for 'portions' write chunks"),
    ],
)
def test_a_replaced_word_is_found_and_the_message_says_what_to_write(
    source: str, advice: str
) -> None:
    assert replacements(source) == [advice]


def test_words_that_only_contain_such_a_word_are_fine() -> None:
    assert replacements("def recovered(personal_data, profound): ...") == []
