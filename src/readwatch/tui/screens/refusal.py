"""What a page shows instead of data that may not be shown."""

from textual.content import Content


def refusal(heading: str, reason: str) -> Content:
    """Return the heading, the reason and the way back."""
    return Content.assemble(
        (heading, "bold $text-error"),
        f"\n\n{reason}\n\n",
        ("press escape to go back to the list", "dim"),
    )
