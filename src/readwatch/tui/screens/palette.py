"""The palette: readers by name, and whatever else the console can do."""

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

SHORTEST = 2
"""So many letters are asked of the store."""

DEBOUNCE_SECONDS = 0.1
_NAME_WIDTH = 30


@dataclass(frozen=True, slots=True)
class PaletteCommand:
    """Something that can be chosen: its name, a word about it, and what is done then."""

    name: str
    words: str
    choose: Callable[[], object]

    def line(self) -> Content:
        """Return it as a line of text; nothing in it is markup."""
        return Content(f"{fit(self.name, _NAME_WIDTH)}  {cut(self.words, 40)}")


class PaletteScreen(ModalScreen[PaletteCommand | None]):
    """Ends with what was chosen; `enter` waits until all that was typed is answered."""

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
        self, offers: Iterable[PaletteCommand], look_for: Callable[[str], object], *, masked: bool
    ) -> None:
        """`look_for` is asked for readers by words of a name; with `masked` none is offered."""
        super().__init__()
        self._look_for = look_for
        self._offers = tuple(offers)
        self._masked = masked
        self._field = TextInput(placeholder="words of a name")
        self._list = PlainOptionList(classes="-lively")  # its keys come through the field
        self._list.can_focus = False
        self._note = Static("", markup=False)
        self._words = ""
        self._awaited = self._hurried = False
        self._readers: tuple[PaletteCommand, ...] = ()
        self._shown: tuple[PaletteCommand, ...] = ()
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """Lay out the question and what there is."""
        with Vertical() as form:
            form.border_title = "Actions; names are masked" if self._masked else "Readers, actions"
            form.border_subtitle = "enter chooses, escape closes"
            yield self._field
            yield self._list
            yield self._note

    def on_mount(self) -> None:
        """Show all actions, and let the keys go to the input."""
        self._show()
        self.set_focus(self._field)

    def find(self, words: str, readers: Sequence[PaletteCommand]) -> None:
        """Show the readers who were found, unless something else is typed by now."""
        if words == self._typed:
            self._readers, self._awaited = tuple(readers), False
            self._show()
            if self._hurried:
                self._choose()

    @on(Input.Submitted)
    def _choose(self) -> None:
        self._look()
        self._hurried = self._awaited
        if not self._awaited and self._list.highlighted is not None:
            self._end_with(self._shown[self._list.highlighted])

    def action_move(self, lines: int) -> None:
        """Move the cursor, not around the ends."""
        if self._list.highlighted is not None:
            place = self._list.highlighted + lines
            self._list.highlighted = max(0, min(place, len(self._shown) - 1))

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        self._end_with(self._shown[event.option_index])

    def _end_with(self, offer: PaletteCommand) -> None:
        if self.is_current:  # a second enter may be here already
            self.dismiss(offer)

    @on(Input.Changed)
    def _look(self) -> None:
        """Show what fits by now, and ask for readers soon."""
        words = self._typed
        if words == self._words:
            return
        self._words, self._readers, self._hurried = words, (), False
        self._awaited = len(words) >= SHORTEST and not self._masked
        if self._timer is not None:
            self._timer.stop()
        if self._awaited:
            self._timer = self.set_timer(DEBOUNCE_SECONDS, lambda: self._look_for(words))
        self._show()

    @property
    def _typed(self) -> str:
        return " ".join(self._field.value.split())

    def _show(self) -> None:
        patterns = [anywhere(word) for word in self._words.split()]
        fitting = [
            offer for offer in self._offers if all(matches(each, offer.name) for each in patterns)
        ]
        literal = self._words.casefold()
        certain = [offer for offer in fitting if literal in offer.name.casefold()]
        others = [offer for offer in fitting if offer not in certain]
        self._shown = (*certain, *self._readers, *others)
        self._list.clear_options()
        self._list.add_options([offer.line() for offer in self._shown])
        self._list.highlighted = 0 if self._shown else None
        self._list.display = bool(self._shown)
        self._note.update("" if self._shown else "…" if self._awaited else "nothing fits")
        self._note.display = not self._shown
