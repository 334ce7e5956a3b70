"""The rows of a live table that are loaded: those in or near the viewport, or all."""

from collections.abc import Iterable, Mapping

from readwatch.monitor.viewport import RowOrder, Viewport, ids_near_viewport
from readwatch.tui.format.cells import Row


class LoadedRows:
    """Rows by their keys, and the keys of those that are missing."""

    def __init__(self) -> None:
        self.by_key: Mapping[int, Row] = {}
        self.loads_all = False
        self._requested: frozenset[int] = frozenset()

    def begin_snapshot(self) -> None:
        """Request rows again that were requested for an earlier snapshot."""
        self._requested = frozenset()

    def add(
        self,
        rows: Iterable[Row],
        order: RowOrder,
        top: int,
        height: int,
        keep: Iterable[int | None],
    ) -> None:
        """Add rows, and drop those that are neither near the viewport nor to be kept."""
        near = order.ids if self.loads_all else ids_near_viewport(order, top, height)
        keys = (*near, *(key for key in keep if key is not None))
        cached = {key: self.by_key[key] for key in keys if key in self.by_key}
        self.by_key = cached | {row.key: row for row in rows}

    def request_missing(self, order: RowOrder, viewport: Viewport) -> tuple[int, ...]:
        """Return the keys to load now, before their rows are on the screen; each is returned once.

        Nothing is loaded until a row within half a screen is missing; then all that are near.
        """
        top, height = viewport.top, viewport.height
        near = around = order.ids
        if not self.loads_all:
            near = near[max(0, top - height // 2) : top + height + height // 2]
            around = ids_near_viewport(order, top, height)
        if all(key in self.by_key or key in self._requested for key in near):
            return ()
        missing = tuple(key for key in around if key not in self.by_key)
        self._requested = frozenset(missing)
        return missing
