"""Columns keep their place on terminals that measure a text in another way than the console."""

import re

from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from readwatch.tui.format.columns import fit
from readwatch.tui.terminal.cell_width import with_fixed_columns

CELLS = 12
PARTS = re.compile(r"\x1b\[(\d+);(\d+)H|\x1b\[(\d+)G|\x1b\[[\d;]*m|(.)", re.DOTALL)
DOUBTFUL = "\u093f\u093e\u094d\u0926\u0e01\u0e47\u1019\u200d\ufe0f\u20e3👩❤🇦\U0001d49c"
TEXTS = st.text(st.sampled_from("ab é1日 " + DOUBTFUL), max_size=2 * CELLS)


class OddTerminal:
    """One line of a terminal that gives each doubtful character a width of its own."""

    def __init__(self, widths: dict[str, int]) -> None:
        self.widths = widths
        self.cells = ["#"] * 10 * CELLS
        self.at = 0

    def takes(self, output: str) -> None:
        for part in PARTS.finditer(output):
            if column := part[2] or part[3]:
                self.at = int(column) - 1
            elif part[4]:
                self._puts(part[4])

    def _puts(self, char: str) -> None:
        width = self.widths.get(char, cell_len(char))
        self.cells[self.at : self.at + width] = [char] * width
        self.at += width


def painted(texts: list[str], widths: dict[str, int]) -> list[str]:
    """What stands in a line of columns, each of them with a bar at its end."""
    columns = [f"\x1b[1m{fit(text, CELLS)}\x1b[0m|" for text in texts]
    terminal = OddTerminal(widths)
    terminal.takes(with_fixed_columns("\x1b[7;1H" + "".join(columns)))
    return terminal.cells


@given(
    st.lists(TEXTS, min_size=1, max_size=4),
    st.dictionaries(st.sampled_from(DOUBTFUL), st.integers(0, 2)),
)
@example(["दिव्या अग्रवाल", "The Won"], {"\u093f": 1, "\u093e": 1, "\u094d": 1})
@example(["👩\u200d👩\u200d👧 reads", "x"], {"👩": 2, "👧": 2, "\u200d": 0})
def test_a_column_begins_where_it_should_whatever_the_one_before_it_was_measured_as(
    texts: list[str], widths: dict[str, int]
) -> None:
    cells = painted(texts, widths)
    ends = [number * (CELLS + 1) - 1 for number in range(1, len(texts) + 1)]
    assert [cells[end] for end in ends] == ["|"] * len(texts)
    assert "#" not in cells[: ends[-1]]  # nothing of what was there before shows through


def test_a_text_that_is_wider_than_reckoned_is_whole_where_there_is_room_behind_it() -> None:
    letters = "\u0926\u093e\u0928 \u0926\u093e\u0928"
    cells = painted([letters, "x"], {"\u093e": 1})
    assert "".join(cells).startswith(f"{letters}     |x")


@given(st.text(st.sampled_from("ab é日本한┄━●▌…\x1b[1;H"), max_size=20))
def test_what_all_terminals_measure_alike_goes_out_as_it_is(output: str) -> None:
    assert with_fixed_columns(output) == output


def test_what_follows_a_command_that_is_no_colour_has_no_known_column() -> None:
    clipboard = "\x1b[1;1H\x1b]52;c;दि\x07दि"
    assert with_fixed_columns(clipboard) == clipboard
