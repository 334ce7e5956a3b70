"""The commands of the palette: actions of a screen, saved views, themes and readers."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import partial

from textual.actions import parse
from textual.app import App

from readwatch.store.lists.readers import ReaderSummary
from readwatch.tui.format.text import how_long_ago
from readwatch.tui.keys import KEYS, Group, Keymap, pressed_for
from readwatch.tui.saved_views import SavedView
from readwatch.tui.screens.palette import PaletteCommand
from readwatch.tui.screens.saved_views import description_of
from readwatch.tui.terminal import themes

_OF_APP = {Group.VIEWS, Group.EVERYWHERE}


def key_commands(app: App[None], group: Group, keymap: Keymap) -> Iterator[PaletteCommand]:
    """Yield the actions of the keys that work on a screen of the group."""
    in_lists = (Group.PAST, Group.PAIR) if group is Group.LISTS else ()
    in_reading = (Group.CASES,) if group is not Group.COMPARISON else ()
    groups = {group, *in_lists, *in_reading, Group.HISTORY, *_OF_APP}
    for key in KEYS:
        target = app if key.group in _OF_APP else app.screen
        _, name, parameters = parse(key.action)
        if key.group not in groups or key.id == "palette":
            continue
        if target.check_action(name, parameters):
            text = f"{key.meaning} ({' '.join(pressed_for(key, keymap))})"
            act = partial(app.call_later, app.run_action, key.action, target)
            yield PaletteCommand(key.label, text, act)


def saved_view_commands(
    views: Iterable[SavedView], recall: Callable[[SavedView], object]
) -> Iterator[PaletteCommand]:
    """Yield one command for each saved view."""
    for view in views:
        yield PaletteCommand(view.name, description_of(view), partial(recall, view))


def theme_commands(choose: Callable[[str], object]) -> Iterator[PaletteCommand]:
    """Yield one command for each theme."""
    for theme in themes.NAMES:
        yield PaletteCommand(f"Colours: {theme}", "use and save this theme", partial(choose, theme))


def reader_commands(
    readers: Iterable[ReaderSummary],
    now: datetime,
    open_reader: Callable[[tuple[int, ...], int], object],
) -> list[PaletteCommand]:
    """Return one command for each reader; it calls `open_reader` with all ids and an index."""
    readers = tuple(readers)
    ids = tuple(reader.user_id for reader in readers)
    return [
        PaletteCommand(
            reader.full_name,
            f"{reader.reading_level or 'no level'},"
            f" last login {how_long_ago(reader.last_login, now)}",
            partial(open_reader, ids, index),
        )
        for index, reader in enumerate(readers)
    ]
