"""Where something is typed in."""

from textual.reactive import reactive
from textual.widgets import Input


class Field(Input):
    """An input whose cursor stands still: over ssh each blink is traffic."""

    cursor_blink = reactive(default=False, init=False)
