"""Names: what Argo and Kubernetes take for one, and that none is given twice."""

from __future__ import annotations

import re

from kitchen.compiler.targets.argo.verify.view import (
    Found,
    Json,
    View,
    arguments,
    inputs,
    outputs,
    tasks,
    twice,
)

_CALL = re.compile(r"[a-zA-Z][-a-zA-Z0-9]*")
_PARAMETER = re.compile(r"[-a-zA-Z0-9_]+")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?")

#: The longest name of an object, by its kind: to that of a cron workflow the time is added, and to
#: one that is generated five letters.
_LONGEST = {"CronWorkflow": 52, "generateName": 58}


def object_names(view: View) -> Found:
    """RFC 1123, and short enough for what is made of it."""
    for document in view.documents:
        kind, about = str(document.get("kind")), document.get("metadata", {})
        prefix = about.get("generateName")
        name = about.get("name", f"{prefix}xxxxx" if prefix else "")
        if not _LABEL.fullmatch(name):
            yield kind, f"`{name}` is no name of an object"
        longest = _LONGEST.get(kind, 63)
        if len(prefix or "") > _LONGEST["generateName"] or (not prefix and len(name) > longest):
            yield kind, f"`{prefix or name}` is too long for a name"


def labels(view: View) -> Found:
    """Labels have values of 63 letters, digits, `-`, `_` and `.`."""
    for document in view.documents:
        for key, value in document.get("metadata", {}).get("labels", {}).items():
            if len(value) > 63 or not _LABEL_VALUE.fullmatch(value):
                yield str(document.get("kind")), f"label `{key}` has `{value}` for a value"


def call_names(view: View) -> Found:
    """Templates and calls: letters, digits and `-`, a letter first, where they are waited for."""
    for workflow in view.workflows:
        for template in workflow.templates:
            for name in (template["name"], *(task.get("name", "") for task in tasks(template))):
                if not _CALL.fullmatch(name):
                    yield template["name"], f"`{name}` is no name of a template or call"
                elif len(name) > 63:
                    yield template["name"], f"`{name}` is too long for the name of a pod"


def parameter_names(view: View) -> Found:
    """Letters, digits, `-` and `_`."""
    for where, found in _parameters(view):
        for parameter in found:
            name = parameter.get("name", "")
            if not _PARAMETER.fullmatch(name):
                yield where, f"`{name}` is no name of a parameter"


def names_once(view: View) -> Found:
    """No two templates, calls, parameters, volumes or variables of one place share a name."""
    objects = [f"{d.get('kind')} {d.get('metadata', {}).get('name')}" for d in view.documents]
    for name in twice([name for name in objects if not name.endswith(" None")]):
        yield name, "is there twice"
    for where, found in _parameters(view):
        for name in twice([str(parameter.get("name")) for parameter in found]):
            yield where, f"two parameters are called `{name}`"
    for workflow in view.workflows:
        for name in twice([template["name"] for template in workflow.templates]):
            yield "templates", f"two are called `{name}`"
        for name in twice([str(volume.get("name")) for volume in workflow.spec.get("volumes", ())]):
            yield "volumes", f"two are called `{name}`"
        for template in workflow.templates:
            for name in twice([str(task.get("name")) for task in tasks(template)]):
                yield template["name"], f"two calls are called `{name}`"
            variables = template.get("container", {}).get("env", ())
            for name in twice([str(variable.get("name")) for variable in variables]):
                yield template["name"], f"two variables are called `{name}`"


def _parameters(view: View) -> list[tuple[str, list[Json]]]:
    found: list[tuple[str, list[Json]]] = []
    for workflow in view.workflows:
        found.append(("arguments", workflow.parameters))
        for template in workflow.templates:
            found.append((f"{template['name']}.inputs", inputs(template)))
            found.append((f"{template['name']}.outputs", outputs(template)))
        found += [(where, arguments(task)) for _, task, where in workflow.calls()]
    return found
