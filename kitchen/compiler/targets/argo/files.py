"""A task graph as the files of an export for Argo."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from kitchen.compiler.targets.argo import documents
from kitchen.compiler.targets.argo.calls import Json
from kitchen.compiler.targets.argo.decisions import groups, is_job
from kitchen.compiler.targets.argo.endings import ENDING, ending
from kitchen.compiler.targets.argo.jobs import job
from kitchen.compiler.targets.argo.lowering import MAIN, Lowering
from kitchen.compiler.targets.argo.pods import is_keyed, pod
from kitchen.compiler.targets.argo.settings import Settings
from kitchen.compiler.targets.argo.shapes import Shape, Shapes
from kitchen.compiler.targets.argo.verify import verify
from kitchen.compiler.targets.argo.whole import DEEPEST, Levels, decisions_of
from kitchen.compiler.targets.argo.yaml_text import Noted, render
from kitchen.compiler.targets.names import dns_names
from kitchen.compiler.targets.section import validated
from kitchen.compiler.targets.target import Exported, Files
from kitchen.ir.diagnostic import Diagnostic, Label, Severity
from kitchen.ir.task_graph import Task, TaskGraph

LARGEST = 2**20  #: bytes of an object that Argo and a ConfigMap take
NAME = 40  #: characters of a name that others are made of: the longest is a ConfigMap's

WORKFLOW, CONFIG_MAP, RIGHTS = "workflow.yaml", "config-map.yaml", "rbac.yaml"

_TASK = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./~-]*")


@dataclass(frozen=True, slots=True)
class Emitted:
    """The objects of an export by file, before they are text."""

    settings: Settings
    files: dict[str, list[Json]]
    notes: dict[str, str]

    def documents(self) -> list[Json]:
        return [document for found in self.files.values() for document in found]


def emit(exported: Exported) -> tuple[Files, tuple[Diagnostic, ...]]:
    """The files by name, or everything that keeps them from being written."""
    settings, faults = settings_of(exported)
    faults += tuple(_unfit(exported))
    if settings is None or any(fault.severity is Severity.ERROR for fault in faults):
        return {}, faults
    faults += tuple(_not_given(exported, settings))
    emitted = objects(exported, settings)
    faults += tuple(_too_large(emitted, exported))
    faults += tuple(
        Diagnostic("K519", f"the workflow does not hold together: {fault}", help=_OURS)
        for fault in verify(emitted.documents())
        if not any(known.severity is Severity.ERROR for known in faults)
    )
    files = {
        name: render(found, note=emitted.notes[name]) for name, found in emitted.files.items()
    }  # fmt: skip
    return files, faults


def settings_of(exported: Exported) -> tuple[Settings | None, tuple[Diagnostic, ...]]:
    """What the recipe says of Argo; an image that it does not name is kitchen's own."""
    settings, faults = validated(Settings, exported.section, code="K510", target="argo")
    if settings is None or settings.image is not None:
        return settings, faults
    from importlib.metadata import version

    image = f"kitchen:{version('kitchen')}"
    if any(task.annotations.image is None for task in exported.graph.tasks()):
        help = "name one that your cluster can pull: `targets: {argo: {image: ...}}`"
        message = f"no image is named; `{image}` is written"
        faults += (Diagnostic("K511", message, help=help, severity=Severity.WARNING),)
    return settings.model_copy(update={"image": image}), faults


def objects(exported: Exported, settings: Settings) -> Emitted:
    """Every object of an export."""
    program, plan = exported.program, exported.plan
    name = dns_names([program.name], NAME)[program.name]
    plan_map = f"{name}-plan-{hashlib.sha256(plan).hexdigest()[:10]}"
    account = settings.service_account or name
    decisions = decisions_of(program, exported.graph)
    shapes = Shapes.read(exported.graph, decisions, apart=settings.artifacts is not None)
    names = dns_names(_template_names(exported.graph, shapes))
    keyed = frozenset(raw for shape, raw in shapes.found.items() if is_keyed(shape, settings))
    lowering = Lowering(decisions, shapes.of, names, keyed)
    lowering.main(exported.graph)
    at_last = ending(lowering, exported.graph)
    templates = [*lowering.templates, *([] if at_last is None else [at_last])]
    for shape, raw in shapes.found.items():
        templates.append(_running(names[raw], shape, settings, name, plan_map, plan))
    roots = {"entrypoint": names[MAIN]} | ({} if at_last is None else {"onExit": names[ENDING]})
    spec = documents.spec(settings, templates, account, plan_map, roots)
    jobs = any(shape.job for shape in shapes.found)
    return Emitted(
        settings,
        {
            WORKFLOW: documents.workflows(name, spec, settings, exported.schedule),
            CONFIG_MAP: [documents.config_map(plan_map, name, plan, settings)],
            RIGHTS: documents.rights(name, account, settings, jobs=jobs),
        },
        {WORKFLOW: _WORKFLOW_NOTE, CONFIG_MAP: _PLAN_NOTE, RIGHTS: _RIGHTS_NOTE},
    )


