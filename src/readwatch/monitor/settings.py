"""The settings of a console, as the command line gives them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from readwatch.domain.attention import DEFAULT_THRESHOLDS, Thresholds


@dataclass(frozen=True, slots=True)
class ConsoleSettings:
    """The database, and how the console behaves.

    `email` is who logs in. `preferences_folder` is where consultants' preferences are saved; None
    saves nothing. After `lock_after` without a key or the mouse the console is locked; None is
    never. With `mask` views have initials instead of names, until a reader's page is opened.
    `theme` is the name of the colours; None is the one that the consultant chose last. With
    `ascii` only ASCII characters are drawn. `keys` maps the ids of actions to other keys. Two
    snapshots are at least `refresh` apart. `view`, `filter` and `sort` are what is shown first, as
    the user gave them. `thresholds` are those of the rules of attention; with `bell` the terminal
    rings when a reader is new there.
    """

    database_url: str
    email: str | None = None
    preferences_folder: Path | None = None
    lock_after: timedelta | None = None
    mask: bool = False
    theme: str | None = None
    ascii: bool = False
    keys: Mapping[str, str] = field(default_factory=dict)
    refresh: timedelta = timedelta(seconds=0.6)
    view: str = "online"
    filter: str = ""
    sort: str = ""
    thresholds: Thresholds = DEFAULT_THRESHOLDS
    bell: bool = False

    @property
    def has_initial_view(self) -> bool:
        """Tell whether the settings say what to show first."""
        return (self.view, self.filter, self.sort) != ("online", "", "")
