"""The screen of the groups: the list, and a panel about the group under the cursor."""

from collections.abc import Iterable, Sequence
from typing import Any

from textual.widget import Widget

from readwatch.domain.text import SafeText
from readwatch.monitor.groups import GroupItem
from readwatch.monitor.snapshots import Item, View, ViewSnapshot
from readwatch.tui.screens.view import ViewScreen
from readwatch.tui.views.spec import ViewSpec
from readwatch.tui.widgets.group_panel import GroupOnPanel, GroupPanel


class GroupsScreen(ViewScreen):
    """Shows groups, whose rows open no reader's page but the list of their readers."""

    VERTICAL_BREAKPOINTS = [(0, "-low"), (40, "-tall")]  # noqa: RUF012 - as in Textual

    CSS = """
    GroupsScreen.-tall GroupPanel { height: 50%; }
    """

    def __init__(self, view: View, spec: ViewSpec[Any], *, masked: bool = False) -> None:
        super().__init__(view, spec, masked=masked)
        self._panel = GroupPanel()
        self._names: dict[int, SafeText] = {}

    def widgets_below_table(self) -> Iterable[Widget]:
        """Return the panel."""
        return (self._panel,)

    def activate(self, *, keeps_rows: bool = False) -> None:
        """Show live data from now on; the panel is empty until it arrives."""
        super().activate(keeps_rows=keeps_rows)
        if not keeps_rows:
            self._panel.group = None

    def show_snapshot(self, snapshot: ViewSnapshot) -> bool:
        """Show a new snapshot, and on the panel the group under the cursor, also while the list is
        frozen."""
        self._add_names(snapshot.items)
        is_shown = super().show_snapshot(snapshot)
        cursor = self.table.cursor_key
        detail = snapshot.group if snapshot.group and snapshot.group.group_id == cursor else None
        name = self.name_of(cursor)
        self._panel.group = None if name is None else GroupOnPanel(name, detail)
        return is_shown

    def add_items(self, items: Sequence[Item]) -> None:
        """Show items that the snapshot did not contain."""
        self._add_names(items)
        super().add_items(items)

    def name_of(self, group_id: int | None) -> SafeText | None:
        """Return the name of a group whose row was loaded."""
        return None if group_id is None else self._names.get(group_id)

    def _add_names(self, items: Sequence[Item]) -> None:
        self._names |= {item.group_id: item.name for item in items if isinstance(item, GroupItem)}
