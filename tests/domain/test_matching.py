"""Where a word is found: case and accents do not count, and letters may be left out."""

import pytest

from readwatch.domain.matching import FUZZY_LENGTHS, anywhere, from_the_start, matches, whole


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("dracula", "Bram Stoker: DRACULA"),
        ("drcl", "Dracula"),
        ("mlr", "Anna Müller"),
        ("muller", "Müller"),
        ("müller", "Muller"),
        ("mu\u0308ller", "Müller"),
        ("strasse", "Hauptstraße"),
        ("STRASSE", "straẞe"),
        ("odz", "Łódź"),
        ("łódź", "ŁÓDŹ"),
        ("nguyen", "Nguyễn"),
        ("istanbul", "İstanbul"),
        ("ΣΟΦΌΣ", "σοφός"),
        ("finis", "ﬁnis"),
        ("東京", "東京都"),
        ("한", "한국"),
        ("👍", "well done 👍🏽"),
        ("obrn", "Pat O'Brien"),
        ("obrien", "Pat O’Brien"),  # noqa: RUF001 - a typographic apostrophe
        ("quiz completed", "quiz_completed"),
        ("100%", "100% wool"),
        ("n'", "D\\'n'"),
        ("dlugosz", "Długosz"),
        ("DANG", "Đặng"),
        ("soren", "Søren"),
        ("soeren", "Søren"),
        ("Søren", "Soren"),
        ("isil", "Işıl"),  # noqa: RUF001 - the dotless i
        ("thordur", "Þórður"),
        ("tordur", "Þórður"),
        ("thrdr", "Þórður"),
        ("þórður", "Thordur"),
        ("gudrun", "Guðrún"),
        ("aesa", "Æsa"),
        ("asa", "Æsa"),
        ("mueller", "Müller"),
        ("MUELLER", "Mu\u0308ller"),
        ("aarhus", "Århus"),
        ("noel", "Noël"),
        ("yilmaz", "Yılmaz"),  # noqa: RUF001 - the dotless i
        ("o'brien", "Pat O’Brien"),  # noqa: RUF001 - a typographic apostrophe
    ],
)
def test_a_word_is_found(word, text):
    assert matches(anywhere(word), text)


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("dr", "Dora"),  # two letters are too few to leave any out
        ("rcl", "Dracula"),  # no word begins with it
        ("dcl", "Dora Clark"),  # not inside one word
        ("drcll", "Dracula"),
        ("ann bet", "Anna Bett"),
        ("100%", "1000"),
        (".", "a"),
        ("a.c", "abc"),
        ("_", "a"),
        ("joel", "Jola"),
        ("mueller", "Maller"),
        ("aesa", "Esa"),
        ("x" * max(FUZZY_LENGTHS) + "y", "x" * max(FUZZY_LENGTHS) + "zy"),
    ],
)
def test_a_word_is_not_found(word, text):
    assert not matches(anywhere(word), text)


@pytest.mark.parametrize(
    ("word", "text", "is_found"),
    [
        ("B", "B1", True),
        ("b1", "B1", True),
        ("1", "B1", False),
        ("1", "1", True),
        ("1", "12", False),
        ("1", "1b", True),
        ("quiz", "quiz_completed", True),
        ("quiz_c", "quiz_completed", True),
        ("completed", "quiz_completed", False),
    ],
)
def test_a_word_from_the_start_cuts_no_number_in_two(word, text, is_found):
    assert matches(from_the_start(word), text) is is_found


@pytest.mark.parametrize("text", [None, 5, b"dracula"])
def test_in_what_is_no_text_nothing_is_found(text):
    assert not matches(anywhere("dracula"), text)


def test_a_text_made_to_be_slow_is_not():
    """Backtracking would need more than 10^30 steps for this."""
    word = "a" * (max(FUZZY_LENGTHS) - 1) + "b"
    assert not matches(anywhere(word), "a" * 5000)
    assert not matches(anywhere("ab" * 15 + "c"), "ab " * 2000 + "ab" * 2000)
    for text in ("æe" * 2000, "äe" * 2000, "a\u0308\u030a" * 2000, "æ " * 2000):
        assert not matches(anywhere("ae" * 15 + "c"), text)
        assert not matches(anywhere("aee" * 33 + "c"), text)


@pytest.mark.parametrize(
    ("word", "text", "is_found"),
    [
        ("4b", "4B", True),
        ("4b", "4b plus", False),
        ("4b", "14b", False),
        ("muller", "Müller", True),
        ("mueller", "Mu\u0308ller", True),
        ("cafe", "Café\n", False),
        ("", "", True),
        ("", "a", False),
    ],
)
def test_a_whole_word_is_all_of_the_text(word, text, is_found):
    assert matches(whole(word), text) is is_found
