"""When readers may need a consultant can be said like any other setting."""

from datetime import timedelta
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from readwatch.cli.attention import attention_settings, thresholds_of
from readwatch.domain.attention import DEFAULT_THRESHOLDS, Thresholds

PAGE = (Path(__file__).parents[2] / "docs" / "console.md").read_text(encoding="utf-8")
OTHERS = Thresholds(
    silent_after=timedelta(minutes=1),
    idle_after=timedelta(minutes=2),
    no_progress_after=timedelta(days=3),
    failed_within=timedelta(hours=4),
    pass_score=5,
    away_for=timedelta(0),
)
GIVEN = {
    "attention_silent": 1,
    "attention_idle": 2,
    "attention_no_progress": 3,
    "attention_failed_quiz": 4,
    "attention_pass_score": 5,
    "attention_came_back": 0,
}


@click.command()
@attention_settings
def command(**settings: int) -> None:
    click.echo(thresholds_of(settings))


def told(*words: str, **variables: str) -> str:
    return CliRunner().invoke(command, words, env=variables).output.strip()


def test_nobody_has_to_say_anything() -> None:
    assert told() == str(DEFAULT_THRESHOLDS)


def test_each_threshold_is_an_option_and_a_variable() -> None:
    options = [f"--{name.replace('_', '-')}={value}" for name, value in GIVEN.items()]
    variables = {f"READWATCH_{name.upper()}": str(value) for name, value in GIVEN.items()}
    assert told(*options) == told(**variables) == str(OTHERS)


@pytest.mark.parametrize("odd", ["-1", "1001", "soon"])
def test_an_odd_one_is_refused(odd: str) -> None:
    assert "Error: Invalid value" in told(f"--attention-idle={odd}")


def test_the_page_for_consultants_has_all_of_them_as_they_are() -> None:
    usual = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    for option in usual:
        assert f"`{option.opts[0]}` {option.default}" in PAGE
