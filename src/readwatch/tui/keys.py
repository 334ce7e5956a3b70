"""The keys of the console, as data: bindings, footer and help are all made from this table."""

from dataclasses import dataclass
from enum import StrEnum

from textual.binding import Binding


class Group(StrEnum):
    """Where a key works; the headings of the help."""

    EVERYWHERE = "everywhere"
    LISTS = "in a list of readers"
    READER = "in a reader's page"


@dataclass(frozen=True, slots=True)
class Key:
    """A key, what it does and what to call that; `footer` keys are always in sight.

    A key `at_once` goes before what has the focus, so that the keys right after it go where it led.
    """

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
            id=f"{self.group.name.lower()}.{self.label.lower().replace(' ', '_')}",
        )


KEYS = (
    # The header names the views and their numbers: the footer need not.
    Key("1", "view('online')", "Online", "who is reading now", Group.EVERYWHERE, footer=False),
    Key(
        "2",
        "view('activity')",
        "Activity",
        "what they do, newest first",
        Group.EVERYWHERE,
        footer=False,
    ),
    Key(
        "3",
        "view('readers')",
        "Readers",
        "the progress of all readers",
        Group.EVERYWHERE,
        footer=False,
    ),
    Key("L", "cover", "Cover", "hide all, until your password", Group.EVERYWHERE, footer=False),
    Key("question_mark", "help", "Help", "this page", Group.EVERYWHERE),
    Key("q", "quit", "Quit", "leave the console", Group.EVERYWHERE),
    Key("slash", "filter", "Filter", "show only rows with these words", Group.LISTS, at_once=True),
    Key("s", "sort", "Sort", "sort by the next column", Group.LISTS),
    Key("S", "turn", "Turn", "turn the order around", Group.LISTS, footer=False),
    Key("p", "app.freeze", "Freeze", "hold the picture; again to go on", Group.LISTS),
    Key("e", "app.export", "Export", "what is shown, into a file", Group.LISTS, footer=False),
    Key("y", "app.copy", "Copy", "the row under the cursor", Group.LISTS, footer=False),
    Key("escape", "clear", "Clear", "take the filter away", Group.LISTS, footer=False),
    Key("escape", "back", "Back", "to the list, at the same place", Group.READER),
    Key(
        "left_curly_bracket",
        "walk(-1)",
        "Prev",
        "the reader above in the list",
        Group.READER,
    ),
    Key(
        "right_curly_bracket",
        "walk(1)",
        "Next",
        "the reader below in the list",
        Group.READER,
    ),
    Key("space,enter", "unfold", "Unfold", "all about an activity; again folds it", Group.READER),
    Key("tab", "app.focus_next", "Panel", "days, books, activities, sessions", Group.READER),
    Key("e", "app.export", "Export", "the table, into a file", Group.READER, footer=False),
    Key("y", "app.copy", "Copy", "its row under the cursor", Group.READER, footer=False),
)


def bindings(group: Group) -> list[Binding]:
    """Return the bindings of a group."""
    return [key.binding() for key in KEYS if key.group is group]
