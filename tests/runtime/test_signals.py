"""The first signal asks, the second Ctrl-C insists: in processes of their own."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time

import pytest

from kitchen.runtime.signals import StopRequest

#: Takes steps until asked to stop; then either stops, or does not until it is made to.
STEPS = """
import sys
from kitchen.runtime.signals import StopRequest
try:
    with StopRequest() as stop:
        print("ready", flush=True)
        while not stop.wait(600):
            pass
        print("asked by", stop.signal.name, flush=True)
        while sys.argv[1] == "stubborn":
            pass
    sys.exit(75)
except KeyboardInterrupt:
    sys.exit(130)
"""


def signalled(behaviour: str, *numbers: signal.Signals) -> tuple[list[str], int]:
    """What a process says, line by line, when it is sent a signal after each line."""
    command = [sys.executable, "-c", STEPS, behaviour]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        said = []
        for number in numbers:
            said.append(process.stdout.readline().strip())
            process.send_signal(number)
        said += process.stdout.read().split("\n")[:-1]
        return said, process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_asks(number: signal.Signals) -> None:
    said, code = signalled("willing", number)
    assert said == ["ready", f"asked by {number.name}"]
    assert code == 75


@pytest.mark.parametrize("first", [signal.SIGTERM, signal.SIGINT])
def test_the_next_interrupt_insists(first: signal.Signals) -> None:
    said, code = signalled("stubborn", first, signal.SIGINT)
    assert said == ["ready", f"asked by {first.name}"]
    assert code == 130


def test_a_second_sigterm_only_repeats() -> None:
    with StopRequest() as stop:
        for _ in range(3):
            signal.raise_signal(signal.SIGTERM)
        assert stop.requested
        assert stop.signal is signal.SIGTERM


def test_a_signal_before_a_step_is_seen_after_it() -> None:
    """The flag alone changes; whatever ran goes on."""
    with StopRequest() as stop:
        total = 0
        for number in range(100):
            if number == 50:
                signal.raise_signal(signal.SIGINT)
            total += number
        assert (total, stop.requested, stop.signal) == (4950, True, signal.SIGINT)


def test_what_listened_before_listens_again() -> None:
    heard = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
    try:
        with StopRequest() as stop:
            signal.raise_signal(signal.SIGTERM)
        assert (heard, stop.requested) == ([], True)
        signal.raise_signal(signal.SIGTERM)
        assert heard == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)


def test_waiting_ends_by_itself() -> None:
    begun = time.monotonic()
    assert StopRequest().wait(0.01) is False
    assert time.monotonic() - begun >= 0.01


def test_a_request_wakes_all_who_wait() -> None:
    stop = StopRequest()
    woken: list[bool] = []
    threads = [threading.Thread(target=lambda: woken.append(stop.wait(600))) for _ in range(3)]
    for thread in threads:
        thread.start()
    stop.request()
    stop.request()
    for thread in threads:
        thread.join()
    assert woken == [True] * 3
    assert stop.wait(600)


def test_off_the_main_thread_no_signal_is_taken() -> None:
    before = signal.getsignal(signal.SIGINT)
    seen = []

    def listen() -> None:
        with StopRequest():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    assert seen == [before]
