"""Light, dark or the terminal's own colours, as the consultant likes them."""

from pathlib import Path

import pytest
from conftest import Cast
from textual.color import Color
from tui.console_pilot import console_pilot

from readwatch.domain.clock import Clock
from readwatch.monitor.settings import ConsoleSettings
from readwatch.tui.app import Console
from readwatch.tui.terminal import themes
from readwatch.tui.widgets.live_table import LiveTable


def is_light(console: Console) -> bool:
    return Color.parse(console.theme_variables["background"]).brightness > 0.5


async def test_colours_chosen_in_the_palette_are_there_in_the_next_session(
    url: str, cast: Cast, clock: Clock, tmp_path: Path
) -> None:
    first, second, third = (
        Console(
            ConsoleSettings(url, preferences_folder=tmp_path, theme=theme),
            consultant=cast.cara,
            clock=clock,
        )
        for theme in (None, None, "terminal")
    )
    async with console_pilot(first) as cara:
        await cara.sees("● LIVE")
        assert not is_light(first)
        await cara.presses("ctrl+p")
        await cara.types("colours light")
        await cara.sees("Colours: light")
        await cara.presses("enter")
        await cara.until(lambda: is_light(first))
    async with console_pilot(second) as cara:
        await cara.sees("● LIVE")
        assert is_light(second)
    async with console_pilot(third) as cara:
        await cara.sees("● LIVE")
        assert third.theme == themes.textual_name("terminal")


@pytest.mark.parametrize("name", ["dark", "light"])
async def test_every_colour_of_a_text_can_be_read_on_every_ground(
    url: str, cast: Cast, clock: Clock, name: str
) -> None:
    console = Console(ConsoleSettings(url, theme=name), consultant=cast.cara, clock=clock)
    async with console_pilot(console) as cara:
        await cara.sees("● LIVE")
        variables, table = console.theme_variables, console.screen.query_one(LiveTable)
        pairs = [
            (key, Color.parse(variables[key]), Color.parse(variables[ground]))
            for key in ("text-success", "text-warning", "text-error", "text-accent", "foreground")
            for ground in ("surface", "panel")
        ]
        for part in LiveTable.COMPONENT_CLASSES:
            style = table.get_component_rich_style(part)
            ink, ground = map(Color.from_rich_color, (style.color, style.bgcolor))
            pairs.append((part, ink, ground))
    assert [(key, one, other) for key, one, other in pairs if contrast(one, other) < 4.5] == []


def contrast(one: Color, other: Color) -> float:
    """https://www.w3.org/TR/WCAG21/#dfn-contrast-ratio"""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: Color) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4
        for part in (value / 255 for value in colour.rgb)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(
    ("ground", "name"),
    [
        (None, "ansi-dark"),
        ("15;0", "ansi-dark"),
        ("0;15", "ansi-light"),
        ("0;default;7", "ansi-light"),
    ],
)
def test_the_terminals_own_colours_are_for_its_own_ground(ground: str | None, name: str) -> None:
    environment = {} if ground is None else {"COLORFGBG": ground}
    assert themes.textual_name("terminal", environment) == name
