"""A live table, as it is painted and as it answers to keys and mouse."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from time import monotonic

import pytest
from rich.cells import cell_len
from rich.style import Style
from textual import events
from textual.app import App, ComposeResult
from textual.message import Message
from textual.pilot import Pilot
from textual.strip import Strip

from readwatch.monitor.viewport import Viewport, row_order
from readwatch.tui.format.cells import SIGNS, Cell, Row, TonedText
from readwatch.tui.format.columns import Column
from readwatch.tui.widgets.intended_row import REACTION_SECONDS
from readwatch.tui.widgets.live_table import LiveTable

SMALL, LARGE = (80, 24), (160, 48)
TIMEOUT = 60.0
COLUMNS = (
    Column("name", "Reader", 12, flex=1),
    Column("title", "Reading", 12, flex=2),
    Column("minutes", "Minutes", 9, align="right"),
    Column("device", "Device", 8, from_width=120),
)
ANNA, BEN, CLARA, DAVID, EMIL = 1, 2, 3, 4, 5
GHOST = SIGNS["departed"]
NAMES = {ANNA: "Anna", BEN: "Ben", CLARA: "Clara", DAVID: "David", EMIL: "Emil"}


def reader(key: int, name: Cell = "", title: Cell = "Ulysses", minutes: str = "7") -> Row:
    return Row(key, (name or NAMES.get(key, f"Reader {key}"), title, minutes, "phone"))


def readers(keys: Iterable[int]) -> list[Row]:
    return [reader(key) for key in keys]


class CountingTable(LiveTable):
    """Counts the lines that are painted."""

    painted_lines: list[int]

    def render_line(self, y: int) -> Strip:
        self.painted_lines.append(y)
        return super().render_line(y)


class Console(App[None]):
    """An app with nothing but the table, which remembers what the table said."""

    def __init__(
        self,
        rows: Sequence[Row] = (),
        *,
        follow_top: bool = False,
        empty_text: str = "Nobody is reading.",
        opens: bool = True,
    ) -> None:
        super().__init__()
        self.rows = rows
        self.follow_top = follow_top
        self.empty_text = empty_text
        self.opens = opens
        self.said: list[Message] = []
        self.sights: list[Viewport] = []
        self.wanted: list[tuple[int, ...]] = []
        self.clicked: list[str] = []
        self.rang = False

    def compose(self) -> ComposeResult:
        table = CountingTable(
            COLUMNS,
            empty_text=self.empty_text,
            sorted_by=("minutes", True),
            follow_top=self.follow_top,
            opens=self.opens,
        )
        table.painted_lines = []
        table.show(self.rows)
        yield table

    def action_ring(self) -> None:
        self.rang = True

    def on_live_table_row_selected(self, message: LiveTable.RowSelected) -> None:
        self.said.append(message)

    def on_live_table_row_highlighted(self, message: LiveTable.RowHighlighted) -> None:
        self.said.append(message)

    def on_live_table_viewport_changed(self, message: LiveTable.ViewportChanged) -> None:
        self.sights.append(message.viewport)
        if message.missing_keys:
            self.wanted.append(message.missing_keys)

    def on_live_table_header_selected(self, message: LiveTable.HeaderSelected) -> None:
        self.clicked.append(message.column)

    @property
    def table(self) -> CountingTable:
        return self.query_one(CountingTable)

    @property
    def opened(self) -> list[int]:
        return [message.key for message in self.said if isinstance(message, LiveTable.RowSelected)]

    @property
    def moved_to(self) -> list[int | None]:
        return [
            message.key for message in self.said if isinstance(message, LiveTable.RowHighlighted)
        ]

    def strips(self) -> list[Strip]:
        return self.screen._compositor.render_strips()

    def lines(self) -> list[str]:
        return [strip.text.rstrip() for strip in self.strips()]

    def line_of(self, text: str) -> int:
        return next(y for y, line in enumerate(self.lines()) if text in line)

    def style_of(self, text: str) -> Style:
        segments = (segment for strip in self.strips() for segment in strip)
        return next(segment.style or Style() for segment in segments if text in segment.text)

    @asynccontextmanager
    async def running(self, size: tuple[int, int] = SMALL) -> AsyncIterator[Pilot[None]]:
        async with self.run_test(size=size, notifications=True, tooltips=True):
            patient = PatientPilot(self)
            await patient.pause()
            yield patient


class PatientPilot(Pilot[None]):
    """Waits until every message is handled, however busy the machine is.

    Textual's own takes a process that gets no processor time for one that has nothing to do.
    """

    async def pause(self, delay: float | None = None) -> None:
        await self._is_quiet()
        self.app.screen._on_timer_update()
        await self._is_quiet()

    async def press(self, *keys: str) -> None:
        await super().press(*keys)
        await self.pause()

    async def resize_terminal(self, width: int, height: int) -> None:
        """Resize it, and wait until the table has the new size: Textual defers that twice."""
        await super().resize_terminal(width, height)
        deadline = monotonic() + TIMEOUT
        while self.app.query_one(LiveTable).size != (width, height):
            assert monotonic() < deadline, "the table keeps its size"
            await self.pause(0.01)
        await self.pause()

    async def _is_quiet(self) -> None:
        quiet_rounds = 0
        while quiet_rounds < 3:
            await self._wait_for_screen()
            nodes = (self.app, *self.app.screen.walk_children(with_self=True))
            is_quiet = all(node._message_queue.empty() for node in nodes)
            quiet_rounds = quiet_rounds + 1 if is_quiet else 0


async def turn_wheel(pilot: Pilot[None], way: type[events.MouseEvent]) -> None:
    await pilot._post_mouse_events([way], LiveTable, (5, 5))
    await pilot.pause()


# The cursor is a reader, not a place.


async def test_the_cursor_starts_on_the_first_row() -> None:
    console = Console(readers([ANNA, BEN]))
    async with console.running():
        assert console.lines()[1].startswith("▌ Anna")
        assert console.table.cursor_key == ANNA
        assert console.moved_to == [ANNA]


async def test_the_cursor_stays_on_its_reader_when_the_rows_are_sorted_anew() -> None:
    console = Console(readers([ANNA, BEN, CLARA, DAVID]))
    async with console.running() as pilot:
        await pilot.press("down")
        console.table.show(readers([DAVID, CLARA, ANNA, BEN]))
        await pilot.pause()
        assert console.lines()[4].startswith("▌ Ben")
        assert console.table.cursor_key == BEN


@pytest.mark.parametrize("size", [SMALL, LARGE])
@pytest.mark.parametrize(
    "later",
    [
        pytest.param([*range(900, 905), *range(1000)], id="five readers come above"),
        pytest.param([*range(30, 1000)], id="thirty readers above go"),
        pytest.param([*range(500, 1000), *range(500)], id="the halves change places"),
        pytest.param([*range(999, -1, -1)], id="the order is reversed"),
    ],
)
async def test_the_cursor_stays_on_its_line_of_the_screen(
    size: tuple[int, int], later: list[int]
) -> None:
    console = Console(readers(range(1000)))
    async with console.running(size) as pilot:
        console.table.move_to(400)
        await pilot.press("up", "up", "up")
        line = console.line_of("▌")
        console.table.show(readers(dict.fromkeys(later)))
        await pilot.pause()
        assert console.lines()[line].startswith("▌ Reader 397 ")


async def test_rows_that_come_above_do_not_move_what_is_read_without_the_cursor() -> None:
    console = Console(readers(range(100)))
    async with console.running() as pilot:
        console.table.scroll_to(y=50, animate=False)
        await pilot.pause()
        before = console.lines()
        later = [*range(200, 207), *range(65), *range(66, 100), 65]
        console.table.show(readers(later))
        await pilot.pause()
        moved = [y for y, line in enumerate(console.lines()) if line[:70] != before[y][:70]]
        assert moved == list(range(16, 24))  # below the place of the one that went away


async def test_the_cursor_stays_in_view_when_the_terminal_gets_smaller() -> None:
    console = Console(readers(range(100)))
    async with console.running(LARGE) as pilot:
        await pilot.press("pagedown")
        await pilot.resize_terminal(*SMALL)
        await pilot.pause()
        assert console.lines()[console.line_of("▌")].startswith("▌ Reader 46 ")


async def test_a_table_that_was_hidden_shows_the_cursor_when_it_appears() -> None:
    console = Console(readers(range(100)))
    async with console.running() as pilot:
        console.table.display = False
        await pilot.pause()
        console.table.show(readers(range(200)))
        console.table.move_to(150)
        console.table.display = True
        await pilot.pause()
        assert console.lines()[23].startswith("▌ Reader 150 ")


async def test_the_wheel_works_at_once_when_the_list_has_become_shorter() -> None:
    console = Console(readers(range(500)))
    async with console.running() as pilot:
        await pilot.press("end")
        console.table.show(readers(range(450, 500)))
        await pilot.pause()
        top = console.table.scroll_offset.y
        await turn_wheel(pilot, events.MouseScrollUp)
        assert console.table.scroll_offset.y < top


# A reader who is gone.


async def test_a_reader_who_goes_under_the_cursor_stays_as_a_departed_row_in_place() -> None:
    console = Console(readers([ANNA, BEN, CLARA]))
    async with console.running() as pilot:
        await pilot.press("down")
        console.table.show(readers([ANNA, CLARA]))
        await pilot.pause()
        assert [line[:8].strip() for line in console.lines()[1:4]] == [
            "Anna",
            f"{GHOST} Ben",
            "Clara",
        ]
        assert console.table.cursor_row_departed
        assert console.table.cursor_key == BEN


@pytest.mark.parametrize(
    ("key", "next_reader"), [("down", CLARA), ("up", ANNA), ("end", DAVID), ("home", ANNA)]
)
async def test_a_departed_row_is_gone_when_the_cursor_leaves_it(key: str, next_reader: int) -> None:
    console = Console(readers([ANNA, BEN, CLARA, DAVID]))
    async with console.running() as pilot:
        await pilot.press("down")
        console.table.show(readers([ANNA, CLARA, DAVID]))
        await pilot.press(key)
        assert console.table.cursor_key == next_reader
        assert "Ben" not in "".join(console.lines())


async def test_a_departed_row_who_comes_back_is_a_row_again() -> None:
    console = Console(readers([ANNA, BEN, CLARA]))
    async with console.running() as pilot:
        await pilot.press("down")
        console.table.show(readers([ANNA, CLARA]))
        console.table.show(readers([CLARA, BEN, ANNA]))
        await pilot.pause()
        assert console.lines()[2].startswith("▌ Ben")
        assert not console.table.cursor_row_departed


async def test_a_departed_row_can_be_opened() -> None:
    console = Console(readers([ANNA, BEN]))
    async with console.running() as pilot:
        console.table.show(readers([BEN]))
        await pilot.press("enter")
        assert console.opened == [ANNA]


async def test_the_last_departed_row_leaves_an_empty_table() -> None:
    console = Console(readers([ANNA]))
    async with console.running() as pilot:
        console.table.show([])
        await pilot.pause()
        assert console.lines()[1].startswith(f"{GHOST} Anna")
        await pilot.press("down")
        assert "Nobody is reading." in "".join(console.lines())
        assert console.table.cursor_key is None


# A stream: the newest on top.


async def test_at_the_top_of_a_stream_the_cursor_follows_the_newest() -> None:
    console = Console(readers([2, 1]), follow_top=True)
    async with console.running() as pilot:
        console.table.show(readers([4, 3, 2, 1]))
        await pilot.pause()
        assert console.table.cursor_key == 4
        assert console.lines()[1].startswith("▌ David")


@pytest.mark.parametrize("keys", [["down"], ["down", "down", "up"]])
async def test_in_a_stream_the_cursor_keeps_the_place_it_was_moved_to(keys: list[str]) -> None:
    console = Console(readers(range(50, 0, -1)), follow_top=True)
    async with console.running() as pilot:
        await pilot.press(*keys)
        console.table.show(readers(range(60, 0, -1)))
        await pilot.pause()
        assert console.table.cursor_key == 49
        assert console.lines()[2].startswith("▌ Reader 49 ")


async def test_home_goes_back_to_following_the_newest() -> None:
    console = Console(readers(range(50, 0, -1)), follow_top=True)
    async with console.running() as pilot:
        await pilot.press("pagedown", "home")
        console.table.show(readers(range(60, 0, -1)))
        await pilot.pause()
        assert console.lines()[1].startswith("▌ Reader 60 ")


async def test_a_list_can_become_a_stream_when_it_is_sorted_anew() -> None:
    console = Console(readers(range(50)))
    async with console.running() as pilot:
        await pilot.press("end")
        console.table.follow_top = True
        console.table.move_to(None)
        console.table.show(readers(range(60, 0, -1)))
        await pilot.pause()
        assert console.lines()[1].startswith("▌ Reader 60 ")


async def test_a_click_on_the_newest_holds_it() -> None:
    console = Console(readers([2, 1]), follow_top=True)
    async with console.running() as pilot:
        await pilot.click(LiveTable, offset=(5, 1))
        console.table.show(readers([3, 2, 1]))
        await pilot.pause()
        assert console.table.cursor_key == 2
        assert console.opened == []


# Opening.


async def test_enter_opens_the_reader_under_the_cursor() -> None:
    console = Console(readers([ANNA, BEN, CLARA]))
    async with console.running() as pilot:
        await pilot.press("j", "j", "k", "enter")
        assert console.opened == [BEN]


async def test_enter_opens_who_was_painted_when_the_key_was_pressed() -> None:
    console = Console(readers([ANNA]), follow_top=True)
    async with console.running() as pilot:
        console.lines()
        pressed = events.Key("enter", "\r")
        console.table.show(readers([BEN, ANNA]))
        console.lines()
        console.post_message(pressed)
        await pilot.pause()
        assert console.opened == [ANNA]
        assert console.table.cursor_key == ANNA


async def test_enter_opens_the_newest_when_there_was_time_to_see_it() -> None:
    console = Console(readers([ANNA]), follow_top=True)
    async with console.running() as pilot:
        console.table.show(readers([BEN, ANNA]))
        console.lines()
        pressed = events.Key("enter", "\r")
        pressed.time += 2 * REACTION_SECONDS
        console.post_message(pressed)
        await pilot.pause()
        assert console.opened == [BEN]


async def test_enter_on_a_cursor_out_of_view_shows_it_and_opens_nobody() -> None:
    console = Console(readers(range(100)))
    async with console.running() as pilot:
        console.table.scroll_to(y=70, animate=False)
        await pilot.press("enter")
        assert console.opened == []
        assert console.lines()[1].startswith("▌ Reader 0 ")
        await pilot.press("enter")
        assert console.opened == [0]


async def test_a_table_with_nothing_behind_its_rows_opens_none() -> None:
    console = Console(readers([ANNA]), opens=False)
    async with console.running() as pilot:
        await pilot.press("enter")
        await pilot.click(LiveTable, offset=(5, 1), times=2)
        assert console.opened == []
        assert all(key.binding.action != "open" for key in console.active_bindings.values())


async def test_enter_in_an_empty_table_does_nothing() -> None:
    console = Console()
    async with console.running() as pilot:
        await pilot.press("enter", "down", "pagedown", "end", "home", "up")
        assert console.said == []


# Keys and mouse.


@pytest.mark.parametrize(
    ("keys", "key"),
    [
        (["G"], 99),
        (["G", "g"], 0),
        (["end", "up"], 98),
        (["up"], 0),
        (["pagedown"], 22),
        (["pagedown", "pagedown", "pageup"], 22),
        (["pagedown"] * 9, 99),
    ],
)
async def test_keys_move_the_cursor_and_it_is_always_in_view(keys: list[str], key: int) -> None:
    console = Console(readers(range(100)))
    async with console.running() as pilot:
        await pilot.press(*keys)
        assert console.table.cursor_key == key
        assert console.lines()[console.line_of("▌")].startswith(
            f"▌ {NAMES.get(key, f'Reader {key}')} "
        )


async def test_a_page_moves_the_view_and_leaves_the_cursor_on_its_line() -> None:
    console = Console(readers(range(100)))
    async with console.running() as pilot:
        await pilot.press("down", "down", "pagedown")
        assert console.lines()[3].startswith("▌ Reader 24 ")


async def test_a_click_moves_the_cursor_and_a_second_one_opens() -> None:
    console = Console(readers([ANNA, BEN, CLARA]))
    async with console.running() as pilot:
        await pilot.click(LiveTable, offset=(5, 3))
        assert (console.table.cursor_key, console.opened) == (CLARA, [])
        await pilot.click(LiveTable, offset=(5, 3))
        assert console.opened == [CLARA]


async def test_a_double_click_opens_once() -> None:
    console = Console(readers([ANNA, BEN, CLARA]))
    async with console.running() as pilot:
        await pilot.click(LiveTable, offset=(5, 2), times=2)
        assert console.opened == [BEN]


async def test_a_click_beside_the_rows_does_nothing() -> None:
    console = Console(readers([ANNA, BEN]))
    async with console.running() as pilot:
        await pilot.click(LiveTable, offset=(5, 0))
        await pilot.click(LiveTable, offset=(5, 9))
        await pilot.click(LiveTable, offset=(5, 2), button=3)
        assert (console.table.cursor_key, console.opened) == (ANNA, [])


async def test_the_wheel_moves_the_view_and_not_the_cursor() -> None:
    console = Console(readers(range(100)))
    async with console.running() as pilot:
        await turn_wheel(pilot, events.MouseScrollDown)
        await pilot.pause()
        assert console.lines()[1].startswith("  Ben")
        assert console.lines()[0].startswith("  Reader  ")
        assert console.table.cursor_key == 0


async def test_the_cursor_can_be_put_on_a_reader() -> None:
    console = Console(readers(range(100)))
    async with console.running() as pilot:
        assert console.table.move_to(77)
        assert not console.table.move_to(1000)
        await pilot.pause()
        assert console.lines()[console.line_of("▌")].startswith("▌ Reader 77 ")
        assert console.moved_to == [0, 77]
        assert console.table.move_to(None)
        assert console.table.cursor_key == 0


# The rows that are known.


def shows_part(console: Console, order: Iterable[int], known: Iterable[int]) -> None:
    console.table.show(readers(known), row_order(order))


async def test_a_row_that_is_not_known_yet_has_its_place_and_is_asked_for_once() -> None:
    console = Console()
    async with console.running() as pilot:
        shows_part(console, range(1000), range(46))
        await pilot.press("end")
        assert console.lines()[23].startswith("▌ …")
        assert [key for wanted in console.wanted for key in wanted] == list(range(954, 1000))
        await pilot.press("enter", "up")
        assert console.opened == []
        assert len(console.wanted) == 1
        console.table.add_rows(readers(range(954, 1000)))
        await pilot.pause()
        assert console.lines()[22].startswith("▌ Reader 998 ")
        assert "…" not in "".join(console.lines())


async def test_rows_are_asked_for_before_they_come_into_view() -> None:
    console = Console()
    async with console.running() as pilot:
        shows_part(console, range(1000), range(46))
        await pilot.press("pagedown")
        assert "…" not in "".join(console.lines())
        [wanted] = console.wanted
        assert wanted == tuple(range(46, 68))


async def test_a_snapshot_without_rows_in_view_keeps_those_that_were_there() -> None:
    console = Console()
    async with console.running() as pilot:
        shows_part(console, range(1000), range(46))
        await pilot.press("pagedown")
        shows_part(console, range(1000), range(10))
        await pilot.pause()
        assert console.lines()[2].startswith("▌ Reader 22 ") or "Reader 22 " in console.lines()[1]
        assert "…" not in "".join(console.lines())


async def test_the_departed_row_of_a_row_keeps_its_words() -> None:
    console = Console()
    async with console.running() as pilot:
        shows_part(console, range(100), range(46))
        await pilot.press("down", "down")
        shows_part(console, (key for key in range(100) if key != CLARA - 1), [0])
        await pilot.pause()
        assert console.lines()[3].startswith(f"{GHOST} Ben ")


async def test_a_changed_viewport_is_posted() -> None:
    console = Console()
    async with console.running() as pilot:
        shows_part(console, range(100), range(100))
        await pilot.press("pagedown")
        assert console.sights[-1] == Viewport(23, 22, tuple(range(22, 45)), 22, follows=False)
        count = len(console.sights)
        shows_part(console, range(100), range(100))
        await pilot.pause()
        assert len(console.sights) == count


async def test_a_click_on_a_title_tells_its_column() -> None:
    console = Console(readers([ANNA]))
    async with console.running() as pilot:
        await pilot.click(LiveTable, offset=(console.lines()[0].index("Reading"), 0))
        assert console.clicked == ["title"]
        assert console.opened == []


# What a line looks like.


@pytest.mark.parametrize("text", ["[/]", "[@click=app.ring]x[/]", "[b]bold", "\\[", "[red"])
async def test_markup_is_shown_as_it_is_and_does_nothing(text: str) -> None:
    console = Console([reader(ANNA, text, TonedText(text, "warn"))], empty_text=text)
    async with console.running() as pilot:
        assert console.lines()[1].count(text) == 2
        await pilot.click(
            LiveTable, offset=(console.lines()[1].index("x") if "x" in text else 3, 1)
        )
        assert not console.rang
        console.table.show([])
        await pilot.press("down")
        assert text in "".join(console.lines())


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_no_text_moves_the_columns_behind_it(size: tuple[int, int]) -> None:
    texts = [
        "Anna",
        "山田太郎" * 9,
        "e\u0301" * 60,
        "👩\u200d👩\u200d👧 👍🏽 🇩🇪",
        "a\tb\nc",
        "عمر",
        "z" * 99,
    ]
    console = Console([reader(key, text, text, "|7|") for key, text in enumerate(texts)])
    async with console.running(size):
        lines = console.lines()[1 : len(texts) + 1]
        assert len({cell_len(line[: line.index("|7|")]) for line in lines}) == 1


async def test_the_theme_decides_the_colour_of_a_tone() -> None:
    console = Console([reader(ANNA), reader(BEN, title=TonedText("stuck", "bad"))])
    async with console.running() as pilot:
        dark = console.style_of("stuck")
        assert dark != console.style_of("Ben")
        console.theme = "textual-light"
        await pilot.pause()
        assert console.style_of("stuck") not in (dark, console.style_of("Ben"))


async def test_a_small_terminal_drops_the_less_important_columns() -> None:
    console = Console(readers([ANNA]))
    async with console.running(SMALL) as pilot:
        assert "Device" not in console.lines()[0]
        assert "phone" not in console.lines()[1]
        await pilot.resize_terminal(*LARGE)
        await pilot.pause()
        assert "Device" in console.lines()[0]
        assert "phone" in console.lines()[1]


async def test_the_heading_says_how_the_rows_are_sorted() -> None:
    console = Console(readers([ANNA]))
    async with console.running() as pilot:
        assert "Minutes ▼" in console.lines()[0]
        console.table.sorted_by = ("name", False)
        await pilot.pause()
        assert console.lines()[0].startswith("  Reader ▲  ")
        assert "▼" not in console.lines()[0]


async def test_a_table_without_rows_says_so_in_its_middle() -> None:
    console = Console()
    async with console.running() as pilot:
        assert console.lines()[12].strip() == "Nobody is reading."
        assert console.lines()[12].index("N") == 31
        console.table.empty_text = "No reader matches."
        await pilot.pause()
        assert console.lines()[12].strip() == "No reader matches."


async def test_without_colour_the_cursor_and_the_focus_are_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    console = Console(readers([ANNA, BEN]))
    async with console.running() as pilot:
        assert console.lines()[1].startswith("▌ Anna")
        assert console.style_of("Anna").reverse
        console.screen.set_focus(None)
        await pilot.pause()
        assert console.lines()[1].startswith("▌ Anna")
        assert not console.style_of("Anna").reverse


async def test_a_focused_table_looks_different() -> None:
    console = Console(readers([ANNA]))
    async with console.running() as pilot:
        focused = console.style_of("Anna")
        console.screen.set_focus(None)
        await pilot.pause()
        assert console.style_of("Anna") != focused


# What it costs.


async def test_only_lines_that_changed_are_painted() -> None:
    console = Console(readers(range(100)))
    async with console.running() as pilot:
        rows = readers(range(100))
        rows[3], rows[7], rows[90] = (reader(key, minutes="8") for key in (3, 7, 90))
        console.table.painted_lines.clear()
        console.table.show(rows)
        await pilot.pause()
        assert sorted(set(console.table.painted_lines)) == [4, 8]


async def test_the_same_rows_once_more_paint_nothing() -> None:
    console = Console(readers(range(100)))
    async with console.running() as pilot:
        console.table.painted_lines.clear()
        console.table.show(readers(range(100)))
        await pilot.pause()
        assert console.table.painted_lines == []


async def test_rows_that_come_above_the_view_paint_nothing() -> None:
    console = Console(readers(range(100)))
    async with console.running() as pilot:
        await pilot.press("pagedown", "pagedown")
        console.table.painted_lines.clear()
        console.table.show(readers([*range(200, 210), *range(100)]))
        await pilot.pause()
        assert console.table.painted_lines == []


async def test_a_step_of_the_cursor_paints_two_lines() -> None:
    console = Console(readers(range(100)))
    async with console.running() as pilot:
        console.table.painted_lines.clear()
        await pilot.press("down")
        assert sorted(set(console.table.painted_lines)) == [1, 2]
