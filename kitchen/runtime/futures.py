"""Futures that are there at once, and futures made of futures: nothing here waits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from threading import Lock
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")


def resolved(work: Callable[[], A]) -> Future[A]:
    """The result of work done here and now; a failure comes out where the result is read."""
    future: Future[A] = Future()
    try:
        future.set_result(work())
    except Exception as fault:
        future.set_exception(fault)
    return future


def gather(futures: Sequence[Future[A]], combine: Callable[[list[A]], B]) -> Future[B]:
    """What `combine` makes of all the results, once the last of them is there.

    The first failure in the order given is the failure of the whole.
    """
    whole: Future[B] = Future()
    whole.set_running_or_notify_cancel()  # it is under way: it can no longer be cancelled
    lock, left = Lock(), len(futures)

    def settle() -> None:
        try:
            whole.set_result(combine([future.result() for future in futures]))
        except Exception as fault:
            whole.set_exception(fault)

    def arrived(_: Future[A]) -> None:
        nonlocal left
        with lock:
            left -= 1
            last = left == 0
        if last:
            settle()

    if not futures:
        settle()
    for future in futures:
        future.add_done_callback(arrived)
    return whole
