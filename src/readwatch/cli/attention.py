"""When readers may need a consultant: the settings of the rules."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import click

from readwatch.cli.settings import setting
from readwatch.domain.attention import DEFAULT_THRESHOLDS, Thresholds

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class _Duration:
    """The option of one threshold, in whole units."""

    name: str
    threshold: str
    unit: str
    meaning: str

    @property
    def one(self) -> timedelta:
        return timedelta(**{self.unit: 1})

    def option(self, command: F) -> F:
        usual: timedelta = getattr(DEFAULT_THRESHOLDS, self.threshold)
        return setting(
            f"--{self.name.replace('_', '-')}",
            type=click.IntRange(0, 1000),
            metavar=self.unit.upper(),
            default=usual // self.one,
            show_default=True,
            help=f"{self.meaning}; 0 is never.",
        )(command)


_DURATIONS = (
    _Duration(
        "attention_silent",
        "silent_after",
        "minutes",
        "List who falls silent in the middle of a session for so long",
    ),
    _Duration("attention_idle", "idle_after", "minutes", "List who is online and idle for so long"),
    _Duration("attention_failed_quiz", "failed_within", "hours", "List failed quizzes for so long"),
    _Duration(
        "attention_came_back", "away_for", "days", "List who comes back after so long for a day"
    ),
    _Duration(
        "attention_no_progress",
        "no_progress_after",
        "days",
        "List who has not gone on with a title for so long, up to twice as long",
    ),
)


def attention_settings(command: F) -> F:
    """Give a command the settings of the rules; it hands them on to `thresholds_of`."""
    command = setting(
        "--attention-pass-score",
        type=click.IntRange(0, 100),
        default=DEFAULT_THRESHOLDS.pass_score,
        show_default=True,
        help="The score that passes a quiz, where the app does not say whether it was passed.",
    )(command)
    for duration in reversed(_DURATIONS):
        command = duration.option(command)
    return command


def thresholds_of(settings: Mapping[str, int]) -> Thresholds:
    """Return the thresholds that a command was given."""
    durations = {each.threshold: settings[each.name] * each.one for each in _DURATIONS}
    return Thresholds(**durations, pass_score=settings["attention_pass_score"])
