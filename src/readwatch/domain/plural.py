"""Numbers with their nouns, for messages."""


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number and its noun, `1 row` or `1,234 rows`; the plural adds an s by default."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"
