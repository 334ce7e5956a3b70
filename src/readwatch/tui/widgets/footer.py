"""The footer with the keys of a screen."""

from textual.app import ComposeResult
from textual.widgets import Footer as TextualFooter
from textual.widgets._footer import FooterKey

from readwatch.tui.keys import is_in_footer


class Footer(TextualFooter):
    """Textual's footer, which creates its keys again whenever the focus moves. This one does so
    only if the keys change, and frees the old keys. In a narrow terminal it leaves some out.
    """

    _keys: tuple[tuple[str, str, bool], ...] = ()

    def compose(self) -> ComposeResult:
        """Lay out the current keys."""
        for widget in super().compose():
            if isinstance(widget, FooterKey):
                if not is_in_footer(widget.action, self.app.size.width):
                    continue
                # Set here, because a later change computes the styles of the key again.
                widget.set_reactive(FooterKey.compact, self.compact)
            yield widget

    async def on_resize(self) -> None:
        """Show the keys for the new width."""
        await self.recompose()

    async def recompose(self) -> None:
        """Show the current keys, if they have changed."""
        if not self.is_attached:
            return
        keys = tuple(
            (self.app.get_key_display(active.binding), active.binding.description, active.enabled)
            for active in self.screen.active_bindings.values()
            if active.binding.show and is_in_footer(active.binding.action, self.app.size.width)
        )
        if keys == self._keys:
            return
        self._keys = keys
        await super().recompose()
        # Each key watches this value, and Textual removes the watchers of old keys only when the
        # value changes. Without a change all old keys would stay in memory.
        self.mutate_reactive(Footer.compact)
