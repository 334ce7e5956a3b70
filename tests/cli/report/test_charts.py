"""The charts of a report and the markup that they are made of."""

import re
from datetime import date, timedelta

import pytest

from readwatch.cli.markup import Markup, fill, joined
from readwatch.cli.report.charts import (
    _scale,
    bar_of_progress,
    bar_with_median,
    chart_of_days,
    chart_of_readers,
    duration,
    small_days,
)

DAYS = [date(2026, 11, 23) + timedelta(days=day) for day in range(7)]


def heights(svg: str, kind: str) -> list[float]:
    return [float(it) for it in re.findall(rf'class="{kind}"[^>]* height="([\d.]+)"', svg)]


def test_every_value_is_escaped_once_and_markup_is_not() -> None:
    inner = fill("<b>{name}</b>", name="<i>&\"'")
    assert inner == "<b>&lt;i&gt;&amp;&quot;&#x27;</b>"
    assert fill("<p>{inner}{number:,}</p>", inner=inner, number=1234) == f"<p>{inner}1,234</p>"
    assert joined([inner, inner]) == inner * 2
    assert fill("{{x}} {y}", y="{z}") == "{x} {z}"
    assert not isinstance(Markup("<b>") + "<i>", Markup), "a text that is added is escaped later"


@pytest.mark.parametrize(
    ("minutes", "text"),
    [
        (0, "0 min"),
        (59, "59 min"),
        (60, "1 h"),
        (125, "2 h 5 min"),
        (1439, "23 h 59 min"),
        (1440, "24 h"),
        (90_031, "1,501 h"),
    ],
)
def test_a_duration_is_in_minutes_and_hours(minutes: int, text: str) -> None:
    assert duration(minutes) == text


@pytest.mark.parametrize("most", [0, 1, 3, 4, 5, 9, 47, 61, 241, 599, 2401, 10_000, 1_234_567])
def test_an_axis_has_a_round_step_and_room_for_all_values(most: int) -> None:
    top, step = _scale(most)
    assert top >= max(1, most)
    assert top % step == 0
    assert 1 <= top // step <= 4


def test_the_bars_of_a_chart_are_as_high_as_their_values() -> None:
    svg = chart_of_days(DAYS, [10, 20, 0, 0, 0, 0, 40], [40, 0, 0, 0, 0, 0, 20])
    now, before = heights(svg, "now"), heights(svg, "before")
    assert now[1] == pytest.approx(2 * now[0], abs=0.2)
    assert now[6] == before[0] == pytest.approx(4 * now[0], abs=0.3)
    assert now[2] == 0
    assert "<desc>Mon 23 10 min, the week before 40 min; Tue 24 20 min," in svg


def test_readers_are_grouped_by_their_time() -> None:
    svg = chart_of_readers([0, 14, 15, 29, 60, 479, 480, 9000], 45)
    assert "&lt; 15 m: 2 readers; &lt; 30 m: 2 readers; &lt; 1 h: 0 readers;" in svg
    assert "&lt; 2 h: 1 reader; &lt; 4 h: 0 readers; &lt; 8 h: 1 reader; 8 h +: 2 readers" in svg
    assert heights(svg, "now") == [0]
    assert heights(chart_of_readers([], 0), "now") == []


def test_small_bars_have_their_values_as_text() -> None:
    assert 'aria-label="minutes: Mon 23 5, Sun 29 30"' in small_days(DAYS, [5, *[0] * 5, 30], 30)
    assert 'aria-label="minutes: none"' in small_days(DAYS, [0] * 7, 1)
    assert 'class="median" x="35.0"' in bar_with_median(100, 50, 100)
    assert 'x="10.0" width="15.0"' in bar_of_progress(20, 50)
    assert bar_of_progress(None, None) == ""
