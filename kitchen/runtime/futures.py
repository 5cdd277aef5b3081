"""Futures made of futures: nothing here waits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")


def gather(futures: Sequence[Future[A]], combine: Callable[[list[A]], B]) -> Future[B]:
    """What `combine` makes of all the results, once the last of them is there.

    The first failure in the order given is the failure of the whole.
    """
    whole: Future[B] = Future()
    missing = set(range(len(futures)))

    def settle() -> None:
        try:
            whole.set_result(combine([future.result() for future in futures]))
        except Exception as fault:
            whole.set_exception(fault)

    def arrived(index: int) -> None:
        missing.discard(index)
        if not missing and not whole.done():
            settle()

    if not futures:
        settle()
    for index, future in enumerate(futures):
        future.add_done_callback(lambda _, index=index: arrived(index))
    return whole
