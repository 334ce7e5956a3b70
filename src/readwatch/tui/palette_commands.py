"""What the palette offers: what can be done in front of a screen, and readers who were found."""

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
from readwatch.tui.screens.saved_views import words_of
from readwatch.tui.terminal import themes


def keys_here(app: App[None], here: Group, keymap: Keymap) -> Iterator[PaletteCommand]:
    """Yield what the keys do in front of the screen, which is one of the group `here`."""
    for key in KEYS:
        target = app if key.group is Group.EVERYWHERE else app.screen
        _, name, parameters = parse(key.action)
        if key.group not in {here, Group.EVERYWHERE} or key.id == "palette":
            continue
        if target.check_action(name, parameters):
            words = f"{key.meaning} ({' '.join(pressed_for(key, keymap))})"
            act = partial(app.call_later, app.run_action, key.action, target)
            yield PaletteCommand(key.label, words, act)


def named_views(
    views: Iterable[SavedView], recall: Callable[[SavedView], object]
) -> Iterator[PaletteCommand]:
    """Yield the views that have a name."""
    for view in views:
        yield PaletteCommand(view.name, words_of(view), partial(recall, view))


def colours(choose: Callable[[str], object]) -> Iterator[PaletteCommand]:
    """Yield the themes."""
    for theme in themes.NAMES:
        yield PaletteCommand(f"Colours: {theme}", "keep these from now on", partial(choose, theme))


def readers_found(
    readers: Iterable[ReaderSummary],
    now: datetime,
    look_at: Callable[[tuple[int, ...], int], object],
) -> list[PaletteCommand]:
    """Return the readers who were found; `look_at` is told the ids of all, and the place of one."""
    readers = tuple(readers)
    ids = tuple(reader.user_id for reader in readers)
    return [
        PaletteCommand(
            reader.full_name,
            f"{reader.reading_level or 'no level'},"
            f" last login {how_long_ago(reader.last_login, now)}",
            partial(look_at, ids, place),
        )
        for place, reader in enumerate(readers)
    ]
