"""The shelf."""

import re
from random import Random

import pytest

from readwatch.demo.books import CATALOGUE, LEVELS, Book, pick


def test_the_catalogue_holds_many_books_in_many_languages() -> None:
    assert len(CATALOGUE) >= 40
    assert len({book.language for book in CATALOGUE}) >= 12


def test_no_two_books_share_a_content_id() -> None:
    assert len({book.content_id for book in CATALOGUE}) == len(CATALOGUE)


@pytest.mark.parametrize("book", CATALOGUE, ids=lambda book: book.content_id)
def test_every_book_fits_the_contract(book: Book) -> None:
    assert re.fullmatch(r"[a-z0-9-]{1,255}", book.content_id)
    assert 0 < len(book.title) <= 500
    assert book.author
    assert book.chapters >= 1
    assert book.level in LEVELS


def test_a_reader_mostly_gets_books_in_their_own_language() -> None:
    rng = Random(1)
    languages = [pick("ja", "C1", (), rng).language for _ in range(300)]
    assert languages.count("ja") > 100
    assert set(languages) > {"ja", "en"}


def test_a_finished_book_comes_again_only_when_all_are_finished() -> None:
    rng = Random(2)
    finished: set[str] = set()
    while len(finished) < len(CATALOGUE):
        book = pick("de", "B1", finished, rng)
        assert book.content_id not in finished
        finished.add(book.content_id)
    assert pick("de", "B1", finished, rng) in CATALOGUE
