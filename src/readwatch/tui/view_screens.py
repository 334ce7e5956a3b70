"""The lists: each has a screen, one of them is in front, and the watcher is asked for that one."""

from textual.app import App

from readwatch.monitor.build import chunks
from readwatch.monitor.snapshots import View
from readwatch.monitor.viewport import Viewport
from readwatch.monitor.worker import Worker
from readwatch.store.lists.query import ListQuery
from readwatch.tui.screens.view import ViewScreen
from readwatch.tui.views import VIEW_SPECS
from readwatch.tui.widgets.live_table import LiveTable


class ViewScreens:
    """Knows which list is in front, also while a reader's page is open or all is covered."""

    def __init__(self, app: App[None], watcher: Worker, view: View, first: ListQuery) -> None:
        """`view` is in front at first, and asked for as in `first`."""
        self.view = view
        self._first = first
        self._app = app
        self._watcher = watcher
        self._screens: dict[View, ViewScreen] = {}

    def begin(self) -> None:
        """Make the lists."""
        self.install()
        self.front.begin_with(self._first)

    def install(self) -> None:
        """Put empty lists in the place of those that somebody else sat in front of."""
        for view, before in self._screens.items():
            self._app.uninstall_screen(view)
            before.remove()
        self._screens = {
            view: ViewScreen(view, listing, masked=self._first.masked)
            for view, listing in VIEW_SPECS.items()
        }
        for view, screen in self._screens.items():
            self._app.install_screen(screen, view)  # else it is gone when another takes its place

    def __getitem__(self, view: View) -> ViewScreen:
        """Return the screen of a list."""
        return self._screens[view]

    @property
    def front(self) -> ViewScreen:
        """The list in front."""
        return self._screens[self.view]

    def watch(self, view: View) -> None:
        """Have a list in front from now on."""
        self.view = view
        self.front.come_to_front()
        self.ask()

    def ask(self) -> None:
        """Ask for the list in front as it is wanted now, with the rows that are in view."""
        sight = self.front.table.viewport
        if not sight.height:  # it was never on the screen
            sight = Viewport(self._app.size.height)
        self._watcher.watch(self.view, self.front.question, sight)

    def look_elsewhere(self, change: LiveTable.ViewportChanged) -> None:
        """Tell what is in view of the list in front by now, and ask for the rows it lacks."""
        if change.table is self.front.table:
            self._watcher.see(change.sight)
            for ids in chunks(change.wanted):
                self._watcher.fetch(self.view, tuple(ids))

    def refuse(self, view: View, question: ListQuery, reason: str) -> bool:
        """Say why there is no answer; tell whether the list in front has another question now."""
        refused = self._screens[view]
        refused.refuse(question, reason)
        return view is self.view and refused.question != question
