"""The help: all keys, and the syntax of filters."""

from collections.abc import Iterator
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from readwatch.tui.keys import KEYS, Group, Keymap, pressed_for

_SIDES = (
    (Group.TABLES, Group.READER),
    (Group.LISTS, Group.EVERYWHERE),
)

FILTER = (
    ('drcl "the hob" !ann', "letters of a word; a phrase; not Ann"),
    ("title:drcl progress<20 idle>=10m", "by field; the right arrow completes it"),
)
"""Examples of filters, each with its meaning."""


class HelpScreen(ModalScreen[None]):
    """A page over the current screen, in two columns if there is room."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q", "dismiss", "Close"),
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (78, "-wide")]  # noqa: RUF012 - as in Textual

    CSS = """
    HelpScreen { align: center middle; }
    HelpScreen VerticalScroll {
        width: 78; max-width: 100%; height: auto; max-height: 100%;
        border: round $primary; background: $surface; padding: 0 1;
    }
    HelpScreen Grid {
        height: auto; grid-size: 2; grid-columns: 1fr; grid-rows: auto; grid-gutter: 0 2;
    }
    HelpScreen.-narrow Grid { grid-size: 1; }
    """

    def __init__(self, keymap: Keymap) -> None:
        super().__init__()
        self._keymap = keymap

    def compose(self) -> ComposeResult:
        """Lay out the page."""
        with VerticalScroll() as page:
            page.border_title = "Keys"
            page.border_subtitle = "escape closes"
            with Grid():
                for groups in _SIDES:
                    yield Static(Content("\n").join(_lines(groups, self._keymap)))
            examples = (_example(typed, meaning) for typed, meaning in FILTER)
            views, past, pair, cases, in_attention = (
                _on_one_line(group, self._keymap)
                for group in (Group.VIEWS, Group.PAST, Group.PAIR, Group.CASES, Group.ATTENTION)
            )
            history = _on_one_line(Group.HISTORY, self._keymap)
            in_filter = Content("  ").join([*_lines((Group.FILTER,), self._keymap), history])
            of_lists = Content("  ").join([past, pair])
            of_cases = Content("  ").join([cases, in_attention])
            yield Static(Content("\n").join([views, of_lists, of_cases, in_filter, *examples]))


def _lines(groups: tuple[Group, ...], keymap: Keymap) -> Iterator[Content]:
    """Yield the headings and keys of groups; a single key is on the line of its heading."""
    keys = [(key, " ".join(pressed_for(key, keymap))) for key in KEYS if key.group in groups]
    for group in groups:
        heading = Content.styled(group.value, "bold $text-accent")
        here = [(key, pressed) for key, pressed in keys if key.group is group]
        width = max(len(pressed) for _, pressed in here) + 1
        if len(here) == 1:
            [(key, pressed)] = here
            yield heading + f"  {pressed}  {key.meaning}"
            continue
        yield heading
        for key, pressed in here:
            yield Content(f" {pressed:<{width}}{key.meaning}")


def _on_one_line(group: Group, keymap: Keymap) -> Content:
    """Return the keys of a group on one line, with their labels."""
    keys = (key for key in KEYS if key.group is group)
    pairs = (
        part
        for key in keys
        for part in ((f" {' '.join(pressed_for(key, keymap))}", "bold"), f" {key.label.lower()}")
    )
    return Content.assemble((group.value, "bold $text-accent"), *pairs)


def _example(typed: str, meaning: str) -> Content:
    return Content(f" {typed:<33}{meaning}")
