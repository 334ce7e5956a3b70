"""Password hashes."""

import pytest

from readwatch.store.passwords import hash_password, password_matches

COST = 4


def test_a_hash_says_its_cost_and_not_the_password():
    kept = hash_password("correct horse battery", COST)
    assert kept.startswith("$2b$04$")
    assert "horse" not in kept


def test_the_same_password_never_has_the_same_hash_and_matches_each():
    one, other = (hash_password("correct horse battery", COST) for _ in range(2))
    assert one != other
    assert password_matches("correct horse battery", one)
    assert password_matches("correct horse battery", other)


@pytest.mark.parametrize("password", ["x" * 72, "ü" * 36, "NUL\0inside", "日本語のパスワード"])
def test_a_password_matches_by_all_of_its_bytes(password):
    kept = hash_password(password, COST)
    assert password_matches(password, kept, COST)
    assert not password_matches(password[:-1], kept, COST)
    assert not password_matches(password + "x", kept, COST)


def test_without_an_account_no_password_matches():
    assert not password_matches("no such account", None, COST)
