"""The marks of readers who are to be compared: two at most, the last one last."""

MAX_MARKS = 2


def toggled(marked: tuple[int, ...], reader_id: int) -> tuple[int, ...]:
    """Return the marks with one more, without the oldest of too many, or with one less."""
    others = tuple(id for id in marked if id != reader_id)
    return others if len(others) < len(marked) else (*others, reader_id)[-MAX_MARKS:]


def compared(marked: tuple[int, ...], reader_id: int | None) -> tuple[int, int] | None:
    """Return the two marked readers, or the only one and another; None without two."""
    both = marked if len(marked) == MAX_MARKS else (*marked, reader_id)
    match both:
        case (int(first), int(second)) if first != second:
            return first, second
    return None
