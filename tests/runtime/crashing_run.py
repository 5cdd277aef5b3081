"""Runs `kitchen` in processes that die at a named point: `tests/runtime/kill.py` says how.

Run as a module it reads one request a line, `{"arguments": [...], "point": ..., "fault": ...}`,
forks for each, and answers with the exit code. What takes long to import is imported once.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from kitchen.runtime import checkpoint, encoding, plugins, store
from kitchen.runtime.position import Frame
from kitchen.runtime.run_directory import RunDirectory
from tests.runtime.faulty_disk import FaultySystem

#: Imported before the first fork where it is installed; a run would import it anyway.
HEAVY = ("pyarrow.parquet", "kitchen.runtime.adapters.torch.training")

# ---------------------------------------------------------------------------------------- points


def arm(point: str) -> None:
    """Arrange for the process to get a signal at a point.

    "before forward_backward 3" and "after optim_step 2" count calls of a stage; "commit 2 7" is
    before the seventh call to the disk of the second checkpoint, "disk 40" before the fortieth of
    all. The signal is SIGKILL, or those named last: "after optim_step 2 SIGINT SIGINT". At
    "full 40" there is no signal, but no room on the disk for that call.
    """
    words = [word for word in point.split() if not word.startswith("SIG")]
    named = [signal.Signals[word] for word in point.split() if word.startswith("SIG")]
    match words:
        case ["before" | "after" as when, name, count]:
            functions = plugins.functions()
            plugins.functions = lambda: _Watched(
                functions, name, when, int(count), named or [signal.SIGKILL]
            )
        case ["disk", count]:
            store.system = FaultySystem(at=int(count), fault="sigkill").system()
        case ["full", count]:
            store.system = FaultySystem(at=int(count), fault="ENOSPC").system()
        case ["commit", commit, count]:
            _arm_commit(int(commit), int(count))
        case _:
            raise ValueError(point)


class _Watched(Mapping[str, Any]):
    """The stages, one of which sends a signal at one of its calls."""

    def __init__(
        self,
        functions: Mapping[str, Any],
        name: str,
        when: str,
        at: int,
        numbers: Sequence[signal.Signals],
    ) -> None:
        self._functions, self._name = functions, name
        self._when, self._at, self._numbers = when, at, numbers

    def __getitem__(self, name: str) -> Any:
        function = self._functions[name]
        return self._watch(function) if name == self._name else function

    def __iter__(self) -> Any:
        return iter(self._functions)

    def __len__(self) -> int:
        return len(self._functions)

    def _watch(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def watched(*args: Any, **kwargs: Any) -> Any:
            self._at -= 1
            due = self._at == 0
            if due and self._when == "before":
                self._send()
            result = function(*args, **kwargs)
            if due and self._when == "after":
                self._send()
            return result

        return watched

    def _send(self) -> None:
        for number in self._numbers:
            os.kill(os.getpid(), number)


def _arm_commit(commit: int, count: int) -> None:
    commits = 0
    real = RunDirectory.commit_checkpoint

    def commit_checkpoint(self: RunDirectory, *args: Any, **kwargs: Any) -> Any:
        nonlocal commits
        commits += 1
        if commits == commit:
            store.system = FaultySystem(at=count, fault="sigkill").system()
        made = real(self, *args, **kwargs)
        store.system = store.SystemCalls()
        return made

    RunDirectory.commit_checkpoint = commit_checkpoint  # type: ignore[method-assign]


# ---------------------------------------------------------------------------------------- faults


def _random_state_is_lost() -> None:
    from kitchen.runtime.adapters.torch import state

    real = state.load

    def load(session: Any, folder: Path, **kwargs: Any) -> None:
        fresh = session.random.state
        real(session, folder, **kwargs)
        session.random.state = fresh

    state.load = load


def _optimizer_starts_afresh() -> None:
    for module, name in (("torch", "TorchTraining"), ("noop", "NoopTraining")):
        training = importlib.import_module(f"kitchen.runtime.adapters.{module}.training")
        cls = getattr(training, name)
        cls.load_state_with_optimizer = cls.load_state


def _cursor_moves(by: int) -> None:
    real = checkpoint.Checkpoints.load

    def load(self: Any, *args: Any) -> Any:
        *outer, last = real(self, *args)
        return (*outer, Frame(last.op, last.number + by))

    checkpoint.Checkpoints.load = load  # type: ignore[assignment, method-assign]


def _metrics_are_not_rewound() -> None:
    from kitchen.runtime.environment import WatchedMetrics

    WatchedMetrics.rewind = lambda self, position: None  # type: ignore[method-assign]


def _values_are_forgotten() -> None:
    def decode(encoded: Mapping[str, Any], *more: Any) -> Any:
        return None if "Best" in str(encoded) else encoding.decode(encoded, *more)

    vars(checkpoint)["decode"] = decode


#: What a resumed run may do wrong, by name; each must change what the run ends with.
FAULTS: dict[str, Callable[[], None]] = {
    "the random state is lost": _random_state_is_lost,
    "the optimizer starts afresh": _optimizer_starts_afresh,
    "a step is done twice": lambda: _cursor_moves(-1),
    "a step is left out": lambda: _cursor_moves(1),
    "metrics are not rewound": _metrics_are_not_rewound,
    "the best evaluation is forgotten": _values_are_forgotten,
}


def _reference_is_scored_again() -> None:
    from kitchen.ir.spec import Effect
    from kitchen.runtime.stages.scoring import score_reference

    score_reference.spec = replace(score_reference.spec, effect=Effect.PURE)  # type: ignore[attr-defined]
    checkpoint._must_be_as_it_was = lambda op, value: None


#: The same of one workflow alone.
PREFERENCE_FAULTS: dict[str, Callable[[], None]] = {
    "the reference is scored again": _reference_is_scored_again,
}

# ---------------------------------------------------------------------------------------- server


def _run(request: dict[str, Any]) -> None:
    """Be the process of one request."""
    output = os.open(request["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ.update(request["environment"])
    if request["point"]:
        arm(request["point"])
    if request["fault"]:
        (FAULTS | PREFERENCE_FAULTS)[request["fault"]]()
    from kitchen.cli.application import main

    code = 70
    try:
        code = main(request["arguments"])
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def serve() -> None:
    for module in HEAVY:
        importlib.import_module(module)
    print("ready", flush=True)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _run(json.loads(line))
        status = os.waitpid(child, 0)[1]
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    serve()
