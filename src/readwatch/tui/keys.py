"""The keys of the console, as data: bindings, footer, help and palette are made from this table."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from typing import Final

from textual.binding import Binding
from textual.keys import Keys, format_key

from readwatch.domain.errors import ReadwatchError, misconfigured


class Group(StrEnum):
    """Where a key works; the headings of the help."""

    EVERYWHERE = "everywhere"
    LISTS = "in a list"
    READER = "on a reader's page"
    TABLES = "in every table"
    ATTENTION = "in Attention"
    FILTER = "in a filter"


@dataclass(frozen=True, slots=True)
class Key:
    """A key, what it does and what to call that; `footer` keys are always in sight.

    The settings give it another key by its `id`, which two groups share for what is the same in
    both. A key `at_once` goes before what has the focus, so that the keys right after it go where
    it led.
    """

    id: str
    key: str
    action: str
    label: str
    meaning: str
    group: Group
    footer: bool = True
    at_once: bool = False

    def binding(self) -> Binding:
        """Return it as Textual wants it."""
        return Binding(
            self.key,
            self.action,
            self.label,
            show=self.footer,
            priority=self.at_once,
            tooltip=self.meaning,
            id=self.id,
        )


def _hidden(
    id: str, key: str, action: str, label: str, meaning: str, group: Group, *, at_once: bool = False
) -> Key:
    return Key(id, key, action, label, meaning, group, footer=False, at_once=at_once)


_ALL, _LISTS, _READER, _TABLES, _ATTENTION, _FILTER = Group

KEYS: Final = (
    # The header names the views and their numbers: the footer need not.
    _hidden("online", "1", "view('online')", "Online", "who is reading now", _ALL),
    _hidden("activity", "2", "view('activity')", "Activity", "what they do, newest first", _ALL),
    _hidden("readers", "3", "view('readers')", "Readers", "the progress of all readers", _ALL),
    _hidden("attention", "4", "view('attention')", "Attention", "who may need you, and why", _ALL),
    _hidden("access_log", "5", "view('access_log')", "Access log", "who looked at whom", _ALL),
    _hidden("lock", "L", "lock", "Lock", "hide until your password", _ALL, at_once=True),
    Key("palette", "ctrl+p", "palette", "Palette", "readers and all by name", _ALL, at_once=True),
    Key("help", "question_mark", "help", "Help", "all keys", _ALL),
    Key("quit", "q", "quit", "Quit", "leave the console", _ALL),
    Key("filter", "slash", "filter", "Filter", "only rows that fit", _LISTS, at_once=True),
    Key("sort", "s", "sort", "Sort", "sort by the next column", _LISTS),
    _hidden("turn", "S", "turn", "Turn", "turn the order around", _LISTS),
    _hidden("columns", "c", "columns", "Columns", "which columns are shown", _LISTS),
    _hidden("views", "v", "app.saved_views", "Views", "views that have a name", _LISTS),
    Key("freeze", "p", "app.freeze", "Freeze", "hold the picture, or go on", _LISTS),
    _hidden("export", "e", "app.export", "Export", "what is shown, into a file", _LISTS),
    _hidden("copy", "y", "app.copy", "Copy", "the row under the cursor", _LISTS),
    _hidden("clear", "escape", "clear", "Clear", "show all rows again", _FILTER),
    Key("back", "escape", "back", "Back", "to the list", _READER),
    Key("previous", "left_curly_bracket", "walk(-1)", "Prev", "the reader above", _READER),
    Key("next", "right_curly_bracket", "walk(1)", "Next", "the reader below", _READER),
    Key("unfold", "space,enter", "unfold", "Unfold", "all about an activity", _READER),
    Key("panel", "tab", "app.focus_next", "Panel", "the next part", _READER),
    _hidden("export", "e", "app.export", "Export", "the table, into a file", _READER),
    _hidden("copy", "y", "app.copy", "Copy", "its row at the cursor", _READER),
    Key("open", "enter", "open", "Open", "what the cursor is on", _TABLES),
    _hidden("up", "up,k", "move(-1)", "Up", "a row up", _TABLES),
    _hidden("down", "down,j", "move(1)", "Down", "a row down", _TABLES),
    _hidden("page_up", "pageup", "page(-1)", "Page up", "a page up", _TABLES),
    _hidden("page_down", "pagedown", "page(1)", "Page down", "a page down", _TABLES),
    _hidden("first", "home,g", "first", "First", "the first row", _TABLES),
    _hidden("last", "end,G", "last", "Last", "the last row", _TABLES),
    Key("mark", "x", "mark", "Seen", "seen today, or not", _ATTENTION),
)


def bindings(group: Group) -> list[Binding]:
    """Return the bindings of a group."""
    return [key.binding() for key in KEYS if key.group is group]


# Keys of one's own.

Keymap = Mapping[str, str]  # the id of a key, and what is to be pressed for it, by commas

_IDS: Final = tuple(dict.fromkeys(key.id for key in KEYS))
_NAMED: Final = frozenset(key.value for key in Keys)
_MODIFIERS: Final = frozenset({"alt", "ctrl", "shift", "super"})


def checked(keymap: Keymap) -> Keymap:
    """Return keys of one's own; refuse what is no key, and one that would do two things."""
    for id, names in keymap.items():
        if id not in _IDS:
            raise _refused(f"{id!r} is nothing that a key does; there are {', '.join(_IDS)}")
        for name in map(str.strip, names.split(",")):
            if not _is_key(name):
                raise _refused(f"{id} cannot have the key {name!r}; try x, f5 or ctrl+x")
            if id == "palette" and len(_printed(name)) == 1:  # it goes before a field
                raise _refused(f"{id} cannot have the key {name!r}, which is typed; try f5")
    for pressed, one, other in sorted(_clashes(keymap) - _clashes({})):
        raise _refused(f"{pressed} would do two things, {one} and {other}")
    return keymap


def pressed_for(key: Key, keymap: Keymap) -> tuple[str, ...]:
    """Return what is pressed for something, as it is printed on the keys: `?`, `ctrl+x`."""
    return tuple(_printed(name.strip()) for name in keymap.get(key.id, key.key).split(","))


def first_key(id: str, keymap: Keymap) -> str:
    """Return what is pressed for what has this id; of several keys the first."""
    return next(pressed_for(key, keymap)[0] for key in KEYS if key.id == id)


def _printed(name: str) -> str:
    return name if name in _NAMED else format_key(name)


def _is_key(name: str) -> bool:
    *modifiers, key = name.split("+") if len(name) > 1 else [name]
    character = format_key(key)
    is_known = key in _NAMED or (len(character) == 1 and character.isprintable())
    return is_known and key != " " and _MODIFIERS.issuperset(modifiers)


def _clashes(keymap: Keymap) -> set[tuple[str, str, str]]:
    """Return what is pressed for two things at the same place, and the ids of both."""
    return {
        (pressed, one.id, other.id)
        for place in (Group.LISTS, Group.READER)
        for one, other in combinations([key for key in KEYS if key.group in _AT[place]], 2)
        for pressed in {*pressed_for(one, keymap)}.intersection(pressed_for(other, keymap))
    }


_AT: Final = {
    Group.LISTS: {
        *(Group.EVERYWHERE, Group.LISTS, Group.TABLES, Group.ATTENTION, Group.FILTER),
    },
    Group.READER: {Group.EVERYWHERE, Group.READER, Group.TABLES},
}


def _refused(reason: str) -> ReadwatchError:
    return misconfigured(f"[keys] in the settings: {reason}")
