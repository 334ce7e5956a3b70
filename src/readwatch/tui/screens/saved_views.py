"""Views: those that have a name, and a name for what is shown."""

from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Label, OptionList

from readwatch.tui.format.columns import cut, fit
from readwatch.tui.preferences import Preferences
from readwatch.tui.saved_views import LONGEST_NAME, SavedView, name_of_view
from readwatch.tui.views import VIEW_SPECS
from readwatch.tui.widgets.input import TextInput
from readwatch.tui.widgets.option_list import PlainOptionList

_NAME_WIDTH, _ROOM = 20, 50


class SavedViewsScreen(ModalScreen[SavedView | None]):
    """Ends with the view that was picked; keeps and forgets views at once."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Close"),
        Binding("d", "forget", "Forget"),
        Binding("b", "begin", "Begin with"),
    ]

    CSS = """
    SavedViewsScreen { align: center middle; }
    SavedViewsScreen Vertical {
        width: 76; max-width: 100%; height: auto; max-height: 100%;
        border: round $primary; background: $surface;
    }
    SavedViewsScreen PlainOptionList { max-height: 14; margin-bottom: 1; }
    SavedViewsScreen Label { color: $text-muted; padding: 0 1; }
    """

    def __init__(self, desk: Preferences, draft: SavedView) -> None:
        super().__init__()
        self._desk = desk
        self._draft = draft
        self._views: tuple[SavedView, ...] = ()
        self._list = PlainOptionList()
        self._field = TextInput(placeholder="its name; enter keeps it", max_length=LONGEST_NAME)

    def compose(self) -> ComposeResult:
        """Lay out the views and the name."""
        with Vertical() as form:
            form.border_title = "Views"
            yield self._list
            yield Label(f"tab: keep {words_of(self._draft)}", markup=False)
            yield self._field

    def on_mount(self) -> None:
        """Let the keys go to the views; where there are none, to the name."""
        self._show()
        self.set_focus(self._list if self._views else self._field)

    def action_forget(self) -> None:
        """Forget the view under the cursor."""
        if (saved := self._under_cursor) is not None:
            self._desk.forget_view(saved.name)
            self._show()

    def action_begin(self) -> None:
        """Let the console begin with the view under the cursor, or no longer."""
        if (saved := self._under_cursor) is not None:
            self._desk.turn_first(saved.name)
            self._show()

    @on(OptionList.OptionSelected)
    def _pick(self) -> None:
        if self.is_current:  # a second enter may be here already
            self.dismiss(self._under_cursor)

    @on(Input.Submitted)
    def _keep(self, event: Input.Submitted) -> None:
        event.stop()
        if name := name_of_view(event.value):
            self._desk.keep_view(replace(self._draft, name=name))
            self._field.value = ""
            self._show(name)
            self.set_focus(self._list)

    @property
    def _under_cursor(self) -> SavedView | None:
        place = self._list.highlighted
        return None if place is None else self._views[place]

    def _show(self, name: str = "") -> None:
        before, self._views = self._list.highlighted or 0, self._desk.views
        first, names = self._desk.first_view, [view.name for view in self._views]
        self._list.clear_options()
        self._list.add_options(_line(view, is_first=view == first) for view in self._views)
        self._list.display = bool(self._views)
        keys = "enter shows, d forgets, b begins with it" if self._views else "enter keeps"
        self.query_one(Vertical).border_subtitle = f"{keys}, escape closes"
        if self._views:
            place = names.index(name) if name else before
            self._list.highlighted = min(place, len(names) - 1)


def words_of(saved: SavedView) -> str:
    """Say what a view shows: `Readers by Level, level:B1`."""
    listing = VIEW_SPECS[saved.view]
    titles = {column.key: column.title for column in listing.columns}
    words = f"{saved.view.label.capitalize()} by {titles.get(saved.sort, saved.sort)}"
    return f"{words}, {saved.filter}" if saved.filter else words


def _line(saved: SavedView, *, is_first: bool) -> Content:
    words = f"{'begins here: ' if is_first else ''}{words_of(saved)}"
    return Content(f" {fit(saved.name, _NAME_WIDTH)}  {cut(words, _ROOM)}")
