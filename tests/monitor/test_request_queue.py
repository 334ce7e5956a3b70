"""The requests to a thread: each future gets the result, a safe error, or is cancelled."""

from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from functools import partial

import pytest

from readwatch.domain.errors import ReadwatchError, unavailable
from readwatch.monitor.request_queue import RequestQueue


def run_all(requests: RequestQueue) -> None:
    """Run the requests that wait, as the thread does."""
    requests.wake()
    while request := requests.take(timeout=0):
        requests.run(request)


def raising(*errors: Exception) -> Callable[[], int]:
    """Return work that raises these errors, one a call, and then returns 42."""
    remaining = list(errors)

    def work() -> int:
        if remaining:
            raise remaining.pop(0)
        return 42

    return work


def test_a_future_gets_the_result() -> None:
    requests = RequestQueue()
    future = requests.submit(raising())
    run_all(requests)
    assert future.result(0) == 42


def test_a_future_fails_with_an_error_that_may_be_shown() -> None:
    requests = RequestQueue()
    refused = requests.submit(raising(unavailable("the database is busy")))
    failed = requests.submit(raising(ValueError("Ann Archer")))
    run_all(requests)
    with pytest.raises(ReadwatchError, match="the database is busy"):
        refused.result(0)
    with pytest.raises(ReadwatchError, match=r"internal error: ValueError$"):
        failed.result(0)


def test_work_that_raises_cancelled_error_cancels_its_future() -> None:
    requests = RequestQueue()
    future = requests.submit(raising(CancelledError()))
    run_all(requests)
    assert future.cancelled()


def test_work_that_is_cancelled_before_it_begins_is_not_done() -> None:
    requests, done = RequestQueue(), list[bool]()
    future = requests.submit(lambda: done.append(True))
    assert future.cancel()
    run_all(requests)
    assert done == []


def test_the_result_for_a_future_that_is_cancelled_meanwhile_is_dropped() -> None:
    requests, futures = RequestQueue(), list[Future[int]]()

    def cancelled_meanwhile(work: Callable[[], int]) -> int:
        futures[-1].cancel()
        return work()

    for work in (raising(), raising(unavailable("busy")), raising(ValueError())):
        futures.append(requests.submit(partial(cancelled_meanwhile, work)))
        run_all(requests)
        assert futures[-1].cancelled()


def test_a_retried_request_waits_after_a_failure_until_it_is_retried() -> None:
    requests = RequestQueue()
    future = requests.submit(
        raising(unavailable("busy"), unavailable("busy")), retry_on_failure=True
    )
    for _ in range(2):
        run_all(requests)
        assert not future.done()
        requests.retry_failed()
    run_all(requests)
    assert future.result(0) == 42


def test_only_the_failed_requests_can_be_cancelled_or_all() -> None:
    requests = RequestQueue()
    failed = requests.submit(raising(unavailable("busy")), retry_on_failure=True)
    run_all(requests)
    waiting = requests.submit(raising())
    requests.cancel_failed()
    assert failed.cancelled()
    assert not waiting.done()
    requests.cancel_all()
    assert waiting.cancelled()
    assert requests.take(timeout=0) is None
