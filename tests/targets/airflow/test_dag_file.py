"""The file of a DAG: a golden for each construct, and what holds of every one."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from kitchen.api import export
from kitchen.compiler.export import tasks_for
from kitchen.compiler.targets import TARGETS
from kitchen.compiler.targets.airflow.checks import MANY, PLAN, faults
from kitchen.compiler.targets.airflow.dag_file import dag_file
from kitchen.compiler.targets.airflow.lowering import Lowering
from kitchen.compiler.targets.airflow.naming import task_id
from kitchen.compiler.targets.airflow.settings import Settings
from kitchen.compiler.targets.airflow.whole import rounds_of
from kitchen.compiler.targets.target import Exported
from kitchen.ir.diagnostic import CompileError
from kitchen.ir.program import Loop, Map, Program
from kitchen.ir.render import render_text
from kitchen.ir.task_graph import Group, Node, Task, TaskGraph
from tests.cli.conftest import undigested
from tests.compiler.builders import program, stage, value
from tests.compiler.partition_cases import BUSY
from tests.compiler.random_programs import random_program
from tests.conftest import Golden
from tests.targets.airflow.exports import Exports
from tests.targets.cases import RECIPES

#: A golden for each of these; `map_of_one_task` and the like become nothing else.
NAMES = (
    "condition", "condition_in_a_map", "condition_of_values", "counted_loop", "diamond", "endings",
    "fixed_loop", "loop_in_a_map", "map", "map_in_a_loop", "map_over_a_known_list",
    "maps_in_a_loop", "nested_maps", "retries", "session", "sub_workflows", "until_loop",
)  # fmt: skip
PODS = {"operator": "kubernetes", "image": "registry.example/kitchen:1"}
SETTINGS = (
    None,
    PODS,
    *({"version": version} | more for version in ("2", "3") for more in ({}, PODS)),
)
FULL = {
    "operator": "kubernetes",
    "version": 3,
    "kitchen": ["python", "-m", "kitchen"],
    "image": "registry.example/kitchen:1",
    "image_pull_policy": "Always",
    "image_pull_secrets": ["registry"],
    "namespace": "training",
    "service_account": "trainer",
    "claim": "shared",
    "storage": "/data",
    "pool": "gpus",
    "max_active_tasks": 4,
    "preemptions": 2,
    "env": {"HF_HUB_OFFLINE": "1", "GREETING": "{% hello %}"},
    "secrets": {"HF_TOKEN": {"name": "hub", "key": "token"}},
    "node_selector": {"disk": "fast"},
    "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
    "volumes": [
        {"name": "scratch", "empty_dir": "memory"},
        {"name": "models", "claim": "models"},
        {"name": "keys", "secret": "keys"},
    ],
    "volume_mounts": [
        {"name": "scratch", "path": "/scratch"},
        {"name": "models", "path": "/models", "read_only": True},
        {"name": "keys", "path": "/keys", "sub_path": "ssh"},
    ],
}


def written(exports: Exports, name: str) -> str:
    return undigested((exports.dags / name / f"{name}.py").read_text(encoding="utf-8"))


def made(exports: Exports, recipe: str, settings: dict[str, Any] | None = None) -> str:
    name = exports.recipe(RECIPES / f"{recipe}.yaml", recipe, {}, settings)
    return written(exports, name)


@pytest.mark.parametrize("recipe", NAMES)
def test_a_construct(recipe: str, exports: Exports, golden: Golden) -> None:
    """What is above the DAG is the same in all, and has goldens of its own."""
    _, _, dag = made(exports, recipe).partition("\n\n\nwith DAG(")
    assert f"with DAG({dag}" == golden


def test_tasks_in_the_worker(exports: Exports, golden: Golden) -> None:
    """A whole file, with everything that can be said of a worker."""
    settings = {
        "kitchen": ["/opt/kitchen/bin/kitchen"],
        "runs": "/shared/runs",
        "base": "/shared/data",
        "env": {"HF_HUB_OFFLINE": "1", "QUOTES": "\"'\\"},
        "secrets": {"HF_TOKEN": {"variable": "hub_token"}},
        "tags": ["training", "it's"],
    }
    assert made(exports, "retries", settings) == golden


def test_tasks_in_pods(exports: Exports, golden: Golden) -> None:
    assert made(exports, "resources", PODS) == golden
    manifest = (exports.dags / "resources" / "configmap.yaml").read_text()
    assert '"plan.json": "{' in manifest


def test_pods_with_everything(exports: Exports, golden: Golden) -> None:
    assert made(exports, "map", FULL) == golden


@pytest.mark.parametrize("version", ["2", "3"])
def test_one_line_of_airflow(version: str, exports: Exports, golden: Golden) -> None:
    head, _, _ = made(exports, "retries", {"version": version}).partition("\nPLAN =")
    assert head == golden


def test_what_the_readme_says(exports: Exports, golden: Golden) -> None:
    made(exports, "loop_in_a_map")
    made(exports, "resources", FULL)
    texts = [
        (exports.dags / name / "README.md").read_text() for name in ("loop_in_a_map", "resources")
    ]
    assert undigested("\n".join(texts)) == golden("md")


def test_files_are_as_a_formatter_and_a_linter_leave_them(exports: Exports) -> None:
    made(exports, "map", FULL)
    for recipe in ("endings", "loop_in_a_map", "nested_maps", "retries"):
        for number, settings in enumerate(SETTINGS):
            path = RECIPES / f"{recipe}.yaml"
            exports.recipe(path, f"{recipe}-{number}", {}, settings)
    for words in (["format", "--check"], ["check", "--select", "E,F,I,B,UP,SIM"]):
        command = [sys.executable, "-m", "ruff", *words, "--isolated", "--line-length", "100"]
        done = subprocess.run([*command, exports.dags], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


# -------------------------------------------------------------------------------------- structure


def cut(program: Program) -> Exported:
    graph, _, _ = tasks_for(TARGETS["airflow"], program, BUSY)
    return Exported(program=program, graph=graph, plan=b"{}")


def waiting(text: str) -> dict[str, set[str]]:
    """The ids of the tasks in a file with those that each waits for, read from its syntax tree."""
    (block,) = (node for node in ast.parse(text).body if isinstance(node, ast.With))
    ids: dict[str, str] = {}
    found: dict[str, set[str]] = {}
    for line in block.body:
        match line:
            case ast.Assign(targets=[ast.Name(id=variable)], value=ast.Call() as call):
                (own,) = (
                    each.value.value
                    for each in ast.walk(call)
                    if isinstance(each, ast.keyword) and each.arg == "task_id"
                    if isinstance(each.value, ast.Constant)
                )
                assert own not in found
                read = {each.id for each in ast.walk(call) if isinstance(each, ast.Name)}
                found[own] = {ids[each] for each in read & ids.keys()}
                ids[variable] = own
            case ast.Expr(
                value=ast.Call(func=ast.Attribute(value=ast.Name(id=variable)), args=[before])
            ):
                assert isinstance(before, ast.List)
                found[ids[variable]] |= {ids[each.id] for each in before.elts}  # type: ignore[attr-defined]
    return found


def closure(direct: dict[str, set[str]]) -> dict[str, set[str]]:
    """All that each task waits for, in the end."""
    found: dict[str, set[str]] = {}
    for own, before in direct.items():  # each stands behind all that it waits for
        found[own] = set(before).union(*(found[each] for each in before))
    return found


def leaves(node: Node) -> Iterator[Task]:
    if isinstance(node, Task):
        yield node
    else:
        for graph in node.graphs:
            yield from graph.tasks()


def ids_of(task: Task, tail: str, known: dict[str, set[str]]) -> list[str]:
    """The ids of a task under a round of the loops around it."""
    plain = task_id(task.name) + tail
    return [each for each in known if each == plain or each.startswith(f"{plain}-")]


def broken_edges(
    graph: TaskGraph, tail: str, known: dict[str, set[str]], parameters: Any
) -> Iterator[str]:
    """Each edge of the task graph that a DAG does not keep."""
    nodes = {node.name: node for node in graph.nodes}
    for edge in graph.edges:
        for source in leaves(nodes[edge.source]):
            for target in leaves(nodes[edge.target]):
                for first in ids_of(source, tail, known):
                    for last in ids_of(target, tail, known):
                        if first not in known[last]:
                            yield f"{last} does not wait for {first}"
    for node in graph.nodes:
        if isinstance(node, Group):
            rounds = rounds_of(node.op, parameters) if isinstance(node.op, Loop) else None
            for inner in node.graphs:
                tails = [tail] if rounds is None else [f"{tail}-{n}" for n in range(rounds)]
                for each in tails:
                    yield from broken_edges(inner, each, known, parameters)


@pytest.mark.parametrize("seed", range(120))
def test_every_edge_of_the_task_graph_is_kept(seed: int) -> None:
    exported = cut(random_program(seed, 10 + seed % 40))
    units = Lowering(exported.program).whole(exported.graph)
    direct = waiting(dag_file(exported, units, Settings()))
    known = closure(direct)
    assert {*direct} == {unit.id for unit in units}
    parameters = {each.value: each.setting for each in exported.program.params}
    assert list(broken_edges(exported.graph, "", known, parameters)) == []
    lowering = Lowering(exported.program)
    ran = {each.partition("-")[0] for each in direct}
    assert {task_id(task.name) for task in to_be_run(exported.graph, lowering)} <= ran


def to_be_run(graph: TaskGraph, lowering: Lowering) -> Iterator[Task]:
    """Every task, but for those in loops and maps that are known to go round no time."""
    for node in graph.nodes:
        match node:
            case Task():
                yield node
            case Group(op=Loop() as op) if not rounds_of(op, lowering.parameters):
                continue
            case Group(op=Map()) if lowering.count(node) == 0:
                continue
            case _:
                for inner in node.graphs:
                    yield from to_be_run(inner, lowering)


# -------------------------------------------------------------------------------------- refusals


RECIPE = """\
kitchen: 1
recipe: example
workflow: ./workflows/{workflow}.yaml
targets:
  airflow:
{settings}
"""
WRONG = {
    "unknown": ("diamond", "    oprator: task"),
    "kinds": ("diamond", "    operator: pod\n    preemptions: -1\n    tags: training"),
    "of_pods": ("diamond", "    namespace: training"),
    "secret_of_a_pod": ("diamond", "    secrets: {A: {name: a, key: b}}"),
    "written_secret": ("diamond", "    secrets: {A: hunter2}"),
    "two_sources": ("diamond", "    env: {A: b}\n    secrets: {A: {variable: a}}"),
    "no_volume": ("diamond", "    operator: kubernetes\n    volume_mounts: [{name: x, path: /x}]"),
    "several_machines": ("nodes", "    operator: kubernetes\n    image: kitchen:1"),
    "images_in_the_worker": ("resources", "    operator: task"),
    "no_image": ("diamond", "    operator: kubernetes"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_refused(name: str, exports: Exports, golden: Golden) -> None:
    workflow, settings = WRONG[name]
    path = exports.recipes / "example.yaml"
    path.write_text(RECIPE.format(workflow=workflow, settings=settings))
    with pytest.raises(CompileError) as caught:
        export(path, "airflow", exports.dags / "out")
    assert render_text(caught.value.diagnostics).replace(str(exports.recipes), "") == golden
    assert not (exports.dags / "out").exists()


def test_what_is_large_is_said(golden: Golden) -> None:
    ops = []
    for index in range(MANY // 2 + 1):
        ops.append(stage("sense", value(f"x{index}"), called=f"s{index}"))
        ops.append(stage("report", value=value(f"x{index}"), called=f"r{index}"))
    exported = cut(program(*ops))
    units = Lowering(exported.program).whole(exported.graph)
    said = list(faults(exported, units, Settings()))
    pods = Settings(operator="kubernetes", image="kitchen:1")
    large = replace(exported, plan=b" " * (PLAN + 1))
    said += [each for each in faults(large, [], pods) if each.code == "K535"]
    assert render_text(said) == golden


def test_a_wide_map_is_said(exports: Exports, golden: Golden) -> None:
    recipe = exports.recipes / "map_over_a_known_list.yaml"
    words = " ".join(f"w{number}" for number in range(1500))
    found = export(recipe, "airflow", exports.dags / "out", overrides={"names": words.split()})
    (wide,) = (each for each in found if each.code == "K537")
    assert "mapped over 1,500 items" in wide.message
    text = (exports.dags / "out" / "map-over-a-known-list.py").read_text()
    assert "expand(at=list(map(str, range(1500))))" in text
