"""The dialog to choose the columns of a list."""

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

ChooseColumns = Callable[[frozenset[str] | None], frozenset[str]]
"""Shows these columns (None: the columns that fit), and returns the keys of the shown columns."""


class ColumnsScreen(ModalScreen[None]):
    """A dialog that shows or hides each column; the list changes at once."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,c,q", "dismiss", "Close"),
        Binding("space", "toggle_column", "Toggle"),
        Binding("r", "reset", "Reset"),
    ]

    CSS = """
    ColumnsScreen { align: right bottom; background: transparent; }
    ColumnsScreen PlainOptionList, ColumnsScreen PlainOptionList:focus {
        width: 48; max-width: 100%; max-height: 100%; margin-bottom: 1;
        border: round $primary;
    }
    """

    def __init__(
        self, columns: Sequence[Column], chosen: frozenset[str], choose: ChooseColumns
    ) -> None:
        super().__init__()
        self._columns = tuple(columns)
        self._chosen = chosen
        self._choose = choose
        self._list = PlainOptionList(*self._prompts())

    def compose(self) -> ComposeResult:
        """Lay out one line for each column."""
        self._list.border_title = "Columns"
        self._list.border_subtitle = "space toggles, r resets, escape closes"
        yield self._list

    def action_toggle_column(self) -> None:
        """Show or hide the column under the cursor; at least one column stays."""
        if self._list.highlighted is not None:
            chosen = self._chosen ^ {self._columns[self._list.highlighted].key}
            self._apply(chosen or self._chosen)

    def action_reset(self) -> None:
        """Show the columns that fit."""
        self._apply(None)

    @on(OptionList.OptionSelected)
    def _toggle(self) -> None:
        self.action_toggle_column()

    def _apply(self, chosen: frozenset[str] | None) -> None:
        self._chosen = self._choose(chosen)
        for index, prompt in enumerate(self._prompts()):
            self._list.replace_option_prompt_at_index(index, prompt)

    def _prompts(self) -> list[Content]:
        return [
            Content(
                f" [{'x' if column.key in self._chosen else ' '}] "
                f"{fit(column.title, 14)}{column.about}"
            )
            for column in self._columns
        ]
