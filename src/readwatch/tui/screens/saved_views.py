"""The saved views, and a form to save the current one."""

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
from readwatch.tui.saved_views import MAX_NAME_LENGTH, SavedView, view_name
from readwatch.tui.views import VIEW_SPECS
from readwatch.tui.widgets.input import TextInput
from readwatch.tui.widgets.option_list import PlainOptionList

_NAME_WIDTH, _ROOM = 20, 50


class SavedViewsScreen(ModalScreen[SavedView | None]):
    """The dialog for saved views; it returns the selected view, and saves and deletes at once."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Close"),
        Binding("d", "delete", "Delete"),
        Binding("b", "toggle_start", "Start with"),
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

    def __init__(self, preferences: Preferences, current: SavedView) -> None:
        super().__init__()
        self._preferences = preferences
        self._current = current
        self._views: tuple[SavedView, ...] = ()
        self._list = PlainOptionList()
        self._field = TextInput(
            placeholder="a name; enter saves this view", max_length=MAX_NAME_LENGTH
        )

    def compose(self) -> ComposeResult:
        """Lay out the views and the name of a new one."""
        with Vertical() as form:
            form.border_title = "Saved views"
            yield self._list
            yield Label(
                f"This view: {description_of(self._current)}; tab goes to its name", markup=False
            )
            yield self._field

    def on_mount(self) -> None:
        """Give the focus to the views or, without views, to the name."""
        self._show()
        self.set_focus(self._list if self._views else self._field)

    def action_delete(self) -> None:
        """Delete the view under the cursor."""
        if (saved := self._selected) is not None:
            self._preferences.delete_view(saved.name)
            self._show()

    def action_toggle_start(self) -> None:
        """Make the view under the cursor the first one of a console, or no view."""
        if (saved := self._selected) is not None:
            self._preferences.toggle_start_view(saved.name)
            self._show()

    @on(OptionList.OptionSelected)
    def _select(self) -> None:
        if self.is_current:  # a second enter may have been pressed
            self.dismiss(self._selected)

    @on(Input.Submitted)
    def _save(self, event: Input.Submitted) -> None:
        event.stop()
        if name := view_name(event.value):
            self._preferences.save_view(replace(self._current, name=name))
            self._field.value = ""
            self._show(name)
            self.set_focus(self._list)

    @property
    def _selected(self) -> SavedView | None:
        index = self._list.highlighted
        return None if index is None else self._views[index]

    def _show(self, name: str = "") -> None:
        before, self._views = self._list.highlighted or 0, self._preferences.views
        start_view, names = self._preferences.start_view, [view.name for view in self._views]
        self._list.clear_options()
        self._list.add_options(_line(view, is_start=view == start_view) for view in self._views)
        self._list.display = bool(self._views)
        keys = "enter opens, d deletes, b makes it the first view" if self._views else "enter saves"
        self.query_one(Vertical).border_subtitle = f"{keys}, escape closes"
        if self._views:
            index = names.index(name) if name else before
            self._list.highlighted = min(index, len(names) - 1)


def description_of(saved: SavedView) -> str:
    """Return a description of a view: `Readers by Level, level:B1`."""
    spec = VIEW_SPECS[saved.view]
    titles = {column.key: column.title for column in spec.columns}
    words = f"{saved.view.label.capitalize()} by {titles.get(saved.sort, saved.sort)}"
    return f"{words}, {saved.filter}" if saved.filter else words


def _line(saved: SavedView, *, is_start: bool) -> Content:
    words = f"{'first view: ' if is_start else ''}{description_of(saved)}"
    return Content(f" {fit(saved.name, _NAME_WIDTH)}  {cut(words, _ROOM)}")
