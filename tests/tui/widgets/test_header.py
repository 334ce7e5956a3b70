"""The two lines on top: where one is, how live the picture is, what goes on."""

from dataclasses import replace
from datetime import timedelta

import pytest
from conftest import NOON
from rich.cells import cell_len

from readwatch.domain.activities import MinuteCount
from readwatch.domain.arrivals import Arrivals, Stop
from readwatch.domain.presence import OnlineCount
from readwatch.monitor.snapshots import LiveStats, View
from readwatch.tui.widgets.header import STALE_AFTER, Liveness, Status, lines

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
MINUTES = tuple(MinuteCount(NOON - timedelta(minutes=59 - number), number) for number in range(60))
PULSE = LiveStats(taken_at=NOON, online=42, per_minute=MINUTES)
STOPPED = Arrivals(NOON - 4 * MINUTE, Stop(NOON - 4 * MINUTE, 30))
LIVE = Status(view=View.ACTIVITY, user="Cara Cook (consultant)", stats=PULSE, now=NOON)
LOST = replace(LIVE, lost_since=NOON, reason="the database cannot be reached; is it running?")
STATUSES = {
    "nothing known": Status(),
    "waiting": replace(LIVE, stats=None),
    "live": LIVE,
    "old": replace(LIVE, now=NOON + 9 * SECOND),
    "frozen": replace(LIVE, frozen=True, new_rows="12", now=NOON + 600 * SECOND),
    "the past": replace(LIVE, at=NOON - timedelta(hours=3)),
    "a day of the past": replace(LIVE, view=View.DAY, at=NOON - timedelta(days=5)),
    "stale": replace(LIVE, now=NOON + 100 * SECOND),
    "lost": LOST,
    "lost for a long reason": replace(LOST, reason="no " * 200),
    "a wide name": replace(LIVE, user="語" * 200),
    "a crowd that needs somebody": replace(
        LIVE, stats=replace(PULSE, unseen=frozenset(range(12_345)))
    ),
    "a peak": replace(LIVE, stats=replace(PULSE, peak=OnlineCount(NOON, 143))),
    "no posts": replace(LIVE, stats=replace(PULSE, arrivals=STOPPED)),
    "a quiet evening": replace(LIVE, stats=replace(PULSE, arrivals=Arrivals(NOON - MINUTE))),
    "a crowd": replace(LIVE, stats=replace(PULSE, online=1_234_567)),
}


def texts(status: Status, width: int) -> tuple[str, str]:
    first, second = lines(status, width)
    return first.plain, second.plain


@pytest.mark.parametrize("width", [0, 1, 20, 40, 78, 158])
@pytest.mark.parametrize("status", STATUSES.values(), ids=STATUSES)
def test_no_line_is_wider_than_the_terminal(status: Status, width: int) -> None:
    assert all(cell_len(line) <= width for line in texts(status, width))


def test_in_forty_cells_the_views_and_the_freshness_are_left() -> None:
    assert tuple(line.rstrip() for line in texts(LIVE, 40)) == (
        " 1  2 Activity  3  4  5  6  7     ● LIVE",
        "42 online   117 activities a minute",
    )


def test_in_eighty_cells_there_is_all_with_a_short_line_of_the_last_minutes() -> None:
    first, second = texts(LIVE, 78)
    names = "1 Online 2 Activity 3 Readers 4 Attention 5 Log 6 Groups 7 Day"
    assert first == f"{names}          ● LIVE"
    assert (
        second == "42 online   117 activities a minute ▅▅▅▅▅▅▆▆▆▆▆▆▆▆▆▇    Cara Cook (consultant)"
    )


def test_in_a_hundred_and_sixty_cells_the_line_is_the_whole_hour_but_for_the_running_minute() -> (
    None
):
    _, second = texts(LIVE, 158)
    assert second.startswith("42 online   117 activities a minute ▁▁▁")
    assert second.endswith("   Cara Cook (consultant)")
    assert sum(character in "▁▂▃▄▅▆▇█" for character in second) == 59


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("nothing known", "● WAITING"),
        ("waiting", "● WAITING"),
        ("live", "● LIVE"),
        ("old", "● LIVE, 5 s old"),
        ("frozen", "● FROZEN, 10 min old, 12 new"),
        ("stale", "● STALE, 1 min old"),
        ("the past", "● PAST, 09:00"),
        ("a day of the past", "● PAST, Tue"),
        ("lost", "● OFFLINE"),
        ("no posts", "● NO POSTS for 4 min"),
        ("a quiet evening", "● LIVE, last post 1 min ago"),
    ],
)
def test_the_freshness_is_a_word_and_an_age(status: str, words: str) -> None:
    assert texts(STATUSES[status], 100)[0].endswith(f" {words}")


