"""The queue of requests to the worker's thread; results are futures."""

import queue
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from readwatch.domain.errors import ReadwatchError, internal_error

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Request(Generic[Result]):
    """Work for the worker's thread, and the future of its result.

    With `retry_on_failure` the request waits for `retry_failed` after a failure of the database.
    """

    work: Callable[[], Result]
    future: Future[Result]
    retry_on_failure: bool


class RequestQueue:
    """Any thread may call `submit` and `wake`; the worker's thread calls the other methods.

    A future fails with a `ReadwatchError`. It is cancelled if its work raises `CancelledError`.
    """

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[Request[Any] | None] = queue.SimpleQueue()
        self._failed: list[Request[Any]] = []

    def submit(
        self, work: Callable[[], Result], *, retry_on_failure: bool = False
    ) -> Future[Result]:
        """Add a request and return the future of its result."""
        future: Future[Result] = Future()
        self._waiting.put(Request(work, future, retry_on_failure))
        return future

    def wake(self) -> None:
        """Make `take` return at once."""
        self._waiting.put(None)

    def take(self, timeout: float) -> Request[Any] | None:
        """Return the next request; None if there is none within `timeout` seconds."""
        with suppress(queue.Empty):
            return self._waiting.get(timeout=timeout)
        return None

    def run(self, request: Request[Any]) -> None:
        """Run the work of a request and set its future; do nothing if the future was cancelled."""
        if request.future.cancelled():
            return
        with suppress(InvalidStateError):
            try:
                result = request.work()
            except CancelledError:
                request.future.cancel()
            except ReadwatchError as error:
                if request.retry_on_failure:
                    self._failed.append(request)
                else:
                    request.future.set_exception(error)
            except Exception as error:  # noqa: BLE001 - its message could contain personal data
                request.future.set_exception(internal_error(error))
            else:
                request.future.set_result(result)

    def retry_failed(self) -> None:
        """Submit again the requests that failed and are retried."""
        for request in self._failed:
            self._waiting.put(request)
        self._failed = []

    def cancel_failed(self) -> None:
        """Cancel the requests that failed and wait to be retried."""
        for request in self._failed:
            request.future.cancel()
        self._failed = []

    def cancel_all(self) -> None:
        """Cancel all requests that wait, because the thread has ended."""
        self.cancel_failed()
        with suppress(queue.Empty):
            while True:
                request = self._waiting.get_nowait()
                if request is not None:
                    request.future.cancel()
