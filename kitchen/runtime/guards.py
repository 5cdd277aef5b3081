"""What a step's `timeout:` and `retry:` put around its function."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import Any

from kitchen.ir.expr import EvaluationError
from kitchen.ir.program import Retry, Stage
from kitchen.runtime.events import Retrying
from kitchen.runtime.manifest import StorageError
from kitchen.runtime.ports import AdapterError, DataError
from kitchen.runtime.world import World


class Stopped(BaseException):
    """The run was asked to stop, and has; it can be resumed from its last checkpoint."""


def guarded(op: Stage, function: Callable[..., Any], world: World) -> Callable[..., Any]:
    """The function with the step's timeout, and that with its retries, around it."""
    timeout, retry = op.annotations.timeout, op.annotations.retry
    if timeout is None and retry is None:
        return function
    timed = function if timeout is None else _timed(function, timeout)

    def settled(*args: Any, **kwargs: Any) -> Any:
        result = timed(*args, **kwargs)
        return result.result(timeout) if isinstance(result, Future) else result

    return settled if retry is None else _retried(op, settled, retry, world)


def _timed(function: Callable[..., Any], timeout: float) -> Callable[..., Any]:
    """The function, given up after so many seconds. Its thread goes on, but keeps nothing up."""

    def timed(*args: Any, **kwargs: Any) -> Any:
        outcome: Future[Any] = Future()

        def work() -> None:
            try:
                outcome.set_result(function(*args, **kwargs))
            except BaseException as cause:
                outcome.set_exception(cause)

        Thread(target=work, name="timed", daemon=True).start()
        try:
            return outcome.result(timeout)
        except TimeoutError:
            if outcome.done():
                raise
            raise StageTimeout(f"it took longer than its `timeout:` of {timeout:g} s") from None

    return timed


class StageTimeout(Exception):
    """A step took longer than its `timeout:` allows."""


def is_worth_retrying(error: BaseException) -> bool:
    """Whether a second try can go differently: not for bad data, bad settings, a full disk."""
    if isinstance(error, AdapterError):
        return error.transient
    if isinstance(error, OSError):
        return isinstance(error, ConnectionError | TimeoutError | InterruptedError)
    return isinstance(error, Exception) and not isinstance(
        error,
        DataError | EvaluationError | StorageError | MemoryError | TypeError | AssertionError,
    )


def _retried(
    op: Stage, function: Callable[..., Any], retry: Retry, world: World
) -> Callable[..., Any]:
    """Capped exponential back-off with full jitter, in one place only."""
    from tenacity import Retrying as Attempts
    from tenacity import retry_if_exception, stop_after_attempt, wait_random_exponential

    def pause(seconds: float) -> None:
        if world.wait(seconds):
            raise Stopped

    def tell(state: Any) -> None:
        error, wait = state.outcome.exception(), state.next_action.sleep
        world.emit(Retrying(op, state.attempt_number, wait, str(error)))

    def retried(*args: Any, **kwargs: Any) -> Any:
        attempts = Attempts(
            stop=stop_after_attempt(retry.times + 1),
            wait=wait_random_exponential(multiplier=retry.backoff, max=retry.max_backoff),
            retry=retry_if_exception(is_worth_retrying),
            sleep=pause,
            before_sleep=tell,
            reraise=True,
        )
        return attempts(function, *args, **kwargs)

    return retried