def test_where_the_age_leaves_no_room_the_names_become_shorter() -> None:
    unseen = replace(PULSE, unseen=frozenset(range(120)))
    first, _ = texts(replace(STATUSES["old"], stats=unseen), 85)
    names = "1 Online 2 Activity 3 Readers 4 Attention 120 5 Log 6 Groups 7 Day"
    assert first == f"{names}    ● LIVE, 5 s old"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("frozen", "● FROZEN +12"),
        ("no posts", "● NO POSTS"),
        ("stale", "● STALE, 1 min"),
        ("the past", "● PAST, 09:00"),
        ("a day of the past", "● PAST, Tue"),
    ],
)
def test_in_eighty_cells_the_names_of_the_views_are_there_in_every_state(
    status: str, words: str
) -> None:
    first, _ = texts(STATUSES[status], 78)
    assert first.startswith("1 Online 2 Activity 3 Readers 4 Attention 5 Log 6 Groups 7 Day ")
    assert first.endswith(f" {words}")


def test_a_loss_says_since_when_and_why() -> None:
    since = f"{NOON.astimezone():%H:%M:%S}"
    assert texts(LOST, 78)[1] == f"since {since}: {LOST.reason}"


def test_a_snapshot_is_stale_only_after_the_limit() -> None:
    assert replace(LIVE, now=NOON + STALE_AFTER).liveness() is Liveness.LIVE
    assert replace(LIVE, now=NOON + STALE_AFTER + SECOND).liveness() is Liveness.STALE


def test_a_snapshot_whose_worker_rests_longer_is_stale_later() -> None:
    resting = replace(LIVE, stats=replace(PULSE, refresh_pause=20 * SECOND))
    assert replace(resting, now=NOON + STALE_AFTER + 20 * SECOND).liveness() is Liveness.LIVE
    assert replace(resting, now=NOON + STALE_AFTER + 21 * SECOND).liveness() is Liveness.STALE


def test_the_worst_news_comes_first() -> None:
    later = NOON + timedelta(hours=1)
    assert replace(LOST, frozen=True, now=later).liveness() is Liveness.DISCONNECTED
    assert replace(LIVE, frozen=True, now=later).liveness() is Liveness.FROZEN
    assert replace(LIVE, frozen=True, at=NOON).liveness() is Liveness.PAST


@pytest.mark.parametrize(
    ("width", "views"),
    [
        (40, " 1  2 Activity  3  4 12 "),
        (78, " 3 Readers 4 Attention 12 "),
        (120, " 3 Readers  4 Attention 12  "),
    ],
)
def test_attention_counts_those_who_were_not_seen(width: int, views: str) -> None:
    status = replace(LIVE, stats=replace(PULSE, unseen=frozenset(range(12))))
    assert views in texts(status, width)[0]


def test_the_peak_of_the_day_is_there_where_the_line_of_minutes_keeps_its_room() -> None:
    peak = OnlineCount(NOON - timedelta(hours=2), 143)
    status = replace(LIVE, stats=replace(PULSE, peak=peak))
    words = f"42 online   peak 143 at {peak.minute.astimezone():%H:%M}   117 activities a minute ▄"
    assert texts(status, 110)[1].startswith(words)
    assert texts(status, 78) == texts(LIVE, 78)


@pytest.mark.parametrize(("seconds", "rate"), [(0, 160), (15, 135), (30, 110), (59, 62)])
def test_the_rate_is_the_running_minute_and_the_rest_of_the_one_before(
    seconds: int, rate: int
) -> None:
    per_minute = (MinuteCount(NOON, 7), MinuteCount(NOON, 100), MinuteCount(NOON, 60))
    pulse = LiveStats(NOON + seconds * SECOND, 0, per_minute)
    assert pulse.activities_a_minute == rate
