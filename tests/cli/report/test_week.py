"""`readwatch report week`: who read how much and what, and who may need attention."""

import json
import re
import stat
from collections.abc import Callable
from datetime import datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from cli.shell import Shell, log
from conftest import Cast

from readwatch.cli.report import page as report_page
from readwatch.domain.activities import Activity, canonical_json
from readwatch.domain.clock import rfc3339, system_clock
from readwatch.domain.users import User, UserRole
from readwatch.domain.week import Week, week_of
from readwatch.store.engine.connections import Database
from readwatch.store.identity.sessions import end_session, open_session
from readwatch.store.identity.tokens import hash_token, new_token
from readwatch.store.identity.users import NewUser, add_user
from readwatch.store.recording.activities import record_activities
from readwatch.store.reports import week as week_reports

Read = Callable[..., None]


@pytest.fixture
def week() -> Week:
    """The last week that has ended."""
    return week_of(system_clock().astimezone().date()).before


@pytest.fixture
def read(db: Database) -> Read:
    """`read(reader, at, activity, …)` posts activities in a session of their own."""

    def read(reader: User, at: datetime, *activities: Activity) -> None:
        with db.atomic():
            session = open_session(db, reader, hash_token(new_token()), at)
            record_activities(db, session, activities, at)
            end_session(db, session, at)

    return read


@pytest.fixture
def join(db: Database) -> Callable[[str], User]:
    """`join(name)` adds a reader."""

    def join(name: str) -> User:
        new = NewUser(
            email=f"{name.split()[0].lower()}@example.org",
            full_name=name,
            user_role=UserRole.READER,
            password_hash="x",
            reading_level="B1",
        )
        return add_user(db, new, system_clock())

    return join


def page(title: str, progress: int, minutes: int = 10, at: datetime | None = None) -> Activity:
    return Activity("page_read", f"id of {title}", title, progress, 60 * minutes, occurred_at=at)


def quiz(score: int) -> Activity:
    return Activity("quiz_completed", "quiz", "Quiz", metadata=canonical_json({"score": score}))


def on(week: Week, day: int, hour: int = 12) -> datetime:
    """Return a time on a day of a week; Monday is 0."""
    return week.starts[day] + timedelta(hours=hour)


@pytest.fixture
def history(read: Read, cast: Cast, join: Callable[[str], User], week: Week) -> None:
    """Ann read in both weeks, Ben only before, Kim only in the week; Lea has no durations."""
    before, kim, lea = week.before, join("Kim Keller"), join("Lea <Lang>")
    read(cast.ann, on(before, 2), page("Momo", 10, 20))
    read(cast.ben, on(before, 3), page("Dracula", 30, 45))
    read(cast.ann, on(week, 0), page("Momo", 30, 25), page("Momo", 55, 25))
    read(cast.ann, on(week, 6, 23), page("Emma", 100, 10))
    read(kim, on(week, 1), page("Momo", 100, 30))
    read(lea, on(week, 1), Activity("page_read", "emma", "Emma & <b>Knightley</b>"))


def report(shell: Shell, *options: str) -> dict[str, Any]:
    ended = shell("report", "week", "--json", *options)
    assert (ended.code, ended.err) == (0, "")
    printed: dict[str, Any] = json.loads(ended.out)
    return printed


