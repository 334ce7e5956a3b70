"""Columns: which of them a list shows, chosen over the list itself."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList

from readwatch.tui.format.columns import Column, fit
from readwatch.tui.widgets.option_list import PlainOptionList

Choose = Callable[[frozenset[str] | None], frozenset[str]]
"""Shows columns, or with None those that fit, and returns the ones that are chosen then."""


class ColumnsScreen(ModalScreen[None]):
    """Turns each column on and off; what is chosen is seen at once."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,c,q", "dismiss", "Close"),
        Binding("space", "turn", "Turn"),
        Binding("r", "reset", "Reset"),
    ]

    CSS = """
    ColumnsScreen { align: right bottom; background: transparent; }
    ColumnsScreen PlainOptionList, ColumnsScreen PlainOptionList:focus {
        width: 48; max-width: 100%; max-height: 100%; margin-bottom: 1;
        border: round $primary;
    }
    """

    def __init__(self, columns: Sequence[Column], chosen: frozenset[str], choose: Choose) -> None:
        super().__init__()
        self._columns = tuple(columns)
        self._chosen = chosen
        self._choose = choose
        self._list = PlainOptionList(*self._prompts())

    def compose(self) -> ComposeResult:
        """Lay out the columns from left to right as lines."""
        self._list.border_title = "Columns"
        self._list.border_subtitle = "space turns, r resets, escape closes"
        yield self._list

    def action_turn(self) -> None:
        """Turn the column under the cursor on or off; one of them stays."""
        if self._list.highlighted is not None:
            chosen = self._chosen ^ {self._columns[self._list.highlighted].key}
            self._take(chosen or self._chosen)

    def action_reset(self) -> None:
        """Show those that fit again."""
        self._take(None)

    @on(OptionList.OptionSelected)
    def _turn(self) -> None:
        self.action_turn()

    def _take(self, chosen: frozenset[str] | None) -> None:
        self._chosen = self._choose(chosen)
        for place, prompt in enumerate(self._prompts()):
            self._list.replace_option_prompt_at_index(place, prompt)

    def _prompts(self) -> list[Content]:
        return [
            Content(
                f" [{'x' if column.key in self._chosen else ' '}] "
                f"{fit(column.title, 14)}{column.about}"
            )
            for column in self._columns
        ]
