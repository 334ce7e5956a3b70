"""Numbers with their nouns, and ordinal numbers, for messages."""

_ENDINGS = {1: "st", 2: "nd", 3: "rd"}


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number and its noun, `1 row` or `1,234 rows`; the plural adds an s by default."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def ordinal(number: int) -> str:
    """Return an ordinal number: `1st`, `2nd`, `3rd`, `11th`."""
    is_teen = number // 10 % 10 == 1
    return f"{number}{'th' if is_teen else _ENDINGS.get(number % 10, 'th')}"
