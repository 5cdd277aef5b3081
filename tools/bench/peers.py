"""What kitchen is measured beside: the same chain of steps, `x + 1`, written for each peer."""

from __future__ import annotations

import importlib
import inspect
import logging
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

# None of them is to report this machine to its makers.
os.environ.update(
    DO_NOT_TRACK="1",
    HAMILTON_TELEMETRY_ENABLED="false",
    KEDRO_DISABLE_TELEMETRY="1",
    LANGSMITH_TRACING="false",
)

Work = Callable[[], object]


def available(
    peers: Mapping[str, tuple[str, Callable[[int], Work]]], steps: Mapping[str, int]
) -> Iterator[tuple[str, Work]]:
    """Each peer that is installed, its work of so many steps ready; the others are named."""
    logging.disable(logging.WARNING)
    for name, (package, make) in peers.items():
        if find_spec(package) is None:
            print(f"  {name} is not installed: left out")
            continue
        yield name, make(steps[name])


def increment(x: int) -> int:
    return x + 1


increment.__annotations__ = {"x": int, "return": int}  # KFP reads types, not their spelling


def named(index: int) -> Callable[..., int]:
    """A function `v2(v1) -> int`, as Hamilton reads its graph from names."""

    def step(**inputs: int) -> int:
        return next(iter(inputs.values())) + 1

    parameter = inspect.Parameter(f"v{index}", inspect.Parameter.KEYWORD_ONLY, annotation=int)
    step.__name__ = step.__qualname__ = f"v{index + 1}"
    step.__signature__ = inspect.Signature([parameter], return_annotation=int)  # type: ignore[attr-defined]
    step.__annotations__ = {f"v{index}": int, "return": int}
    return step


def hamilton_driver(count: int) -> Any:
    from hamilton import ad_hoc_utils, base, driver

    module = ad_hoc_utils.create_temporary_module(*[named(index) for index in range(count)])
    return driver.Builder().with_modules(module).with_adapters(base.DictResult()).build()


def hamilton_run(count: int) -> Work:
    graph, last = hamilton_driver(count), f"v{count}"

    def run() -> None:
        assert graph.execute([last], inputs={"v0": 0})[last] == count

    return run


def langgraph_run(count: int) -> Work:
    from langgraph.graph import END, START, StateGraph

    graph = StateGraph(dict)
    names = [f"v{index}" for index in range(count)]
    for name in names:
        graph.add_node(name, lambda state: {"x": state["x"] + 1})
    for before, after in zip([START, *names], [*names, END], strict=True):
        graph.add_edge(before, after)
    app = graph.compile()

    def run() -> None:
        assert app.invoke({"x": 0}, {"recursion_limit": count + 2})["x"] == count

    return run


def kedro_run(count: int) -> Work:
    from kedro.io import DataCatalog, MemoryDataset
    from kedro.pipeline import node, pipeline
    from kedro.runner import SequentialRunner

    steps = [node(increment, f"v{i}", f"v{i + 1}", name=f"n{i}") for i in range(count)]
    graph = pipeline(steps)

    def run() -> None:
        found = SequentialRunner().run(graph, DataCatalog({"v0": MemoryDataset(0)}))
        assert found[f"v{count}"].load() == count

    return run


def dagster_run(count: int) -> Work:
    import dagster

    step = dagster.op(name="step", ins={"x": dagster.In(int)}, out=dagster.Out(int))(increment)
    zero = dagster.op(name="zero", out=dagster.Out(int))(lambda: 0)

    def chain() -> None:
        x = zero()
        for index in range(count):
            x = step.alias(f"n{index}")(x)

    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    job = dagster.job(config=quiet)(chain)

    def run() -> None:
        with dagster.DagsterInstance.ephemeral() as instance:
            done = job.execute_in_process(instance=instance)
            assert done.output_for_node(f"n{count - 1}") == count

    return run


def hamilton_build(count: int) -> Work:
    return lambda: hamilton_driver(count)


def hera_text(count: int) -> Callable[[], str]:
    """The chain as Hera writes it for Argo: one template, and a call of it for each step."""
    hera = importlib.import_module("hera.workflows")

    def build() -> str:
        with hera.Workflow(name="chain", entrypoint="dag", namespace="default") as workflow:
            step = hera.Container(
                name="step",
                image="kitchen",
                args=["{{inputs.parameters.x}}"],
                inputs=[hera.Parameter(name="x")],
                outputs=[hera.Parameter(name="x", value_from=hera.models.ValueFrom(path="/x"))],
            )
            with hera.DAG(name="dag"):
                before = None
                for index in range(count):
                    x = "0" if before is None else before.get_parameter("x")
                    task = step(name=f"add-{index}", arguments={"x": x})
                    if before is not None:
                        before >> task
                    before = task
        return str(workflow.to_yaml())

    return build


def kfp_text(count: int) -> Callable[[], str]:
    """The chain as KFP writes it, of which its backend makes what Argo keeps."""
    from kfp import compiler, dsl

    step = dsl.component(increment, base_image="kitchen")

    def build() -> str:
        def chain(x: int) -> None:
            for _ in range(count):
                x = step(x=x).output

        chain.__annotations__ = {"x": int, "return": None}
        with scratch() as folder:
            file = folder / "chain.yaml"
            compiler.Compiler().compile(dsl.pipeline(name="chain")(chain), str(file))
            return file.read_text(encoding="utf-8")

    return build


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


RUNS: Mapping[str, tuple[str, Callable[[int], Work]]] = {
    "Hamilton": ("hamilton", hamilton_run),
    "LangGraph": ("langgraph", langgraph_run),
    "Kedro": ("kedro", kedro_run),
    "Dagster": ("dagster", dagster_run),
}
BUILDS: Mapping[str, tuple[str, Callable[[int], Work]]] = {
    "Hamilton": ("hamilton", hamilton_build),
    "Hera": ("hera", hera_text),
    "KFP": ("kfp", kfp_text),
}
