"""The cast."""

import re
import unicodedata
from random import Random
from zoneinfo import ZoneInfo

import pytest

from readwatch.demo.books import LEVELS
from readwatch.demo.cast import CULTURES, Habit, cast


@pytest.mark.parametrize("count", [0, 1, 7, 12_000])
def test_any_number_of_people_can_be_invented_and_no_two_share_an_email(count: int) -> None:
    readers = cast(count, Random(1))
    assert len(readers) == count
    assert len({reader.email for reader in readers}) == count


def test_everybody_can_be_stored_and_written_to_at_example_org() -> None:
    for reader in cast(3000, Random(2)):
        assert re.fullmatch(r"[a-z]+(\.[a-z]+)?[0-9]*@example\.org", reader.email)
        assert 0 < len(reader.full_name) <= 255
        assert reader.full_name == reader.full_name.strip()
        assert reader.reading_level in LEVELS
        assert reader.device_type in {"mobile", "tablet", "desktop"}
        assert reader.user_agent.isascii()


def test_every_culture_has_time_zones_that_exist_and_names_with_a_latin_spelling() -> None:
    for culture in CULTURES:
        assert all(ZoneInfo(zone) for zone in culture.timezones.split(","))
        for name in culture.given.split(","):
            assert name.isascii() or re.search("[a-z]", name.lower())


def test_the_cast_has_the_names_that_programs_stumble_over() -> None:
    names = [reader.full_name for reader in cast(2000, Random(3))]
    assert any("'" in name for name in names)
    assert any(" " not in name and name.isascii() for name in names), "a one-word name"
    assert any(len(name) > 35 for name in names), "a long name"
    for script in ("ARABIC", "HEBREW", "CJK", "HANGUL", "DEVANAGARI", "CYRILLIC", "GREEK"):
        assert any(unicodedata.name(name[0]).startswith(script) for name in names)


def test_all_habits_levels_and_devices_occur_among_two_hundred_people() -> None:
    readers = cast(200, Random(4))
    assert {reader.habit for reader in readers} == set(Habit)
    assert {reader.reading_level for reader in readers} == set(LEVELS)
    assert {reader.device_type for reader in readers} == {"mobile", "tablet", "desktop"}


def test_one_seed_gives_one_cast_and_a_longer_cast_begins_with_the_shorter() -> None:
    assert cast(50, Random(5)) == cast(200, Random(5))[:50]
    assert cast(50, Random(5)) != cast(50, Random(6))
