"""The settings for the rules of Attention."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from readwatch.cli.option_types import WholeNumber
from readwatch.cli.settings import setting
from readwatch.domain.attention import DEFAULT_THRESHOLDS, Thresholds

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class _Duration:
    """The option for one threshold, in whole units."""

    name: str
    threshold: str
    unit: str
    help: str

    @property
    def one(self) -> timedelta:
        return timedelta(**{self.unit: 1})

    def option(self, command: F) -> F:
        default: timedelta = getattr(DEFAULT_THRESHOLDS, self.threshold)
        return setting(
            f"--{self.name.replace('_', '-')}",
            type=WholeNumber(0, 1000),
            metavar=self.unit.upper(),
            default=default // self.one,
            show_default=True,
            help=f"{self.help}; 0 switches this off.",
        )(command)


_DURATIONS = (
    _Duration(
        "attention_silent",
        "silent_after",
        "minutes",
        "List readers who send no heartbeat for this long in the middle of a session",
    ),
    _Duration(
        "attention_idle",
        "idle_after",
        "minutes",
        "List readers who are online without an activity for this long",
    ),
    _Duration(
        "attention_failed_quiz",
        "failed_within",
        "hours",
        "List readers for this long after a failed quiz",
    ),
    _Duration(
        "attention_came_back",
        "away_for",
        "days",
        "List readers for a day when they log in after this long",
    ),
    _Duration(
        "attention_no_progress",
        "no_progress_after",
        "days",
        "List readers who have not continued a title for this long, up to twice as long",
    ),
)


def attention_settings(command: F) -> F:
    """Add the settings of the rules to a command; `thresholds_of` converts their values."""
    command = setting(
        "--attention-pass-score",
        type=WholeNumber(0, 100),
        default=DEFAULT_THRESHOLDS.pass_score,
        show_default=True,
        help="Score that passes a quiz if the app does not report whether it was passed.",
    )(command)
    for duration in reversed(_DURATIONS):
        command = duration.option(command)
    return command


def thresholds_of(settings: Mapping[str, int]) -> Thresholds:
    """Return the thresholds from the settings of a command."""
    durations = {option.threshold: settings[option.name] * option.one for option in _DURATIONS}
    return Thresholds(**durations, pass_score=settings["attention_pass_score"])
