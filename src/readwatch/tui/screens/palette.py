"""The command palette: readers by name, and all commands."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import Input, OptionList, Static

from readwatch.domain.matching import anywhere, matches
from readwatch.tui.format.columns import cut, fit
from readwatch.tui.widgets.input import TextInput
from readwatch.tui.widgets.option_list import PlainOptionList

MIN_SEARCH_LENGTH = 2
"""The minimum number of letters to search for readers in the database."""

DEBOUNCE_SECONDS = 0.1
_NAME_WIDTH = 30


@dataclass(frozen=True, slots=True)
class PaletteCommand:
    """A command: its name, a short description, and its function."""

    name: str
    description: str
    run: Callable[[], object]

    def line(self) -> Content:
        """Return the command as one line, without markup."""
        return Content(f"{fit(self.name, _NAME_WIDTH)}  {cut(self.description, 40)}")


class PaletteScreen(ModalScreen[PaletteCommand | None]):
    """The palette; it returns the chosen command. `enter` waits for the result of a search."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Close"),
        Binding("up", "move(-1)", "Up"),
        Binding("down", "move(1)", "Down"),
    ]

    CSS = """
    PaletteScreen { align: center top; }
    PaletteScreen Vertical {
        width: 76; max-width: 100%; height: auto; max-height: 100%; margin-top: 2;
        border: round $primary; background: $surface;
    }
    PaletteScreen PlainOptionList { max-height: 16; }
    PaletteScreen PlainOptionList, PaletteScreen Static { padding: 0 1; }
    PaletteScreen Static { color: $text-muted; }
    """

    def __init__(
        self,
        commands: Iterable[PaletteCommand],
        find_readers: Callable[[str], object],
        *,
        masked: bool,
    ) -> None:
        """`find_readers` starts a search by words of a name; with `masked` it is not called."""
        super().__init__()
        self._find_readers = find_readers
        self._commands = tuple(commands)
        self._masked = masked
        self._field = TextInput(placeholder="name or command")
        self._list = PlainOptionList(classes="-focused")  # the input handles its keys
        self._list.can_focus = False
        self._note = Static("", markup=False)
        self._words = ""
        self._is_searching = self._chooses_first = False
        self._readers: tuple[PaletteCommand, ...] = ()
        self._visible: tuple[PaletteCommand, ...] = ()
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """Lay out the input and the commands."""
        with Vertical() as form:
            form.border_title = "Commands (masked)" if self._masked else "Readers, commands"
            form.border_subtitle = "enter chooses, escape closes"
            yield self._field
            yield self._list
            yield self._note

    def on_mount(self) -> None:
        """Show all commands, and give the focus to the input."""
        self._show()
        self.set_focus(self._field)

    def show_readers(self, words: str, readers: Sequence[PaletteCommand]) -> None:
        """Show the readers that a search found, unless the input has changed."""
        if words == self._typed:
            self._readers, self._is_searching = tuple(readers), False
            self._show()
            if self._chooses_first:
                self._choose()

    @on(Input.Submitted)
    def _choose(self) -> None:
        self._search()
        self._chooses_first = self._is_searching
        if not self._is_searching and self._list.highlighted is not None:
            self._finish(self._visible[self._list.highlighted])

    def action_move(self, lines: int) -> None:
        """Move the cursor, which stops at both ends."""
        if self._list.highlighted is not None:
            index = self._list.highlighted + lines
            self._list.highlighted = max(0, min(index, len(self._visible) - 1))

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        self._finish(self._visible[event.option_index])

    def _finish(self, command: PaletteCommand) -> None:
        if self.is_current:  # the user may have pressed enter twice
            self.dismiss(command)

    @on(Input.Changed)
    def _search(self) -> None:
        """Show the matching commands, and search for readers after a short pause."""
        words = self._typed
        if words == self._words:
            return
        self._words, self._readers, self._chooses_first = words, (), False
        self._is_searching = len(words) >= MIN_SEARCH_LENGTH and not self._masked
        if self._timer is not None:
            self._timer.stop()
        if self._is_searching:
            self._timer = self.set_timer(DEBOUNCE_SECONDS, lambda: self._find_readers(words))
        self._show()

    @property
    def _typed(self) -> str:
        return " ".join(self._field.value.split())

    def _show(self) -> None:
        patterns = [anywhere(word) for word in self._words.split()]
        fitting = [
            command
            for command in self._commands
            if all(matches(pattern, command.name) for pattern in patterns)
        ]
        literal = self._words.casefold()
        certain = [command for command in fitting if literal in command.name.casefold()]
        others = [offer for offer in fitting if offer not in certain]
        self._visible = (*certain, *self._readers, *others)
        self._list.clear_options()
        self._list.add_options([offer.line() for offer in self._visible])
        self._list.highlighted = 0 if self._visible else None
        self._list.display = bool(self._visible)
        self._note.update("" if self._visible else "…" if self._is_searching else "no matches")
        self._note.display = not self._visible
