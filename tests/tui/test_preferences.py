"""What a console keeps between sittings."""

import json
import os
from datetime import date, timedelta
from pathlib import Path

import pytest

from readwatch.domain.attention import Rule
from readwatch.tui.preferences import Preferences, preferences_file

TODAY = date(2026, 11, 22)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "preferences.json"


def test_who_was_seen_is_seen_until_the_day_is_over_in_this_session_and_in_the_next(
    file: Path,
) -> None:
    preferences = Preferences(file)
    preferences.toggle_seen(7, TODAY)
    assert preferences.toggle_seen(3, TODAY) == {3, 7}
    for sitting in (preferences, Preferences(file)):
        assert sitting.seen_on(TODAY) == {3, 7}
        assert sitting.seen_on(TODAY + timedelta(days=1)) == set()
        assert not sitting.last_error


def test_a_mark_is_taken_back_by_setting_it_again(file: Path) -> None:
    preferences = Preferences(file)
    preferences.toggle_seen(7, TODAY)
    assert preferences.toggle_seen(7, TODAY) == set()
    assert Preferences(file).seen_on(TODAY) == set()


def test_two_consoles_with_the_same_preferences_keep_the_marks_of_both(file: Path) -> None:
    one, other = Preferences(file), Preferences(file)
    one.toggle_seen(1, TODAY)
    assert other.toggle_seen(2, TODAY) == {1, 2}


def test_the_marks_of_yesterday_are_not_kept_for_ever(file: Path) -> None:
    preferences = Preferences(file)
    preferences.toggle_seen(1, TODAY - timedelta(days=1))
    preferences.toggle_seen(2, TODAY)
    assert json.loads(file.read_text()) == {"seen": {"2026-11-22": [2]}}


def test_rules_are_muted_for_a_day_and_until_that_is_taken_back(file: Path) -> None:
    preferences = Preferences(file)
    preferences.set_muted([Rule.IDLE], TODAY - timedelta(days=1), is_muted=True)
    assert preferences.muted_on(TODAY) == set()
    preferences.set_muted([Rule.IDLE], TODAY, is_muted=True)
    Preferences(file).set_muted([Rule.SILENT], TODAY, is_muted=True)
    preferences.set_muted([Rule.IDLE], TODAY, is_muted=False)
    assert preferences.muted_on(TODAY) == {Rule.SILENT}
    assert json.loads(file.read_text()) == {"muted": {"2026-11-22": ["silent"]}}


def test_a_muted_rule_that_this_version_lacks_has_no_effect(file: Path) -> None:
    file.parent.mkdir()
    file.write_text('{"muted": {"2026-11-22": ["nothing", {}, "idle"]}, "theme": "light"}')
    preferences = Preferences(file)
    assert preferences.muted_on(TODAY) == {Rule.IDLE}
    assert (preferences.theme, preferences.last_error) == ("light", "")


def test_only_its_owner_can_read_it_and_nothing_else_is_left_beside_it(file: Path) -> None:
    Preferences(file).toggle_seen(1, TODAY)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert os.listdir(file.parent) == [file.name]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff",
        b"[1]",
        b"[" * 100_000,
        b'{"seen": 1}',
        b'{"seen": {"2026-11-22": 1}}',
        b'{"seen": {"2026-11-22": [{}]}}',
        b'{"muted": 1}',
        b'{"muted": {"2026-11-22": 1}}',
    ],
)
def test_what_cannot_be_understood_is_set_aside_with_a_word(file: Path, content: bytes) -> None:
    file.parent.mkdir()
    file.write_bytes(content)
    preferences = Preferences(file)
    assert "moved to preferences.broken" in preferences.last_error
    assert preferences.seen_on(TODAY) == set()
    preferences.toggle_seen(1, TODAY)
    assert file.with_suffix(".broken").read_bytes() == content
    assert Preferences(file).seen_on(TODAY) == {1}


def test_preferences_that_cannot_be_written_last_until_quitting_and_an_error_is_shown(
    file: Path,
) -> None:
    file.parent.write_text("no folder")
    preferences = Preferences(file)
    assert preferences.toggle_seen(1, TODAY) == {1}
    assert "lost when you quit" in preferences.last_error
    assert preferences.toggle_seen(2, TODAY) == {1, 2}


def test_what_cannot_be_read_is_not_overwritten(file: Path) -> None:
    file.parent.mkdir()
    file.symlink_to(file.name)  # leads round in a circle, which not even root can read
    preferences = Preferences(file)
    assert "cannot be read" in preferences.last_error
    assert preferences.toggle_seen(1, TODAY) == {1}
    assert preferences.toggle_seen(2, TODAY) == {1, 2}
    assert file.is_symlink()


def test_without_a_file_marks_last_as_long_as_the_console() -> None:
    preferences = Preferences(None)
    preferences.toggle_seen(1, TODAY)
    assert preferences.seen_on(TODAY) == {1}
    assert not preferences.last_error


def test_each_consultant_has_preferences_for_each_database(tmp_path: Path) -> None:
    urls = [
        "sqlite:///one.db",
        "sqlite:///other.db",
        "postgresql://db.example.org/readwatch",
        "postgresql://db.example.org:6000/readwatch",
    ]
    files = {preferences_file(tmp_path, url, who) for url in urls for who in (3, 4)}
    assert len(files) == 8
    assert {file.parent for file in files} == {tmp_path}


def test_a_database_is_the_same_however_its_url_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert preferences_file(tmp_path, "sqlite:///one.db", 3) == preferences_file(
        tmp_path, f"sqlite:///{tmp_path}/one.db", 3
    )
    assert preferences_file(tmp_path, "postgresql://cara:a@db/readwatch", 3) == preferences_file(
        tmp_path, "postgresql://cara:b@db/readwatch?sslmode=require", 3
    )


def test_the_colours_that_were_chosen_last_are_kept_beside_the_rest(file: Path) -> None:
    Preferences(file).toggle_seen(7, TODAY)
    Preferences(file).save_theme("light")
    assert Preferences(file).theme == "light"
    assert Preferences(file).seen_on(TODAY) == {7}
    assert Preferences(None).theme == ""
