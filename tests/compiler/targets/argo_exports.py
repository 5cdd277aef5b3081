"""Exports for Argo of programs that tests make, and what others say of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any

import yaml
from hera.workflows import models

from kitchen.compiler.export import tasks_for
from kitchen.compiler.targets.argo import TARGET
from kitchen.compiler.targets.target import Exported
from kitchen.ir.deployment import Schedule, Section
from kitchen.ir.diagnostic import Diagnostic
from kitchen.ir.program import Program
from kitchen.ir.serde.plan import plan_bytes, plan_to_json
from kitchen.ir.source import Source
from kitchen.ir.spec import Registry

Json = dict[str, Any]

RECIPE = Source("recipe.yaml", "kitchen: 1\n")
CHECK = Path(__file__).parents[4] / "shared" / "tools" / "argo-crd-check"


def exported(
    program: Program,
    registry: Registry,
    settings: Mapping[str, object] | None = None,
    schedule: Schedule | None = None,
) -> Exported:
    """A program in the tasks that Argo can be given."""
    graph, _, faults = tasks_for(TARGET, program, registry)
    assert not faults
    plan = plan_bytes(plan_to_json(program, graph, recipe=RECIPE))
    given = {"image": "kitchen:1", **(settings or {})}
    return Exported(
        program=program, graph=graph, plan=plan, schedule=schedule, section=Section(given)
    )


def emitted(export: Exported) -> dict[str, str]:
    """The files of an export that has no fault, by any opinion; warnings are let pass."""
    files, faults = TARGET.emit(export)
    assert [fault for fault in faults if fault.severity == "error"] == []
    found = {name: data.decode() for name, data in files.items()}
    assert second_opinions(found["workflow.yaml"]) == ()
    return found


def refused(export: Exported) -> tuple[Diagnostic, ...]:
    files, faults = TARGET.emit(export)
    assert files == {}
    return faults


def documents(files: Mapping[str, str]) -> list[Json]:
    """The objects in some files, as a reader of YAML sees them."""
    return [d for text in files.values() for d in yaml.load_all(text, Loader=yaml.CSafeLoader)]


def workflow(files: Mapping[str, str]) -> Json:
    """The object that has the templates."""
    found = documents({"workflow.yaml": files["workflow.yaml"]})
    return next(d for d in found if "templates" in d["spec"].get("workflowSpec", d["spec"]))


# ------------------------------------------------------------------------------ second opinions


def unquoted(text: str) -> list[str]:
    """The texts in a file that are not in double quotes; keys may be bare."""
    return [
        value
        for value, style in _values(yaml.compose_all(text, Loader=yaml.CSafeLoader))
        if style != '"'
    ]


def _values(nodes: Iterator[yaml.Node]) -> Iterator[tuple[str, str | None]]:
    for node in nodes:
        match node:
            case yaml.ScalarNode(tag="tag:yaml.org,2002:str", value=value, style=style):
                yield value, style
            case yaml.SequenceNode(value=items):
                yield from _values(iter(items))
            case yaml.MappingNode(value=pairs):
                yield from _values(value for _, value in pairs)


def faults_by_hera(text: str) -> Iterator[str]:
    """What the models of hera refuse, and what of a document they do not know."""
    for document in documents({"": text}):
        read = getattr(models, document["kind"]).model_validate(document)
        kept = read.model_dump(mode="json", by_alias=True, exclude_none=True)
        yield from _lost(document, kept, document["kind"])


def _lost(given: object, kept: object, where: str) -> Iterator[str]:
    """What of a document a model let fall."""
    if isinstance(given, dict):
        for key, value in given.items():
            if not isinstance(kept, dict) or key not in kept:
                yield f"{where}.{key}"
            else:
                yield from _lost(value, kept[key], f"{where}.{key}")
    elif isinstance(given, list):
        assert isinstance(kept, list)
        for number, (one, other) in enumerate(zip(given, kept, strict=True)):
            yield from _lost(one, other, f"{where}[{number}]")


@cache
def crds() -> dict[str, Any]:
    """Argo's own definitions by kind; none where they are not beside the checkout."""
    if not CHECK.is_file():
        return {}
    loader = SourceFileLoader("argo_crd_check", str(CHECK))
    spec = spec_from_loader("argo_crd_check", loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return {crd.kind: crd for crd in map(module.Crd, sorted(module.CRDS.glob("argoproj*.yaml")))}


def faults_by_crd(text: str) -> Iterator[str]:
    """What an API server that has Argo's definitions would refuse."""
    for document in documents({"": text}):
        if document["kind"] in crds():
            for fault in crds()[document["kind"]].faults(document):
                yield f"{document['kind']}: {fault}"


@cache
def second_opinions(text: str) -> tuple[str, ...]:
    """All that others find wrong with a workflow."""
    bare = (f"{value} is bare" for value in unquoted(text))
    return (*bare, *faults_by_hera(text), *faults_by_crd(text))
