"""The lines of the pane beside a list."""

import pytest

from readwatch.tui.format.cells import TonedText
from readwatch.tui.format.preview import PREVIEW_WIDTH, bars, facts, progress, title


def test_a_title_has_the_groups_of_a_reader_if_there_are_any() -> None:
    assert title("Ann Archer", "4b, chess").plain == "Ann Archer · 4b, chess"
    assert title("Ann Archer").plain == "Ann Archer"


def test_facts_leave_out_what_is_not_known() -> None:
    assert facts("a tablet", "", TonedText("idle", "warn")).plain == "a tablet, idle"


def test_names_are_text_and_never_markup() -> None:
    assert title("[bold]Ann[/]", "[red]").plain == "[bold]Ann[/] · [red]"
    assert facts("[@click=app.quit]x[/]").plain == "[@click=app.quit]x[/]"


@pytest.mark.parametrize("percentage", [0, 1, 50, 99, 100])
def test_the_bar_of_progress_is_as_wide_as_the_pane(percentage: int) -> None:
    line = progress(percentage).plain
    assert len(line) == PREVIEW_WIDTH
    assert line.endswith(f" {percentage}%")
    assert (line.count("━") == 0) == (percentage < 2)


def test_unknown_progress_is_an_empty_line() -> None:
    assert progress(None).plain == ""


def test_a_chart_shows_the_least_activity_and_is_scaled_to_the_most() -> None:
    lines = [line.plain for line in bars((0, 1, 16), "30 min ago", "now")]
    assert lines[0] == "            █████ "
    assert lines[3] == "      ▂▂▂▂▂ █████ "
    assert lines[4] == "30 min ago    now"


def test_a_few_activities_do_not_look_like_many() -> None:
    lines = [line.plain for line in bars((2, 0), "a", "b")]
    assert [line.strip() for line in lines[:4]] == ["", "", "", "█████"]
