"""The screens of the views; the worker posts snapshots of the current one."""

from concurrent.futures import Future
from datetime import datetime

from textual.app import App

from readwatch.domain.group_figures import GroupDetail
from readwatch.monitor.build import id_chunks
from readwatch.monitor.events import QueryRefused
from readwatch.monitor.snapshots import Item, View
from readwatch.monitor.viewport import Viewport
from readwatch.monitor.worker import Worker
from readwatch.store.lists.query import ListQuery
from readwatch.tui.messages import when_done
from readwatch.tui.screens.groups import GroupsScreen
from readwatch.tui.screens.online import OnlineScreen
from readwatch.tui.screens.view import ViewScreen
from readwatch.tui.views import VIEW_SPECS
from readwatch.tui.widgets.live_table import LiveTable

_SCREENS = {View.ONLINE: OnlineScreen, View.GROUPS: GroupsScreen}
"""The screens of views that are more than a list."""


class ViewScreens:
    """Holds the screens and the current view, which may be below a reader's page or the lock."""

    def __init__(self, app: App[None], worker: Worker, view: View, query: ListQuery) -> None:
        """`view` is the first current view, with `query`."""
        self.view = view
        self._first_query = query
        self._app = app
        self._worker = worker
        self._screens: dict[View, ViewScreen] = {}
        self._has_preview = True
        self._group_request: Future[GroupDetail | None] | None = None

    def begin(self) -> None:
        """Create the screens, and set the query of the current one."""
        self.install()
        self.go_to(self._first_query.at)
        self.current.set_initial_query(self._first_query)

    def install(self) -> None:
        """Replace all screens by empty ones, before the next consultant logs in."""
        for view, screen in self._screens.items():
            self._app.uninstall_screen(view)
            screen.remove()
        self._screens = {
            view: _SCREENS.get(view, ViewScreen)(view, spec, masked=self._first_query.masked)
            for view, spec in VIEW_SPECS.items()
        }
        for view, screen in self._screens.items():
            screen.set_class(self._has_preview, "-previewed")
            # Textual removes a screen that is not installed when another one replaces it.
            self._app.install_screen(screen, view)

    def __getitem__(self, view: View) -> ViewScreen:
        """Return the screen of a view."""
        return self._screens[view]

    @property
    def current(self) -> ViewScreen:
        """The screen of the current view."""
        return self._screens[self.view]

    def toggle_preview(self) -> None:
        """Show or hide what wide terminals show about the row under the cursor, in all views."""
        self._has_preview = not self._has_preview
        for screen in self._screens.values():
            screen.set_class(self._has_preview, "-previewed")

    def go_to(self, at: datetime | None) -> None:
        """Show a time of the past in all views that can, or now."""
        for screen in self._screens.values():
            if screen.goes_back:
                screen.show_time(at)

    def show_marks(self, reader_ids: tuple[int, ...]) -> None:
        """Show which readers are marked, in all views."""
        for screen in self._screens.values():
            if screen.has_marks:
                screen.table.marked = frozenset(reader_ids)

    def watch(self, view: View, *, keeps_rows: bool = False) -> None:
        """Make a view the current one; with `keeps_rows` its rows stay on the screen."""
        self.view = view
        self.current.activate(keeps_rows=keeps_rows)
        self.request()

    def request(self) -> None:
        """Request snapshots of the current view, with its current query and viewport."""
        viewport = self.current.table.viewport
        if not viewport.height:  # the view has not been on the screen
            viewport = Viewport(self._app.size.height)
        self._worker.watch_view(self.view, self.current.list_query, viewport)

    def change_viewport(self, change: LiveTable.ViewportChanged) -> None:
        """Pass the viewport of the current view to the worker, and fetch missing rows."""
        if change.table is self.current.table:
            self._worker.set_viewport(change.viewport)
            for ids in id_chunks(change.missing_keys):
                self._fetch(self.current, tuple(ids))

    def _fetch(self, screen: ViewScreen, ids: tuple[int, ...]) -> None:
        def fill(items: tuple[Item, ...]) -> None:
            if screen is self.current:
                screen.add_items(items)

        when_done(self._app, self._worker.fetch_items(self.view, ids), fill, _ignore)

    def fetch_group(self, screen: GroupsScreen, group_id: int) -> None:
        """Fetch the detail of a group, unless another view is shown."""

        def show(detail: GroupDetail | None) -> None:
            if screen is self.current:
                screen.show_detail(group_id, detail)

        if self._group_request is not None:
            self._group_request.cancel()  # the cursor is on another group
        if screen is self.current:
            self._group_request = self._worker.fetch_group(group_id)
            when_done(self._app, self._group_request, show, _ignore)

    def refuse(self, event: QueryRefused) -> bool:
        """Show why a query is refused; tell whether the query of the current view has changed."""
        screen = self._screens[event.view]
        screen.refuse(event.query, event.reason)
        if not event.query.terms:  # the line for reasons belongs to the filter
            self._app.notify(event.reason, severity="error", markup=False)
        if screen is self.current:
            self.go_to(screen.list_query.at)  # a refused time is shown nowhere
        return screen is self.current and screen.list_query != event.query


def _ignore(_error: Exception) -> None:
    """Ignore an error: the worker retries, and posts `ConnectionLost`."""
