"""Fixed columns for text after characters whose width differs between terminals.

Terminals disagree about the width of the vowel signs of Devanagari, joined emoji and rare letters;
a different width would move the rest of the line.
"""

import re

from rich.cells import cell_len

_UNAMBIGUOUS = (
    r" -~\u00a1-\u00ac\u00ae-\u036f"  # Latin, and the marks that letters carry
    r"\u0370-\u0482\u048a-\u058f\u05d0-\u05ea\u0620-\u064a\u1e00-\u1fff"
    r"\u2010-\u2027\u2030-\u205e\u2190-\u2199\u23ce\u2500-\u25ff"
    r"\u3000-\u3029\u3030-\u303e\u3041-\u3096\u309b-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    r"\uac00-\ud7a3\uff01-\uff60\U00020000-\U0003fffd"
)
"""The characters with the same width in all terminals, as a character set of a regex."""

_AMBIGUOUS = re.compile(rf"[^{_UNAMBIGUOUS}\x00-\x1f]")
# The letter before is included, because a mark may belong to it; the spaces after are room.
_RUNS = re.compile(rf"[{_UNAMBIGUOUS}]?[^{_UNAMBIGUOUS}](?:[^{_UNAMBIGUOUS}]| )*")
_CONTROLS = re.compile(r"(\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x1f])")
_MOVE = re.compile(r"\x1b\[\d+;(\d+)H")


def with_fixed_columns(output: str) -> str:
    """Return output in which text after an ambiguous character starts in its column.

    The cells of ambiguous text are blanked before the text, and the cursor is moved to their end
    after the text (CUP and CHA of ECMA-48). Without a preceding cursor move the column is unknown,
    and the text is not changed. Text that a terminal draws too wide covers the text to its right
    until that is repainted.
    """
    if _AMBIGUOUS.search(output) is None:
        return output
    parts: list[str] = []
    column: int | None = None
    for index, part in enumerate(_CONTROLS.split(output)):
        if index % 2:
            if move := _MOVE.fullmatch(part):
                column = int(move[1])
            elif not part.endswith("m"):  # colours do not move the cursor
                column = None
            parts.append(part)
        elif column is None or not part:
            parts.append(part)
        else:
            parts += _fixed_parts(part, column)
            column += cell_len(part)
    return "".join(parts)


def _fixed_parts(text: str, column: int) -> list[str]:
    parts, done = [], 0
    for run in _RUNS.finditer(text):
        begin, end = (column + cell_len(text[:at]) for at in run.span())
        blank = f"{' ' * (end - begin)}\x1b[{begin}G"
        parts += [text[done : run.start()], blank, run[0].rstrip(" "), f"\x1b[{end}G"]
        done = run.end()
    return [*parts, text[done:]]
