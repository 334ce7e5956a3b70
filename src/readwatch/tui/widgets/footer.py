"""The keys at the foot of a screen."""

from textual.widgets import Footer as TextualFooter


class Footer(TextualFooter):
    """Textual's footer, which forgets the keys that it no longer shows."""

    async def recompose(self) -> None:
        """Show the keys of this moment."""
        await super().recompose()
        # Each key watches this value, and only a change lets go of those that are gone: without
        # one a console that is used all night keeps every key it ever showed.
        self.mutate_reactive(Footer.compact)
