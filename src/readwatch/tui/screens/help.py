"""Help: the keys, made from the same table as the bindings."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from readwatch.tui.keys import KEYS, Group
from readwatch.tui.table import LiveTable

_NAMES = {
    "question_mark": "?",
    "slash": "/",
    "left_curly_bracket": "{",
    "right_curly_bracket": "}",
}


class HelpScreen(ModalScreen[None]):
    """A page over the screen that it was called from."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q", "dismiss", "Close"),
    ]

    CSS = """
    HelpScreen { align: center middle; }
    HelpScreen VerticalScroll {
        width: 64; max-width: 100%; height: auto; max-height: 100%;
        border: round $primary; background: $surface; padding: 0 2;
    }
    """

    def compose(self) -> ComposeResult:
        """Lay out the page."""
        with VerticalScroll() as page:
            page.border_title = "Keys"
            page.border_subtitle = "escape closes"
            yield Static(help_text())


def help_text() -> Content:
    """Return the keys by where they work."""
    lines = []
    for group in Group:
        lines.append(Content.styled(str(group), "bold $text-accent"))
        lines.extend(_line(key.key, key.meaning) for key in KEYS if key.group is group)
    lines.append(Content.styled("in every table", "bold $text-accent"))
    lines.extend(
        _line(binding.key, binding.description)
        for binding in LiveTable.BINDINGS
        if isinstance(binding, Binding)
    )
    return Content("\n").join(lines)


def _line(keys: str, meaning: str) -> Content:
    return Content(f"  {_shown(keys):<18}{meaning}")


def _shown(keys: str) -> str:
    return " ".join(_NAMES.get(key, key) for key in keys.split(","))
