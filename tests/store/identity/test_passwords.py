"""Password hashes."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from time import sleep

import pytest

from readwatch.domain.errors import ErrorKind, ReadwatchError
from readwatch.store.identity import passwords
from readwatch.store.identity.passwords import (
    LONGEST_RETRY_SECONDS,
    HashingPool,
    hash_password,
    password_matches,
)

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


# The queue --------------------------------------------------------------------------------------


def refusal_of(queue: HashingPool) -> ReadwatchError:
    with pytest.raises(ReadwatchError) as refused:
        queue.wait_for(str)
    return refused.value


def retry_seconds(refusal: ReadwatchError) -> int:
    assert refusal.retry_after is not None
    return refusal.retry_after


@contextmanager
def full(queue: HashingPool, places: int):
    """Keep all places of a queue taken."""
    go_on = Event()
    with ThreadPoolExecutor(places) as threads:
        answers = [threads.submit(queue.wait_for, go_on.wait) for _ in range(places)]
        while queue._slots._value:
            sleep(0)  # lets the other threads go first
        try:
            yield
        finally:
            go_on.set()
        for answer in answers:
            answer.result()


def test_each_login_that_finds_the_queue_full_gets_its_own_retry_time(monkeypatch):
    queue = HashingPool(threads=1, max_waiting=8)
    with full(queue, 8):
        monkeypatch.setattr(passwords, "monotonic", lambda: 0.0)  # all of them come at once
        refusals = [refusal_of(queue) for _ in range(40)]
    assert {refusal.kind for refusal in refusals} == {ErrorKind.THROTTLED}
    seconds = [retry_seconds(refusal) for refusal in refusals]
    assert seconds == sorted(seconds)
    assert seconds[0] >= 2
    assert 4 <= max(Counter(seconds).values()) <= 5, "a usual hash takes a quarter of a second"
    assert queue.wait_for(str, 5) == "5"


def test_nobody_is_sent_away_for_long():
    queue = HashingPool(threads=1, max_waiting=1)
    with full(queue, 1):
        assert max(retry_seconds(refusal_of(queue)) for _ in range(500)) == LONGEST_RETRY_SECONDS
