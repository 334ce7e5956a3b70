"""Text that terminals measure in different ways, held to the columns that the screen gave it.

Terminals do not agree how many cells the vowel signs of Devanagari, joined emoji or rare letters
take, and one that takes more or fewer than were reckoned with moves the rest of its line.
"""

import re

from rich.cells import cell_len

_AGREED = (
    r" -~\u00a1-\u00ac\u00ae-\u036f"  # Latin, and the marks that letters carry
    r"\u0370-\u0482\u048a-\u058f\u05d0-\u05ea\u0620-\u064a\u1e00-\u1fff"
    r"\u2010-\u2027\u2030-\u205e\u2190-\u2199\u23ce\u2500-\u25ff"
    r"\u3000-\u3029\u3030-\u303e\u3041-\u3096\u309b-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    r"\uac00-\ud7a3\uff01-\uff60\U00020000-\U0003fffd"
)
"""The characters that are as wide in all terminals, as the inside of a regular expression."""

_UNSURE = re.compile(rf"[^{_AGREED}\x00-\x1f]")
# With the letter that a mark may belong to, and the spaces that what is wider may spread into.
_RUNS = re.compile(rf"[{_AGREED}]?[^{_AGREED}](?:[^{_AGREED}]| )*")
_CONTROLS = re.compile(r"(\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x1f])")
_MOVE = re.compile(r"\x1b\[\d+;(\d+)H")


def pinned(output: str) -> str:
    """Return output for a terminal in which all text after a doubtful one begins where it should.

    The cells of a doubtful text are blanked before it and the cursor is set to their end after it
    (CUP and CHA of ECMA-48), which needs no answer of the terminal. Text whose column is not known,
    because no move went before it, stays as it is. A text that is drawn wider than all that is
    painted covers what is right of that, until that is painted anew.
    """
    if _UNSURE.search(output) is None:
        return output
    held: list[str] = []
    column: int | None = None
    for place, part in enumerate(_CONTROLS.split(output)):
        if place % 2:
            if move := _MOVE.fullmatch(part):
                column = int(move[1])
            elif not part.endswith("m"):  # colours do not move the cursor
                column = None
            held.append(part)
        elif column is None or not part:
            held.append(part)
        else:
            held += _held(part, column)
            column += cell_len(part)
    return "".join(held)


def _held(text: str, column: int) -> list[str]:
    held, done = [], 0
    for run in _RUNS.finditer(text):
        begin, end = (column + cell_len(text[:at]) for at in run.span())
        blank = f"{' ' * (end - begin)}\x1b[{begin}G"
        held += [text[done : run.start()], blank, run[0].rstrip(" "), f"\x1b[{end}G"]
        done = run.end()
    return [*held, text[done:]]
