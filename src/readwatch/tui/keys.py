"""The table of the console's keys, for the bindings, the footer, the help and the palette."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from typing import Final

from textual.binding import Binding
from textual.keys import Keys, format_key

from readwatch.domain.errors import ReadwatchError, misconfigured


class Group(StrEnum):
    """The places where a key works, which are also headings of the help."""

    VIEWS = "view"
    EVERYWHERE = "everywhere"
    LISTS = "in a list"
    PAST = "the past"
    PAIR = "pair"
    READER = "on a reader's page"
    COMPARISON = "in a comparison"
    HISTORY = "opened readers"
    TABLES = "in every table"
    ATTENTION = "in Attention"
    CASES = "cases"
    FILTER = "in a filter"


@dataclass(frozen=True, slots=True)
class Key:
    """A key, its action, its label and its meaning; the footer shows it in terminals of
    `footer_from` cells or more, and None keeps it out.

    The settings change a key by its `id`; two groups share an id if the action is the same. A key
    with `priority` is handled before the focused widget, so that the keys typed right after it go
    to the screen that it opens.
    """

    id: str
    key: str
    action: str
    label: str
    meaning: str
    group: Group
    footer_from: int | None = 0
    priority: bool = False

    def binding(self) -> Binding:
        """Return Textual's binding of the key."""
        return Binding(
            self.key,
            self.action,
            self.label,
            show=self.footer_from is not None,
            priority=self.priority,
            tooltip=self.meaning,
            id=self.id,
        )


def _hidden(
    id: str,
    key: str,
    action: str,
    label: str,
    meaning: str,
    group: Group,
    *,
    priority: bool = False,
) -> Key:
    return Key(id, key, action, label, meaning, group, footer_from=None, priority=priority)


_WIDE: Final = 100  # cells, in which a footer has room for all keys

(
    _VIEWS,
    _ALL,
    _LISTS,
    _PAST,
    _PAIR,
    _READER,
    _COMPARISON,
    _HISTORY,
    _TABLES,
    _ATTENTION,
    _CASES,
    _FILTER,
) = Group

KEYS: Final = (
    # The header shows the views and their numbers, so the footer does not.
    _hidden("online", "1", "view('online')", "Online", "who is online now", _VIEWS),
    _hidden("activity", "2", "view('activity')", "Activity", "all activities", _VIEWS),
    _hidden("readers", "3", "view('readers')", "Readers", "all readers and totals", _VIEWS),
    _hidden("attention", "4", "view('attention')", "Attention", "who may need you", _VIEWS),
    _hidden("access_log", "5", "view('access_log')", "Access log", "who accessed whom", _VIEWS),
    _hidden("groups", "6", "view('groups')", "Groups", "groups of readers", _VIEWS),
    _hidden("day", "7", "view('day')", "Day", "who read on a day", _VIEWS),
    _hidden("lock", "L", "lock", "Lock", "lock the screen", _ALL, priority=True),
    Key("palette", "ctrl+p", "palette", "Palette", "readers and commands", _ALL, priority=True),
    Key("help", "question_mark", "help", "Help", "all keys", _ALL),
    Key("quit", "q", "quit", "Quit", "quit the console", _ALL),
    Key("filter", "slash", "filter", "Filter", "only rows that match", _LISTS, priority=True),
    Key("sort", "s", "sort", "Sort", "sort by the next column", _LISTS),
    _hidden("reverse", "S", "reverse", "Reverse", "reverse the order", _LISTS),
    _hidden("columns", "c", "columns", "Columns", "choose the columns", _LISTS),
    _hidden("saved_views", "v", "app.saved_views", "Saved views", "save and open views", _LISTS),
    _hidden("preview", "i", "app.preview", "Preview", "more about the row, if wide", _LISTS),
    _hidden("time", "T", "time", "Time", "go to a time of the past", _PAST),
    Key("earlier", "less_than_sign", "go(-1)", "Earlier", "an hour or day back", _PAST, _WIDE),
    Key("later", "greater_than_sign", "go(1)", "Later", "an hour or day on", _PAST, _WIDE),
    Key("now", "escape", "now", "Now", "back to now", _PAST),
    Key("freeze", "p", "app.freeze", "Freeze", "freeze the list, or go on", _LISTS),
    _hidden("export", "e", "app.export", "Export", "export the list to a file", _LISTS),
    _hidden("copy", "y", "app.copy", "Copy", "copy the row under the cursor", _LISTS),
    _hidden("clear", "escape", "clear", "Clear", "remove the filter", _FILTER),
    Key("mark", "space", "mark", "Mark", "mark a reader, or not", _PAIR, 120),
    Key("compare", "C", "compare", "Compare", "compare two marked readers", _PAIR, 120),
    Key("back", "escape", "back", "Back", "back to the list", _READER),
    Key("back", "escape", "back", "Back", "back to the list", _COMPARISON),
    Key("previous", "left_curly_bracket", "step(-1)", "Prev", "the reader above", _READER, _WIDE),
    Key("next", "right_curly_bracket", "step(1)", "Next", "the reader below", _READER, _WIDE),
    Key("detail", "space,enter", "toggle_detail", "Details", "details of an activity", _READER),
    Key("panel", "tab", "app.focus_next", "Panel", "the next panel", _READER),
    _hidden("export", "e", "app.export", "Export", "export the table", _READER),
    _hidden("copy", "y", "app.copy", "Copy", "copy the row", _READER),
    _hidden(
        "page_before",
        "left_square_bracket",
        "app.open_again(-1)",
        "Before",
        "the reader opened before",
        _HISTORY,
    ),
    _hidden(
        "page_after",
        "right_square_bracket",
        "app.open_again(1)",
        "After",
        "the reader opened after",
        _HISTORY,
    ),
    Key("open", "enter", "open", "Open", "open the row", _TABLES),
    _hidden("up", "up,k", "move(-1)", "Up", "a row up", _TABLES),
    _hidden("down", "down,j", "move(1)", "Down", "a row down", _TABLES),
    _hidden("page_up", "pageup", "page(-1)", "Page up", "a page up", _TABLES),
    _hidden("page_down", "pagedown", "page(1)", "Page down", "a page down", _TABLES),
    _hidden("first", "home,g", "first", "First", "the first row", _TABLES),
    _hidden("last", "end,G", "last", "Last", "the last row", _TABLES),
    Key("take", "t", "change_case('taken')", "Take", "take a case, or release it", _CASES),
    Key("note", "n", "change_case('note')", "Note", "add a note for all consultants", _CASES),
    Key("snooze", "z", "change_case('snoozed')", "Snooze", "snooze a case", _CASES, _WIDE),
    Key("resolve", "r", "change_case('resolved')", "Resolve", "resolve a case", _CASES, _WIDE),
    _hidden("mute", "m", "toggle_muted", "Mute", "mute its rule for today", _ATTENTION),
    Key("seen", "x", "toggle_seen", "Seen", "seen today, or not", _ATTENTION, _WIDE),
)


