"""An adapter that lives in one process cannot serve several tasks, and serves one."""

from __future__ import annotations

from kitchen.compiler.partition import partition
from kitchen.ir.render import render_text
from kitchen.runtime.plugins import adapters, installed
from tests.architecture import ROOT
from tests.conftest import Golden
from tests.recipes.running import compile_file

FEEDBACK = ROOT / "recipes/feedback.yaml"


def test_a_memory_that_several_tasks_use_is_refused(golden: Golden) -> None:
    program = compile_file(FEEDBACK, adapters__registry="memory").program
    _, faults = partition(program, installed())
    assert render_text(faults) == golden


def test_one_that_others_find_serves_them_all() -> None:
    _, faults = partition(compile_file(FEEDBACK).program, installed())
    assert faults == ()


def test_one_task_may_have_a_memory_of_its_own() -> None:
    """Stages that share a session are one task, and so may share a memory."""
    program = compile_file(ROOT / "recipes/sft.yaml", adapters__blobs="memory").program
    graph, faults = partition(program, installed())
    assert len(list(graph.tasks())) > 1
    assert faults == ()


def test_what_is_in_memory_says_so() -> None:
    told = {
        f"{port}/{name}": adapter.shared
        for port, found in adapters().items()
        for name, adapter in found.items()
    }
    assert not told["blobs/memory"]
    assert not told["registry/memory"]
    assert all(shared for name, shared in told.items() if not name.endswith("/memory"))
