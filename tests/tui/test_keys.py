"""Keys of one's own, from the settings."""

import pytest
from reading_app import ReadingApp
from tui.console_pilot import OpenConsole

from readwatch.domain.errors import ReadwatchError
from readwatch.tui.keys import checked
from readwatch.tui.widgets.header import Header


async def test_other_keys_work_and_are_named_in_header_footer_and_help(
    sit: OpenConsole, ann: ReadingApp
) -> None:
    ann.reads("Dracula")
    keys = {"readers": "r,f3", "freeze": "ctrl+f", "down": "up", "up": "down", "filter": "$"}
    async with sit(keys=keys) as seat:
        await seat.sees("r Readers", "^f Freeze", "$ Filter", "Ann")
        await seat.presses("ctrl+f")
        await seat.sees("● FROZEN")
        await seat.presses("p", "3", "ctrl+f")
        await seat.sees("● LIVE", "30 min")
        await seat.presses("r")
        await seat.sees("Last login", "Ben")
        first = seat.cursor
        await seat.presses("up")
        await seat.until(lambda: seat.cursor != first)
        await seat.presses("?")
        await seat.sees("r f3 ", "ctrl+f ", "escape closes")


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ({"fliter": "f"}, "'fliter' is nothing that a key does; there are online, activity, "),
        ({"filter": "ff"}, "filter cannot have the key 'ff'; try x, f5 or ctrl+x"),
        ({"filter": ""}, "filter cannot have the key ''"),
        ({"filter": "hyper+x"}, "filter cannot have the key 'hyper+x'"),
        ({"filter": "\x1b"}, "filter cannot have the key"),
        ({"palette": "ctrl+o,t"}, "palette cannot have the key 't', which is typed; try f5"),
        ({"palette": "slash"}, "palette cannot have the key 'slash', which is typed"),
        ({"filter": "?"}, "? would do two things, help and filter"),
        ({"sort": "question_mark"}, "? would do two things, help and sort"),
        ({"sort": "f,j"}, "j would do two things, sort and down"),
        ({"sort": "f9", "turn": "f9"}, "f9 would do two things, sort and turn"),
    ],
)
def test_what_cannot_be_a_key_or_would_do_two_things_is_refused(
    keys: dict[str, str], complaint: str
) -> None:
    with pytest.raises(ReadwatchError) as refused:
        checked(keys)
    assert refused.value.message.startswith("[keys] in the settings: ")
    assert complaint in refused.value.message


def test_keys_can_change_places_and_what_works_elsewhere_is_free() -> None:
    for keys in ({"sort": "S", "turn": "s"}, {"sort": "{"}, {"unfold": "enter"}, {"back": "alt+b"}):
        assert checked(keys) == keys


async def test_a_click_on_the_name_of_a_view_goes_there_also_from_a_readers_page(
    sit: OpenConsole, ann: ReadingApp
) -> None:
    ann.reads("Dracula")
    async with sit() as seat:
        await seat.sees("Ann")
        for name, title in ("Readers", "Last login"), ("Online", "30 min"), ("Activity", "Time ▼"):
            await seat.presses("enter")
            await seat.sees("of reading")
            await seat.pilot.click(Header, offset=(seat.lines[0].index(name), 0))
            await seat.sees(title, "● LIVE", "Ann")
        await seat.pilot.click(Header, offset=(2, 0))
        await seat.sees("Time ▼")
