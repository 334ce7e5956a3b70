"""The screen of the groups: the list, and a panel about the group under the cursor."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from textual import on
from textual.message import Message
from textual.widget import Widget

from readwatch.domain.group_figures import GroupDetail
from readwatch.domain.text import SafeText
from readwatch.monitor.groups import GroupItem
from readwatch.monitor.snapshots import View, ViewSnapshot
from readwatch.tui.screens.view import ViewScreen
from readwatch.tui.views.spec import ViewSpec
from readwatch.tui.widgets.group_panel import GroupOnPanel, GroupPanel
from readwatch.tui.widgets.header import Status
from readwatch.tui.widgets.live_table import LiveTable


class GroupsScreen(ViewScreen):
    """Shows groups, whose rows open no reader's page but the list of their readers."""

    VERTICAL_BREAKPOINTS = [(0, "-low"), (20, "-middle"), (40, "-tall")]  # noqa: RUF012

    DEFAULT_CSS = """
    GroupsScreen.-low GroupPanel { display: none; }
    GroupsScreen.-tall GroupPanel { height: 50%; }
    """

    @dataclass
    class DetailRequested(Message):
        """The cursor is on a group whose detail has not been read yet."""

        screen: "GroupsScreen"
        group_id: int

    @dataclass
    class GroupOpened(Message):
        """The user wants to see the readers of a group."""

        screen: "GroupsScreen"
        name: SafeText

    def __init__(self, view: View, spec: ViewSpec[Any], *, masked: bool = False) -> None:
        super().__init__(view, spec, masked=masked)
        self._panel = GroupPanel()
        self._details: dict[int, GroupDetail | None] = {}  # of the snapshot, or since the freeze

    def widgets_below_table(self) -> Iterable[Widget]:
        """Return the panel."""
        return (self._panel,)

    def activate(self, *, keeps_rows: bool = False) -> None:
        """Show live data from now on; the panel is empty until it arrives."""
        super().activate(keeps_rows=keeps_rows)
        self._details.clear()
        self._show_panel()

    def show_snapshot(self, snapshot: ViewSnapshot) -> bool:
        """Show a new snapshot and the group under the cursor, or only rows, if the list is
        frozen."""
        is_shown = super().show_snapshot(snapshot)
        if is_shown:
            self._details.clear()
            if snapshot.group is not None:
                self._details[snapshot.group.group_id] = snapshot.group
            self._show_panel()
        return is_shown

    def show_status(self, status: Status) -> None:
        """Show a status in the header; the panel follows the rows."""
        was_concealed = self.table.is_concealed
        super().show_status(status)
        if was_concealed is not self.table.is_concealed:
            self._show_panel()

    def toggle_frozen(self) -> None:
        """Freeze the list and the panel, or show the newest of both."""
        super().toggle_frozen()
        if not self.frozen:
            self._details.clear()
            self._show_panel()

    def show_detail(self, group_id: int, detail: GroupDetail | None) -> None:
        """Show a detail that was requested."""
        self._details.setdefault(group_id, detail)
        self._show_panel()

    @on(LiveTable.RowHighlighted)
    def _show_panel(self) -> None:
        """Show the group under the cursor; request its detail if it is not read yet."""
        key = self.table.cursor_key
        item = None if key is None or self.table.is_concealed else self._items.get(key)
        if not isinstance(item, GroupItem):
            self._panel.group = None
            return
        has_detail = item.reading is not None
        if has_detail and item.group_id not in self._details:
            self.post_message(self.DetailRequested(self, item.group_id))
        detail = self._details.get(item.group_id)
        self._panel.group = GroupOnPanel(item.name, detail, is_of_few=not has_detail)

    @on(LiveTable.RowSelected)
    def _open_group(self, event: LiveTable.RowSelected) -> None:
        item = self._items.get(event.key)
        if event.table.take_selection(event) and isinstance(item, GroupItem):
            self.post_message(self.GroupOpened(self, item.name))
