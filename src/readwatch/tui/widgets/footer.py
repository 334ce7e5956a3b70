"""The footer with the keys of a screen."""

from textual.app import ComposeResult
from textual.widgets import Footer as TextualFooter
from textual.widgets._footer import FooterKey


class Footer(TextualFooter):
    """Textual's footer, which forgets the keys that it no longer shows, and does nothing while
    they stay the same: Textual makes them anew whenever the focus moves.
    """

    _keys: tuple[tuple[str, str, bool], ...] = ()

    def compose(self) -> ComposeResult:
        """Lay out the keys of this moment."""
        for widget in super().compose():
            if isinstance(widget, FooterKey):
                # It begins as another value, and each change costs the styles of the key.
                widget.set_reactive(FooterKey.compact, self.compact)
            yield widget

    async def recompose(self) -> None:
        """Show the keys of this moment."""
        if not self.is_attached:
            return
        keys = tuple(
            (self.app.get_key_display(active.binding), active.binding.description, active.enabled)
            for active in self.screen.active_bindings.values()
            if active.binding.show
        )
        if keys == self._keys:
            return
        self._keys = keys
        await super().recompose()
        # Each key watches this value, and only a change lets go of those that are gone: without
        # one a console that is used all night keeps every key it ever showed.
        self.mutate_reactive(Footer.compact)
