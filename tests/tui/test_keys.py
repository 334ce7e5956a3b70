"""Keys of one's own, from the settings."""

import pytest
from reading_app import ReadingApp
from tui.console_pilot import OpenConsole

from readwatch.domain.errors import ReadwatchError
from readwatch.tui.keys import checked_keymap
from readwatch.tui.widgets.header import Header


async def test_other_keys_work_and_are_named_in_header_footer_and_help(
    open_console: OpenConsole, ann: ReadingApp
) -> None:
    ann.reads("Dracula")
    keys = {"readers": "w,f3", "freeze": "ctrl+f", "down": "up", "up": "down", "filter": "$"}
    async with open_console(keys=keys) as pilot:
        await pilot.sees("w Readers", "^f Freeze", "$ Filter", "Ann")
        await pilot.presses("ctrl+f")
        await pilot.sees("● FROZEN")
        await pilot.presses("p", "3", "ctrl+f")
        await pilot.sees("● LIVE", "30 min")
        await pilot.presses("w")
        await pilot.sees("Last login", "Ben")
        first = pilot.cursor
        await pilot.presses("up")
        await pilot.until(lambda: pilot.cursor != first)
        await pilot.presses("?")
        await pilot.sees("w f3 ", "ctrl+f ", "escape closes")


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ({"fliter": "f"}, "unknown action 'fliter'; known actions: online, activity, "),
        ({"filter": "ff"}, "filter: unknown key 'ff'; use for example x, f5 or ctrl+x"),
        ({"filter": ""}, "filter: unknown key ''"),
        ({"filter": "hyper+x"}, "filter: unknown key 'hyper+x'"),
        ({"filter": "\x1b"}, "filter: unknown key"),
        ({"palette": "ctrl+o,t"}, "palette: 't' is needed for typing; use for example f5"),
        ({"palette": "slash"}, "palette: 'slash' is needed for typing"),
        ({"filter": "?"}, "? is assigned twice: to help and filter"),
        ({"sort": "question_mark"}, "? is assigned twice: to help and sort"),
        ({"sort": "f,j"}, "j is assigned twice: to sort and down"),
        ({"sort": "f9", "reverse": "f9"}, "f9 is assigned twice: to sort and reverse"),
    ],
)
def test_what_cannot_be_a_key_or_would_do_two_things_is_refused(
    keys: dict[str, str], complaint: str
) -> None:
    with pytest.raises(ReadwatchError) as refused:
        checked_keymap(keys)
    assert refused.value.message.startswith("[keys] in the settings: ")
    assert complaint in refused.value.message


def test_keys_can_change_places_and_what_works_elsewhere_is_free() -> None:
    for keys in (
        {"sort": "S", "reverse": "s"},
        {"sort": "{"},
        {"detail": "enter"},
        {"back": "alt+b"},
    ):
        assert checked_keymap(keys) == keys


async def test_a_click_on_the_name_of_a_view_goes_there_also_from_a_readers_page(
    open_console: OpenConsole, ann: ReadingApp
) -> None:
    ann.reads("Dracula")
    async with open_console(size=(120, 24)) as pilot:
        await pilot.sees("Ann")
        for name, title in ("Readers", "Last login"), ("Online", "30 min"), ("Activity", "Time ▼"):
            await pilot.presses("enter")
            await pilot.sees("of reading")
            await pilot.textual.click(Header, offset=(pilot.lines[0].index(name), 0))
            await pilot.sees(title, "● LIVE", "Ann")
        await pilot.textual.click(Header, offset=(2, 0))
        await pilot.sees("Time ▼")
