"""The preferences that the console stores in a small file for each consultant and database."""

import json
from collections.abc import Iterable
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any, Final

from readwatch.domain.attention import Rule
from readwatch.domain.files import atomic_text_file, make_private_folders
from readwatch.store.engine.fingerprint import url_fingerprint
from readwatch.tui.saved_views import SavedView, saved_view_from_json

_SEEN: Final = "seen"  # {the day: [the readers]}
_MUTED: Final = "muted"  # {the day: [the rules]}
_THEME: Final = "theme"
_VIEWS: Final = "views"
_START_VIEW: Final = "first"  # the name of the view to start with


class Preferences:
    """The preferences of a consultant; each change writes the whole file at once.

    Without a file, or if it cannot be read or written, changes last until the console ends.
    `last_error` is a sentence for the consultant about the failure.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._stored: dict[str, Any] = {}
        self.last_error = ""
        self._read()

    def seen_on(self, day: date) -> frozenset[int]:
        """Return the readers who are marked as seen on a day."""
        return frozenset(self._stored.get(_SEEN, {}).get(day.isoformat(), ()))

    def toggle_seen(self, reader_id: int, day: date) -> frozenset[int]:
        """Mark a reader as seen on a day, or remove the mark; return all marked readers.

        The marks of other days are deleted.
        """
        self._read()  # another console of the same consultant may have marked readers
        seen = self.seen_on(day) ^ {reader_id}
        self._stored[_SEEN] = {day.isoformat(): sorted(seen)}
        self._write()
        return seen

    def muted_on(self, day: date) -> frozenset[Rule]:
        """Return the rules of Attention that are muted on a day."""
        stored = self._stored.get(_MUTED, {}).get(day.isoformat(), ())
        return frozenset(rule for rule in Rule if rule in stored)

    def set_muted(self, rules: Iterable[Rule], day: date, *, is_muted: bool) -> None:
        """Mute rules on a day, or take that back."""
        self._read()  # another console of the same consultant may have muted rules
        muted = self.muted_on(day).difference(rules)
        self._stored[_MUTED] = {day.isoformat(): sorted(muted.union(rules) if is_muted else muted)}
        self._write()

    @property
    def theme(self) -> str:
        """The name of the theme that was chosen last, or empty text."""
        return str(self._stored.get(_THEME, ""))

    def save_theme(self, name: str) -> None:
        """Save the name of a theme."""
        self._read()
        self._stored[_THEME] = name
        self._write()

    @property
    def views(self) -> tuple[SavedView, ...]:
        """The saved views, sorted by name."""
        views = map(saved_view_from_json, self._stored.get(_VIEWS, ()))
        return tuple(sorted(views, key=lambda view: view.name.casefold()))

    @property
    def start_view(self) -> SavedView | None:
        """The view with which the console starts; None is the default."""
        first = self._stored.get(_START_VIEW)
        return next((view for view in self.views if view.name == first), None)

    def save_view(self, view: SavedView) -> None:
        """Save a view; it replaces a view of the same name."""
        self._read()
        self._save_views(*self._views_except(view.name), view)

    def delete_view(self, name: str) -> None:
        """Delete a view."""
        self._read()
        self._save_views(*self._views_except(name))

    def toggle_start_view(self, name: str) -> None:
        """Make a view the start view, or unset the start view."""
        self._read()
        self._stored[_START_VIEW] = "" if self._stored.get(_START_VIEW) == name else name
        self._write()

    def _views_except(self, name: str) -> list[SavedView]:
        return [view for view in self.views if view.name != name]

    def _save_views(self, *views: SavedView) -> None:
        self._stored[_VIEWS] = [view.to_json() for view in views]
        self._write()

    def _read(self) -> None:
        if self._file is None:
            return
        try:
            self._stored = _checked(json.loads(self._file.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return
        except OSError as error:
            self._file = None  # its content is not overwritten
            self.last_error = (
                f"saved settings cannot be read: {error.strerror}; changes are lost when you quit"
            )
        except (ValueError, RecursionError):
            broken_file = self._file.with_suffix(".broken")
            with suppress(OSError):
                self._file.replace(broken_file)
            self.last_error = f"saved settings were unreadable and were moved to {broken_file.name}"

    def _write(self) -> None:
        if self._file is None:
            return
        try:
            make_private_folders(self._file.parent)
            with atomic_text_file(self._file, replace=True) as text:
                json.dump(self._stored, text)
        except OSError as error:
            self.last_error = f"changes are lost when you quit: {error.strerror}"


def preferences_file(folder: Path, database_url: str, consultant_id: int) -> Path:
    """Return the file for a consultant and a database; its name reveals neither."""
    return folder / f"preferences-{url_fingerprint(database_url, consultant_id)}.json"


def _checked(stored: Any) -> dict[str, Any]:
    """Return the stored preferences; ValueError if their shape is wrong."""
    if not isinstance(stored, dict) or not isinstance(seen := stored.get(_SEEN, {}), dict):
        raise ValueError(_SEEN)
    if not isinstance(muted := stored.get(_MUTED, {}), dict):
        raise ValueError(_MUTED)
    for rules in muted.values():
        if not isinstance(rules, list):
            raise ValueError(_MUTED)
    for name in (_THEME, _START_VIEW):
        if not isinstance(stored.get(name, ""), str):
            raise ValueError(name)
    if not isinstance(views := stored.get(_VIEWS, []), list):
        raise ValueError(_VIEWS)
    for view in views:
        saved_view_from_json(view)
    for readers in seen.values():
        if not isinstance(readers, list) or not all(type(id) is int for id in readers):
            raise ValueError(_SEEN)
    return stored
