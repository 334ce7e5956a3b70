"""What a console keeps between sittings: a small file of one consultant and one database."""

import json
from contextlib import suppress
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from readwatch.domain.files import atomic_text_file
from readwatch.store.engine.sqlite import sqlite_path
from readwatch.tui.saved_views import SavedView, saved_view

_SEEN: Final = "seen"  # {the day: [the readers]}
_THEME: Final = "theme"
_VIEWS: Final = "views"
_FIRST: Final = "first"  # the name of the view to start with


class Preferences:
    """Tells what was kept, and writes each change at once, as a whole.

    Without a file, or where that cannot be read or written, things are kept until the console ends;
    `trouble` is then a sentence for the consultant, and so when the file could not be understood.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._kept: dict[str, Any] = {}
        self.last_error = ""
        self._read()

    def seen_on(self, day: date) -> frozenset[int]:
        """Return the readers who were marked as seen on a day."""
        return frozenset(self._kept.get(_SEEN, {}).get(day.isoformat(), ()))

    def turn_seen(self, reader_id: int, day: date) -> frozenset[int]:
        """Mark a reader as seen on a day, or take the mark back; return all who are marked.

        The marks of other days are forgotten.
        """
        self._read()  # another console at the same desk may have marked somebody
        seen = self.seen_on(day) ^ {reader_id}
        self._kept[_SEEN] = {day.isoformat(): sorted(seen)}
        self._write()
        return seen

    @property
    def theme(self) -> str:
        """The name of the colours that were chosen last; empty if none ever were."""
        return str(self._kept.get(_THEME, ""))

    def keep_theme(self, name: str) -> None:
        """Keep the name of colours that were chosen."""
        self._read()
        self._kept[_THEME] = name
        self._write()

    @property
    def views(self) -> tuple[SavedView, ...]:
        """The named views, by name."""
        views = map(saved_view, self._kept.get(_VIEWS, ()))
        return tuple(sorted(views, key=lambda view: view.name.casefold()))

    @property
    def first_view(self) -> SavedView | None:
        """The view that the console starts with; None is the usual one."""
        first = self._kept.get(_FIRST)
        return next((view for view in self.views if view.name == first), None)

    def keep_view(self, view: SavedView) -> None:
        """Keep a view; one of the same name is forgotten."""
        self._read()
        self._keep_views(*self._views_but(view.name), view)

    def forget_view(self, name: str) -> None:
        """Forget a view."""
        self._read()
        self._keep_views(*self._views_but(name))

    def turn_first(self, name: str) -> None:
        """Start with a view from now on, or no longer."""
        self._read()
        self._kept[_FIRST] = "" if self._kept.get(_FIRST) == name else name
        self._write()

    def _views_but(self, name: str) -> list[SavedView]:
        return [view for view in self.views if view.name != name]

    def _keep_views(self, *views: SavedView) -> None:
        self._kept[_VIEWS] = [view.kept() for view in views]
        self._write()

    def _read(self) -> None:
        if self._file is None:
            return
        try:
            self._kept = _checked(json.loads(self._file.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return
        except OSError as error:
            self._file = None  # what is in it is not overwritten
            self.last_error = (
                f"what you kept cannot be read: {error.strerror};"
                " what you keep now is lost when you leave"
            )
        except (ValueError, RecursionError):
            aside = self._file.with_suffix(".broken")
            with suppress(OSError):
                self._file.replace(aside)
            self.last_error = (
                f"what you kept could not be understood; it is set aside in {aside.name}"
            )

    def _write(self) -> None:
        if self._file is None:
            return
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with atomic_text_file(self._file, replace=True) as opened:
                json.dump(self._kept, opened)
        except OSError as error:
            self.last_error = f"what you keep is lost when you leave: {error.strerror}"


def preferences_file(folder: Path, database_url: str, consultant_id: int) -> Path:
    """Return the file of one consultant and one database; its name tells nothing of either."""
    parts = urlsplit(database_url)
    where = (
        sqlite_path(database_url).absolute()
        if parts.scheme == "sqlite"
        else f"{parts.hostname}:{parts.port}{parts.path}"
    )
    name = sha256(f"{where} {consultant_id}".encode()).hexdigest()[:16]
    return folder / f"desk-{name}.json"


def _checked(kept: Any) -> dict[str, Any]:
    """Return what was kept; ValueError where it has not the shape in which it is written."""
    if not isinstance(kept, dict) or not isinstance(seen := kept.get(_SEEN, {}), dict):
        raise ValueError(_SEEN)
    for name in (_THEME, _FIRST):
        if not isinstance(kept.get(name, ""), str):
            raise ValueError(name)
    if not isinstance(views := kept.get(_VIEWS, []), list):
        raise ValueError(_VIEWS)
    for view in views:
        saved_view(view)
    for readers in seen.values():
        if not isinstance(readers, list) or not all(type(id) is int for id in readers):
            raise ValueError(_SEEN)
    return kept
