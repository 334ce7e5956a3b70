"""The text input of all forms."""

from textual.reactive import reactive
from textual.widgets import Input


class TextInput(Input):
    """An input of one line; its cursor does not blink, because blinking causes traffic over ssh."""

    DEFAULT_CSS = """
    TextInput, TextInput:focus { height: 1; border: none; padding: 0 1; background: $panel; }
    TextInput:nocolor > .input--cursor {
        background: $background; color: $foreground; text-style: reverse;
    }
    """

    cursor_blink = reactive(default=False, init=False)
