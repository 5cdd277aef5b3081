"""The objects around the templates: schedules, the plan, rights, sizes, and how deep calls go."""

from __future__ import annotations

import json
import re
from functools import cache

from kitchen.compiler.targets.argo.verify.view import Found, Json, View, Workflow, tasks

LARGEST = 2**20
DEEPEST = 99
APIS = {
    "Workflow": "argoproj.io/v1alpha1",
    "WorkflowTemplate": "argoproj.io/v1alpha1",
    "CronWorkflow": "argoproj.io/v1alpha1",
    "ConfigMap": "v1",
    "ServiceAccount": "v1",
    "Role": "rbac.authorization.k8s.io/v1",
    "RoleBinding": "rbac.authorization.k8s.io/v1",
}
_FIELD = re.compile(
    r"(\*|[0-9A-Za-z]+(-[0-9A-Za-z]+)?)(/[0-9]+)?(,(\*|[0-9A-Za-z]+(-[0-9A-Za-z]+)?)(/[0-9]+)?)*"
)


def kinds_known(view: View) -> Found:
    for document in view.documents:
        kind = str(document.get("kind"))
        if APIS.get(kind) != document.get("apiVersion"):
            yield kind, f"there is none in `{document.get('apiVersion')}`"


def sizes(view: View) -> Found:
    """An object of Argo's, and what a ConfigMap holds, have 1 MiB at the most."""
    for document in view.documents:
        held = document.get("data", document) if document.get("kind") == "ConfigMap" else document
        size = len(json.dumps(held, separators=(",", ":"), ensure_ascii=False).encode())
        if size > LARGEST + LARGEST // 2:
            yield str(document.get("kind")), f"it has {size:,} bytes"


def schedules(view: View) -> Found:
    """Five fields, and a time zone that there is."""
    for document in view.of_kind("CronWorkflow"):
        spec = document.get("spec", {})
        if "schedule" in spec or not spec.get("schedules"):
            yield "CronWorkflow", "it has no `schedules`"
        for text in spec.get("schedules", ()):
            fields = text.split()
            if len(fields) != 5 or not all(map(_FIELD.fullmatch, fields)):
                yield "CronWorkflow", f"`{text}` is no schedule"
        if not re.fullmatch(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*", spec.get("timezone", "")):
            yield "CronWorkflow", f"`{spec.get('timezone')}` is no time zone"


def overlaps(view: View) -> Found:
    """What becomes of a run whose time comes while the one before is still at work."""
    for document in view.of_kind("CronWorkflow"):
        spec = document.get("spec", {})
        if spec.get("concurrencyPolicy") not in ("Allow", "Forbid", "Replace"):
            yield "CronWorkflow", f"`concurrencyPolicy` is `{spec.get('concurrencyPolicy')}`"
        seconds = spec.get("startingDeadlineSeconds", 0)
        if isinstance(seconds, bool) or not isinstance(seconds, int) or seconds < 0:
            yield "CronWorkflow", f"`startingDeadlineSeconds` is `{seconds}`"


def references(view: View) -> Found:
    """The plan, the service account and the template of a schedule are among the objects."""
    maps = {document["metadata"].get("name") for document in view.of_kind("ConfigMap")}
    kept = {document["metadata"].get("name") for document in view.of_kind("WorkflowTemplate")}
    bound = {
        subject.get("name")
        for binding in view.of_kind("RoleBinding")
        for subject in binding.get("subjects", ())
    }
    for workflow in view.workflows:
        account = workflow.spec.get("serviceAccountName")
        if account not in bound:
            yield "spec", f"`{account}` has no rights"
        plans = [v for v in workflow.spec.get("volumes", ()) if v.get("name") == "plan"]
        if not any(plan.get("configMap", {}).get("name") in maps for plan in plans):
            yield "spec", "the plan is not among the objects"
    for document in view.of_kind("CronWorkflow"):
        inner = document["spec"].get("workflowSpec", {}).get("workflowTemplateRef")
        if inner is not None and inner.get("name") not in kept:
            yield "CronWorkflow", f"there is no template `{inner.get('name')}`"


def rights(view: View) -> Found:
    """Pods may tell how they ended and make the jobs that there are; the binding is of a role."""
    roles = {role["metadata"].get("name"): role for role in view.of_kind("Role")}
    allowed = {
        (group, resource, verb)
        for role in roles.values()
        for rule in role.get("rules", ())
        for group in rule.get("apiGroups", ())
        for resource in rule.get("resources", ())
        for verb in rule.get("verbs", ())
    }
    for binding in view.of_kind("RoleBinding"):
        if binding.get("roleRef", {}).get("name") not in roles:
            yield "RoleBinding", "it is of a role that is not there"
    needed = {("argoproj.io", "workflowtaskresults", verb) for verb in ("create", "patch")}
    for workflow in view.workflows:
        for template in workflow.templates:
            text = template.get("resource", {}).get("manifest", "")
            if "kind: 'TrainJob'" in text:
                needed |= {("trainer.kubeflow.org", "trainjobs", v) for v in ("create", "get")}
            elif "kind: 'PyTorchJob'" in text:
                needed |= {("kubeflow.org", "pytorchjobs", v) for v in ("create", "get")}
    for group, resource, verb in sorted(needed - allowed):
        yield "Role", f"it does not allow to {verb} `{resource}.{group}`"


# ------------------------------------------------------------------------------------ recursion


def recursion(view: View) -> Found:
    """What calls itself says how often at the most, and does so only when told to."""
    for workflow in view.workflows:
        for template in workflow.templates:
            for task in tasks(template):
                if task.get("template") == template["name"]:
                    if "when" not in task:
                        yield template["name"], "it calls itself without end"
                    if _rounds(template) is None:
                        yield template["name"], "it does not say how often it calls itself"
        for names in _circles(workflow):
            yield ", ".join(names), "they call each other without end"


def depth(view: View) -> Found:
    """Templates within templates, each round of one that calls itself counted."""
    for workflow in view.workflows:
        if any(_circles(workflow)):
            continue

        @cache
        def levels(name: str, workflow: Workflow = workflow) -> int:
            template = workflow.by_name.get(name, {})
            called = {str(task.get("template")) for task in tasks(template)}
            inner = 1 + max((levels(each) for each in called - {name}), default=0)
            return inner + ((_rounds(template) or 1) - 1 if name in called else 0)

        for root in workflow.roots():
            if levels(root) > DEEPEST:
                yield root, f"it is {levels(root)} levels deep, and Argo allows {DEEPEST}"


def _rounds(template: Json) -> int | None:
    text = template.get("metadata", {}).get("annotations", {}).get("kitchen/at-most", "")
    return int(text) if text.isdecimal() else None


def _circles(workflow: Workflow) -> list[list[str]]:
    """Templates that call each other in a circle, other than those that call themselves."""
    from graphlib import CycleError, TopologicalSorter

    called = {
        template["name"]: {str(task.get("template")) for task in tasks(template)}
        - {template["name"]}
        for template in workflow.templates
    }
    try:
        TopologicalSorter(called).prepare()
    except CycleError as cause:
        return [sorted(set(cause.args[1]))]
    return []
