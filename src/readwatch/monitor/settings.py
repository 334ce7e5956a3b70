"""The settings of a console, as the command line gives them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from readwatch.domain.attention import DEFAULT_THRESHOLDS, Thresholds
from readwatch.store.engine.database import DEFAULTS, EngineSettings


@dataclass(frozen=True, slots=True)
class ConsoleSettings:
    """The database and the settings of a console.

    `email` is the account that logs in. Consultants' preferences are saved in
    `preferences_folder`; None saves nothing. After `lock_after` without a key or the mouse the
    console is locked; None is never. With `mask` views show initials instead of names, until a
    reader's page is opened. `theme` is the name of the theme; None is the theme that the
    consultant chose last. With `ascii` only ASCII characters are drawn. `keys` maps the ids of
    actions to keys. Two snapshots are at least `refresh` apart. `view`, `filter`, `sort` and `at`
    are the first query, as the user typed it. `thresholds` are the thresholds of the rules of
    Attention; with `bell` the terminal rings when another reader needs the consultant, and with
    `has_title` its title says how many do. `engine` has the settings of the connections.
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
    at: str = ""
    thresholds: Thresholds = DEFAULT_THRESHOLDS
    bell: bool = False
    has_title: bool = True
    engine: EngineSettings = DEFAULTS

    @property
    def has_initial_view(self) -> bool:
        """Tell whether the settings contain the first view, its filter, sort or time."""
        return (self.view, self.filter, self.sort, self.at) != ("online", "", "", "")
