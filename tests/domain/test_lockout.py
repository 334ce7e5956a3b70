"""Guessing is slow, and nobody is locked out for ever."""

from datetime import timedelta

import pytest
from conftest import NOON

from readwatch.domain.lockout import (
    FAILURE_EXPIRES_AFTER,
    LIMITS,
    Failures,
    FailureScope,
    failure_keys,
    scope_delay,
)


@pytest.mark.parametrize("counted", FailureScope)
def test_the_first_failures_are_free_then_each_wait_is_twice_the_one_before(counted):
    free = LIMITS[counted].free
    waits = [scope_delay(counted, Failures(free + more, NOON), NOON) for more in range(-1, 4)]
    assert waits == [timedelta(seconds=seconds) for seconds in (0, 1, 2, 4, 8)]


@pytest.mark.parametrize("counted", FailureScope)
def test_no_wait_is_longer_than_the_longest(counted):
    assert scope_delay(counted, Failures(10**6, NOON), NOON) == LIMITS[counted].longest


def test_a_stranger_elsewhere_can_never_make_a_reader_wait_for_more_than_half_a_minute():
    theirs, ours = (
        failure_keys("ann@example.org", "10.0.0.9"),
        failure_keys("ann@example.org", "10.0.0.1"),
    )
    shared = {counted for counted in FailureScope if theirs[counted] == ours[counted]}
    assert shared == {FailureScope.ACCOUNT}
    assert LIMITS[FailureScope.ACCOUNT].longest <= timedelta(seconds=30)


def test_time_takes_failures_back():
    remembered = Failures(7, NOON)
    assert [remembered.left(NOON + n * FAILURE_EXPIRES_AFTER) for n in range(9)] == [
        *range(7, -1, -1),
        0,
    ]
    assert remembered.left(NOON - timedelta(days=1)) == 7


def test_nobody_waits_for_a_clock_that_was_set_back():
    free = LIMITS[FailureScope.ACCOUNT].free
    remembered = Failures(free + 3, NOON)
    waits = [
        scope_delay(FailureScope.ACCOUNT, remembered, NOON - timedelta(seconds=seconds))
        for seconds in (0, 8, 9, 86_400)
    ]
    assert waits == [timedelta(seconds=seconds) for seconds in (8, 16, 0, 0)]


def test_nothing_is_remembered_of_what_was_typed():
    hashes = failure_keys("Ann@example.org", "10.0.0.1")
    assert hashes == failure_keys("ann@example.org", "10.0.0.1")
    assert all(len(subject) == 64 and "ann" not in subject for subject in hashes.values())
    assert len(set(hashes.values())) == 3


def test_a_wrong_code_without_an_e_mail_counts_for_its_address_only():
    keys = failure_keys(None, "10.0.0.1")
    assert keys == {FailureScope.ADDRESS: failure_keys("a@b.org", "10.0.0.1")[FailureScope.ADDRESS]}
