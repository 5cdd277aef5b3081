"""Variables: each `{{tag}}` is one that Argo knows where it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kitchen.compiler.targets.argo.verify.calls import waits
from kitchen.compiler.targets.argo.verify.view import (
    TAG,
    Found,
    Json,
    View,
    Workflow,
    inputs,
    outputs,
    tasks,
    texts,
)

#: What is known of a workflow everywhere in it.
_OF_WORKFLOW = {f"workflow.{name}" for name in ("name", "namespace", "uid", "serviceAccountName")}
_AT_THE_END = {"workflow.status", "workflow.failures", "workflow.duration"}
_REFERENCE = re.compile(r"tasks\.([^.]+)\.outputs\.parameters\.([^.]+)")
_IN_REPEATED = {"withParam", "withItems", "withSequence"}


def variables_known(view: View) -> Found:
    """Every tag stands for something there."""
    for workflow in view.workflows:
        last = _under(workflow, str(workflow.spec.get("onExit")))
        everywhere = _OF_WORKFLOW | {
            f"workflow.parameters.{parameter.get('name')}" for parameter in workflow.parameters
        }
        for template in workflow.templates:
            known = everywhere | {f"inputs.parameters.{p.get('name')}" for p in inputs(template)}
            known |= _AT_THE_END if template["name"] in last else set()
            own = {key: value for key, value in template.items() if key not in ("dag", "name")}
            yield from _unknown(own, known, template["name"])
            told = _told(template, workflow)
            for task in tasks(template):
                item = {"item"} if any(loop in task for loop in _IN_REPEATED) else set()
                yield from _unknown(task, known | told | item, workflow.where(template, task))
        # Where the workflow itself is read, its parameters are not settled yet.
        rest = {key: value for key, value in workflow.spec.items() if key != "templates"}
        yield from _unknown(rest, _OF_WORKFLOW - {"workflow.name"}, "spec")


def _unknown(value: object, known: set[str], where: str) -> Iterator[tuple[str, str]]:
    for _, text in texts(value):
        for match in TAG.finditer(text):
            if match[1] not in known:
                yield where, f"`{match[0]}` stands for nothing there"


def _told(template: Json, workflow: Workflow) -> set[str]:
    """What calls in a DAG may read of each other; whether they come before is another rule."""
    return {
        f"tasks.{task.get('name')}.outputs.parameters.{output.get('name')}"
        for task in tasks(template)
        for output in outputs(workflow.by_name.get(str(task.get("template")), {}))
    }


def _under(workflow: Workflow, root: str) -> set[str]:
    """A template, and those that it calls in the end."""
    waiting, seen = [root], set[str]()
    while waiting:
        name = waiting.pop()
        if name not in seen and name in workflow.by_name:
            seen.add(name)
            waiting += [str(task.get("template")) for task in tasks(workflow.by_name[name])]
    return seen


def tags_whole(view: View) -> Found:
    """No brace of a tag stands alone, and no tag is an expression, which nothing checks."""
    for document in view.documents:
        if document.get("kind") in ("ConfigMap", "Role", "RoleBinding", "ServiceAccount"):
            continue
        for where, text in texts(document):
            if re.search(r"\{\{|\}\}", TAG.sub("", text)) and not where.endswith("podSpecPatch"):
                yield where, "it has a brace of a variable alone"
            if any(match[1].startswith("=") for match in TAG.finditer(text)):
                yield where, "it has an expression"


def read_after(view: View) -> Found:
    """What a call reads of another comes from one that it waits for."""
    for workflow in view.workflows:
        for template in workflow.templates:
            before = {str(t.get("name")): {n for n, _ in waits(t)} for t in tasks(template)}
            for task in tasks(template):
                if task.get("depends") and not waits(task):
                    continue  # a rule that cannot be read
                for _, text in texts(task):
                    for match in TAG.finditer(text):
                        read = _REFERENCE.fullmatch(match[1])
                        if read and not _before(read[1], str(task.get("name")), before):
                            what = f"it reads of `{read[1]}`, for which it does not wait"
                            yield workflow.where(template, task), what


def _before(wanted: str, name: str, before: dict[str, set[str]]) -> bool:
    """Whether one call comes before another."""
    waiting, seen = [name], set[str]()
    while waiting:
        needs = before.get(waiting.pop(), set()) - seen
        if wanted in needs:
            return True
        seen |= needs
        waiting += needs
    return False


def outputs_whole(view: View) -> Found:
    """A container's output comes from a file, by a whole path, and nothing stands in for it."""
    for workflow in view.workflows:
        for template in workflow.templates:
            for output in outputs(template):
                given = output.get("valueFrom", {})
                if list(given) != ["path"] or "value" in output or "container" not in template:
                    yield template["name"], f"`{output.get('name')}` does not come from a file"
                elif not str(given["path"]).startswith("/"):
                    yield template["name"], f"`{given['path']}` is no whole path"


def artifacts_by_key(view: View) -> Found:
    """An artifact has a file or folder, and a key that no other run has."""
    for workflow in view.workflows:
        for template in workflow.templates:
            for artifact in template.get("outputs", {}).get("artifacts", ()):
                where, name = template["name"], artifact.get("name")
                kept = [artifact[store] for store in ("s3", "gcs", "oss") if store in artifact]
                if not str(artifact.get("path", "")).startswith(("/", "{{workflow.parameters.")):
                    yield where, f"`{name}` has no whole path"
                if len(kept) != 1 or "{{workflow.name}}" not in kept[0].get("key", ""):
                    yield where, f"`{name}` has not one key of its own"
