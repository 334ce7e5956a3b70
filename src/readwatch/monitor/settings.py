"""How a console is to be: what the command line asks for and the console obeys."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from readwatch.domain.attention import DEFAULT_THRESHOLDS, Thresholds


@dataclass(frozen=True, slots=True)
class ConsoleSettings:
    """The database, and what somebody wants of the console in front of it.

    `email` is who signs in. `desks` is the folder for what consultants keep between sittings; None
    keeps nothing. After `cover_after` without a key or the mouse the console is covered; None is
    never. With `mask` lists have initials, until a reader's page is opened. `theme` is the name of
    its colours, with None what the consultant chose last. With `ascii` no mark is more. `keys` are
    keys of one's own, by what they do. Two pictures are `refresh` apart at the least, so that a
    busy database costs no more than a calm one. `view`, `filter` and `sort` are what is shown
    first, in the words of the person. `thresholds` say who may need a consultant; with `bell` it
    rings when there is somebody new.
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
    def asks_for_a_view(self) -> bool:
        """Tell whether the person said what to show first."""
        return (self.view, self.filter, self.sort) != ("online", "", "")