# Figures ----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("history")
def test_the_report_compares_a_week_with_the_week_before(shell: Shell, week: Week) -> None:
    figures = report(shell)
    assert figures["week"] == str(week)
    assert figures["totals"] == {
        "readers": 3,
        "seconds": 90 * 60,
        "median_seconds": 30 * 60,
        "finished": 2,
    }
    assert figures["totals_before"] == {
        "readers": 2,
        "seconds": 65 * 60,
        "median_seconds": 32.5 * 60,
        "finished": 0,
    }
    assert [it // 60 for it in figures["seconds_by_day"]] == [50, 30, 0, 0, 0, 0, 10]
    assert [it // 60 for it in figures["seconds_by_day_before"]] == [0, 0, 20, 45, 0, 0, 0]
    assert figures["minutes_of_readers"] == [0, 30, 60]


@pytest.mark.usefixtures("history")
def test_each_reader_has_days_titles_and_the_progress_of_the_week(shell: Shell) -> None:
    figures = report(shell)
    assert [it["full_name"] for it in figures["readers"]] == [
        "Ann Archer",
        "Kim Keller",
        "Lea <Lang>",
    ]
    ann = figures["readers"][0]
    assert ann["titles"] == [
        {"title": "Momo", "seconds": 3000, "progress_from": 30, "progress_to": 55},
        {"title": "Emma", "seconds": 600, "progress_from": 100, "progress_to": 100},
    ]
    assert [it["full_name"] for it in figures["paused"]] == ["Ben Baker"]
    assert [(it["title"], it["readers"], it["finished"]) for it in figures["titles"]] == [
        ("Momo", 2, 1),
        ("Emma", 1, 1),
        ("Emma & <b>Knightley</b>", 1, 0),
    ]


def test_what_was_read_offline_counts_on_the_day_on_which_it_was_read(
    shell: Shell, cast: Cast, read: Read, week: Week
) -> None:
    read(cast.ben, on(week, 0, 1), page("Momo", 5, 40, at=on(week.before, 6)))
    read(cast.ann, week.end + timedelta(minutes=1), page("Momo", 5, 20, at=on(week, 4)))
    figures = report(shell, "--week", str(week))
    assert figures["seconds_by_day"] == [0, 0, 0, 0, 1200, 0, 0]
    assert figures["seconds_by_day_before"] == [0, 0, 0, 0, 0, 0, 2400]


@pytest.mark.usefixtures("history")
def test_a_deleted_reader_is_not_in_the_report(shell: Shell) -> None:
    shell("user", "delete", "ann@example.org", "--yes")
    figures = report(shell)
    assert figures["totals"]["readers"] == 2
    assert figures["totals"]["finished"] == 1
    assert "Ann Archer" not in json.dumps(figures)


@pytest.mark.usefixtures("history")
def test_long_lists_are_cut_and_say_how_many_are_left_out(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(week_reports, "MAX_READERS", 1)
    monkeypatch.setattr(week_reports, "TITLES_A_READER", 1)
    figures = report(shell)
    assert [it["full_name"] for it in figures["readers"]] == ["Ann Archer"]
    assert (figures["other_readers"], figures["readers"][0]["other_titles"]) == (2, 1)
    assert figures["totals"]["readers"] == 3
    assert "and 2 readers more\n" in shell("report", "week", "--text").out


def test_a_week_without_reading_has_a_report_too(shell: Shell, cast: Cast, tmp_path: Path) -> None:
    figures = report(shell, "--week", "2020-W10")
    assert figures["totals"]["readers"] == figures["totals_before"]["readers"] == 0
    assert figures["readers"] == figures["titles"] == figures["cases"] == []
    file = tmp_path / "empty.html"
    assert shell("report", "week", "--week", "2020-W10", "--output", str(file)).code == 0
    assert "Nobody read in this week." in file.read_text("utf-8")
    assert "Who read, and how much (minutes): 0\n" in shell("report", "week", "--text").out


def test_a_week_that_has_not_ended_is_compared_with_the_same_part_of_the_week_before(
    shell: Shell, cast: Cast, read: Read
) -> None:
    now = system_clock()
    this_week = week_of(now.astimezone().date())
    passed = now - this_week.starts[0]
    read(cast.ann, this_week.before.starts[0] + passed / 2, page("Momo", 5, 20))
    read(cast.ben, this_week.starts[0] - (this_week.end - now) / 2, page("Momo", 5, 40))
    read(cast.ann, this_week.starts[0] + passed / 2, page("Momo", 15, 10))
    figures = report(shell, "--week", this_week.days[0].isoformat())
    assert figures["totals_before"]["seconds"] == 1200
    assert figures["totals"]["seconds"] == 600
    text = shell("report", "week", "--week", str(this_week), "--text").out
    assert "The week has not ended" in text


# Attention --------------------------------------------------------------------------------------


def test_the_report_names_who_may_need_attention_and_why(
    shell: Shell, cast: Cast, read: Read, join: Callable[[str], User], week: Week
) -> None:
    fay, gus, hal, ida = map(join, ("Fay Ford", "Gus Gray", "Hal Hill", "Ida Inn"))
    read(hal, on(week.before, 0) - timedelta(days=21), page("Momo", 5))
    read(gus, on(week.before, 4), page("Dracula", 30))
    read(ida, on(week.before, 4), page("Dracula", 100))
    for reader, scores in ((cast.ann, [40]), (cast.ben, [40, 90]), (fay, [90])):
        for hour, score in enumerate(scores):
            read(reader, on(week, 2, hour), page("Momo", 100), quiz(score))
    read(hal, on(week, 3), page("Momo", 100))
    figures = report(shell)
    assert [(it["full_name"], it["reasons"], it["content_title"]) for it in figures["cases"]] == [
        ("Ann Archer", "failed quiz (40)", "Quiz"),
        ("Hal Hill", "back after 31 days", "Momo"),
        ("Gus Gray", "no progress", "Dracula"),
    ]
    assert figures["cases"][1]["since"] == rfc3339(on(week, 3))


def test_a_rule_that_is_switched_off_names_nobody(
    shell: Shell, cast: Cast, read: Read, week: Week
) -> None:
    read(cast.ann, on(week, 2), page("Momo", 30), quiz(40))
    read(cast.ben, on(week.before, 4), page("Dracula", 30))
    off = ("--attention-failed-quiz", "0", "--attention-no-progress", "0")
    assert report(shell, *off)["cases"] == []
    assert report(shell, "--attention-pass-score", "40", *off[2:])["cases"] == []


# The access log ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("history")
def test_a_report_is_logged_and_names_three_or_fewer_readers(
    shell: Shell, cast: Cast, db: Database, week: Week, tmp_path: Path
) -> None:
    report(shell)
    assert log(db) == [(cast.dora.id, "exported_report", None, f"cli, week {week}, json")]
    shell("report", "week", "--week", str(week.before), "--output", str(tmp_path / "w.html"))
    assert log(db)[1:] == [
        (cast.dora.id, "exported_report", id, f"cli, week {week.before}, html")
        for id in (cast.ann.id, cast.ben.id)
    ]


@pytest.mark.usefixtures("history")
def test_without_an_entry_there_is_no_report(shell: Shell, db: Database, tmp_path: Path) -> None:
    db.execute_sql("ALTER TABLE consultant_access_log RENAME COLUMN ip_address TO ip")
    file = tmp_path / "new.html"
    assert shell("report", "week", "--output", str(file)).code != 0
    ended = shell("report", "week", "--text")
    assert (ended.code != 0, ended.out) == (True, "")
    assert not file.exists()


# The page ---------------------------------------------------------------------------------------

VOID = {"meta", "br", "hr", "img", "link", "input"}


class Page(HTMLParser):
    """The elements of a page; it fails if one is not closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture
def html(shell: Shell, history: None, tmp_path: Path) -> str:
    file = tmp_path / "week.html"
    ended = shell("report", "week", "--output", str(file))
    assert (ended.code, ended.err) == (0, "")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    return file.read_text("utf-8")


def test_the_page_shows_text_of_readers_as_text(html: str) -> None:
    page = Page(html)
    assert "Lea <Lang>" in page.texts
    assert "Emma & <b>Knightley</b>" in page.texts
    assert page.all("b") == []


def test_the_page_has_no_script_and_loads_nothing(html: str) -> None:
    page = Page(html)
    names = {name for name, _ in page.elements}
    assert not names & {"script", "img", "link", "iframe", "object", "a", "form", "image", "use"}
    attributes = {name for _, attributes in page.elements for name in attributes}
    assert not attributes & {"href", "src", "style"}
    assert not [name for name in attributes if name.startswith("on")]
    assert not re.search(r"url\(|@import|https?:", html)
    assert "default-src 'none'; style-src 'unsafe-inline'" in html


def test_the_page_can_be_read_without_seeing_it(html: str) -> None:
    page = Page(html)
    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("h1")) == len(page.all("main")) == 1
    assert len(page.all("h2")) == 10
    assert all(it.get("scope") in ("col", "row") for it in page.all("th"))
    for svg in page.all("svg"):
        assert svg.get("role") == "img" or svg.get("aria-hidden") == "true"
    charts = [svg for svg in page.all("svg") if svg["class"] == "chart"]
    assert len(charts) == len(page.all("desc")) == 2
    assert "Reading time by day" in page.texts
    assert [text for text in page.texts if re.search(r"50 min, the week before 0 min;", text)]


def luminance(colour: str) -> float:
    channels = (int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5))
    linear = [it / 12.92 if it <= 0.04045 else ((it + 0.055) / 1.055) ** 2.4 for it in channels]
    return sum(map(float.__mul__, (0.2126, 0.7152, 0.0722), linear))


@pytest.mark.parametrize("text", ["ink", "soft", "now", "warn"])
@pytest.mark.parametrize("background", ["paper", "tint"])
def test_text_has_enough_contrast(text: str, background: str) -> None:
    css = report_page._CSS.read_text("utf-8")
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", css))
    lighter, darker = luminance(colours[background]), luminance(colours[text])
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5


# Usage ------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("history")
def test_the_text_has_every_section(shell: Shell) -> None:
    ended = shell("report", "week", "--text")
    assert (ended.code, ended.err) == (0, "")
    lines = [" ".join(line.split()) for line in ended.out.splitlines()]
    for line in (
        "readers who read 3 1 more than the week before",
        "reading time 1 h 30 min 38 % more than the week before",
        "Ann Archer 60 20 55 % Momo, 100 % Emma",
        "Kim Keller 30 100 % Momo",
        "Ben Baker 45",
        "Momo 2 1 h 20 min 1",
    ):
        assert line in lines, ended.out


@pytest.mark.parametrize(
    ("options", "code", "complaint"),
    [
        ([], 2, "give one of --output FILE.html, --text and --json"),
        (["--text", "--json"], 2, "give one of --output FILE.html, --text and --json"),
        (["--text", "--week", "soon"], 1, "'soon' is neither a week such as 2026-W48 nor a date"),
        (["--text", "--week", "9000-W01"], 1, "the week 9000-W01 has not begun"),
        (["--output", "week.pdf"], 1, "the name of the file must end in .html"),
        (["--text", "--as", "cara@example.org"], 1, "there is no active admin"),
    ],
)
def test_a_wrong_call_is_explained_and_not_logged(
    shell: Shell, cast: Cast, db: Database, options: list[str], code: int, complaint: str
) -> None:
    ended = shell("report", "week", *options)
    assert (ended.code, ended.out) == (code, "")
    assert complaint in ended.err
    assert log(db) == []


def test_a_file_that_exists_is_not_replaced(
    shell: Shell, cast: Cast, db: Database, tmp_path: Path
) -> None:
    file = tmp_path / "mine.html"
    file.write_text("mine")
    assert "already exists" in shell("report", "week", "--output", str(file)).complaint
    assert (file.read_text(), log(db)) == ("mine", [])