_FOOTER_FROM: Final = {key.action: key.footer_from or 0 for key in KEYS}


def is_in_footer(action: str, width: int) -> bool:
    """Tell whether the footer of a terminal of this width shows the key of an action."""
    return _FOOTER_FROM.get(action, 0) <= width


def bindings(group: Group) -> list[Binding]:
    """Return the bindings of a group."""
    return [key.binding() for key in KEYS if key.group is group]


# Keys from the settings.

Keymap = Mapping[str, str]  # maps the id of a key to the keys to press, separated by commas

_IDS: Final = tuple(dict.fromkeys(key.id for key in KEYS))
_NAMED: Final = frozenset(key.value for key in Keys)
_MODIFIERS: Final = frozenset({"alt", "ctrl", "shift", "super"})


def checked_keymap(keymap: Keymap) -> Keymap:
    """Return the keys of the settings; refuse unknown ids, unknown keys and duplicates."""
    for id, names in keymap.items():
        if id not in _IDS:
            raise _refused(f"unknown action {id!r}; known actions: {', '.join(_IDS)}")
        for name in map(str.strip, names.split(",")):
            if not _is_key(name):
                raise _refused(f"{id}: unknown key {name!r}; use for example x, f5 or ctrl+x")
            if (
                id == "palette" and len(_printed(name)) == 1
            ):  # the console handles it before an input field
                raise _refused(f"{id}: {name!r} is needed for typing; use for example f5")
    for pressed, one, other in sorted(_clashes(keymap) - _clashes({})):
        raise _refused(f"{pressed} is assigned twice: to {one} and {other}")
    return keymap


def pressed_for(key: Key, keymap: Keymap) -> tuple[str, ...]:
    """Return the names of the keys to press, for people: `?`, `ctrl+x`."""
    return tuple(_printed(name.strip()) for name in keymap.get(key.id, key.key).split(","))


def first_key(id: str, keymap: Keymap) -> str:
    """Return the name of the first key for an id."""
    return next(pressed_for(key, keymap)[0] for key in KEYS if key.id == id)


def _printed(name: str) -> str:
    return name if name in _NAMED else format_key(name)


def _is_key(name: str) -> bool:
    *modifiers, key = name.split("+") if len(name) > 1 else [name]
    character = format_key(key)
    is_known = key in _NAMED or (len(character) == 1 and character.isprintable())
    return is_known and key != " " and _MODIFIERS.issuperset(modifiers)


def _clashes(keymap: Keymap) -> set[tuple[str, str, str]]:
    """Return the keys that are assigned twice in a group, each with both ids."""
    return {
        (pressed, one.id, other.id)
        for group in _AT
        for one, other in combinations([key for key in KEYS if key.group in _AT[group]], 2)
        for pressed in {*pressed_for(one, keymap)}.intersection(pressed_for(other, keymap))
    }


_AT: Final = {
    Group.LISTS: {
        *(Group.VIEWS, Group.EVERYWHERE, Group.LISTS, Group.TABLES),
        *(Group.PAST, Group.PAIR, Group.HISTORY, Group.ATTENTION, Group.CASES, Group.FILTER),
    },
    Group.READER: {
        *(Group.VIEWS, Group.EVERYWHERE, Group.READER),
        *(Group.TABLES, Group.CASES, Group.HISTORY),
    },
    Group.COMPARISON: {Group.VIEWS, Group.EVERYWHERE, Group.COMPARISON, Group.HISTORY},
}


def _refused(reason: str) -> ReadwatchError:
    return misconfigured(f"[keys] in the settings: {reason}")