def _running(
    name: str, shape: Shape, settings: Settings, prefix: str, plan_map: str, plan: bytes
) -> Json:
    """The template of a shape, with what it asks for above it."""
    path = documents.plan_path(plan)
    if shape.job:
        found = job(name, shape, settings, path, prefix, plan_map)
    else:
        found = pod(name, shape, settings, path)
    return Noted(shape.described(), found)


def _template_names(graph: TaskGraph, shapes: Shapes) -> Iterator[str]:
    """All names that a template may have."""
    yield from (MAIN, ENDING, *shapes.found.values())
    for group in groups(graph):
        yield group.name
        yield from (f"{group.name} {part}" for part in ("then", "else", "body"))


# ----------------------------------------------------------------------------- what does not fit


def _unfit(exported: Exported) -> Iterator[Diagnostic]:
    """What no workflow can be made of, and what will not be as it may seem."""
    decisions = decisions_of(exported.program, exported.graph)
    if all(_at_the_end(node) or decisions.is_void(node) for node in exported.graph.nodes):
        help = "`kitchen compile RECIPE` says what was removed, and why"
        yield Diagnostic("K516", "there is nothing to run", help=help)
    levels = Levels(decisions, {}).of(exported.graph)
    if levels > DEEPEST:
        message = f"its steps are {levels} levels deep, and Argo allows {DEEPEST}"
        yield Diagnostic("K517", message, help="put fewer maps and branches into each other")
    for task in exported.graph.tasks():
        if not _TASK.fullmatch(task.name):
            help = "names are letters, digits, `_`, `-`, `.` and `/`"
            yield Diagnostic("K512", f"Argo cannot be told of `{task.name}`", help=help)
        if is_job(task):
            yield from _alone(task)


def _at_the_end(node: object) -> bool:
    return isinstance(node, Task) and node.runs != "ready"


def _alone(task: Task) -> Iterator[Diagnostic]:
    """A task on several nodes, of which one will do all the work."""
    asked = task.annotations.resources
    processes = 1 if asked is None else (asked.nodes or 1) * (asked.gpu or 1)
    if processes == 1:
        return
    spans = [op.span for op in task.region.ops if op.span is not None]
    yield Diagnostic(
        "K515",
        f"`{task.name}` is run by {processes} processes, and its work is not divided among them",
        primary=Label(spans[0]) if spans else None,
        help="the first does all of it and the others end at once; leave `nodes` out",
        severity=Severity.WARNING,
    )


def _not_given(exported: Exported, settings: Settings) -> Iterator[Diagnostic]:
    """Variables that adapters read a secret from, and that no container has."""
    given = settings.env.keys() | settings.secrets.keys()
    for binding in exported.program.bindings:
        for name, value in binding.config:
            variable = value.get("env") if isinstance(value, dict) else None
            if isinstance(variable, str) and variable not in given:
                where = f"{{{variable}: {{name: ..., key: ...}}}}"
                yield Diagnostic(
                    "K518",
                    f"`{binding.adapter}` reads `{name}` from `{variable}`, which no task has",
                    primary=None if binding.span is None else Label(binding.span),
                    help=f"`targets: {{argo: {{secrets: {where}}}}}`",
                    severity=Severity.WARNING,
                )


def _too_large(emitted: Emitted, exported: Exported) -> Iterator[Diagnostic]:
    plan = len(exported.plan)
    if plan > documents.PLAIN_PLAN:
        packed = len(documents.packed(exported.plan))
        if packed > LARGEST - 1024:
            message = f"the plan has {packed:,} bytes when compressed, and a ConfigMap holds 1 MiB"
            yield Diagnostic("K513", message, help=_SMALLER)
    for document in emitted.files[WORKFLOW]:
        size = len(json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode())
        if size > LARGEST:
            message = f"the {document['kind']} has {size:,} bytes, and Argo takes 1 MiB"
            yield Diagnostic("K514", message, help=_SMALLER)


_SMALLER = "split the recipe into several, each of which goes on from what the one before saved"
_OURS = "this is a fault of kitchen's, not of the recipe; nothing was written"

_WORKFLOW_NOTE = """\
Written by `kitchen export`; README.md says how it is submitted.
Each task is `kitchen task`: Argo keeps the order, kitchen computes the rest in the run's folder."""
_PLAN_NOTE = """\
The plan that each task reads: plan.json, as it is beside this file."""
_RIGHTS_NOTE = """\
What the pods of the workflow may do: tell Argo how they ended."""
