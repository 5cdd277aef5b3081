"""Calls: of what there is, with what it takes, after what they wait for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

from kitchen.compiler.targets.argo.verify.logic import RESULTS, LogicError, Terms, terms
from kitchen.compiler.targets.argo.verify.view import (
    Found,
    Json,
    View,
    arguments,
    inputs,
    tasks,
)

_KINDS = ("container", "dag", "resource", "script", "steps", "suspend", "http", "data", "plugin")
_LOOPS = ("withItems", "withParam", "withSequence")
_LOOPING = {"AnySucceeded", "AllFailed"}
_WHEN = re.compile(
    r"\{\{(tasks\.[-a-zA-Z0-9]+\.outputs\.parameters\.[-\w]+|workflow\.status)\}\} (==|!=) "
    r"(true|false|Succeeded)"
)
_LIST = re.compile(
    r"\{\{(tasks\.[-a-zA-Z0-9]+\.outputs|inputs)\.parameters\.[-\w]+\}\}"
)  # fmt: skip


def template_types(view: View) -> Found:
    """Each template is one thing."""
    for workflow in view.workflows:
        for template in workflow.templates:
            kinds = [kind for kind in _KINDS if kind in template]
            if len(kinds) != 1:
                yield template["name"], f"it is {' and '.join(kinds) or 'nothing'}"
            elif kinds == ["dag"] and not tasks(template):
                yield template["name"], "it calls nothing"


def templates_exist(view: View) -> Found:
    for workflow in view.workflows:
        if not workflow.spec.get("entrypoint"):
            yield "entrypoint", "is not given"
        for name in workflow.roots():
            if name not in workflow.by_name:
                yield "entrypoint", f"there is no template `{name}`"
        for _, task, where in workflow.calls():
            if task.get("template") not in workflow.by_name:
                yield where, f"there is no template `{task.get('template')}`"


def templates_used(view: View) -> Found:
    for workflow in view.workflows:
        waiting, seen = workflow.roots(), set[str]()
        if not waiting or not workflow.by_name.keys() >= {*waiting}:
            continue  # another rule's
        while waiting:
            name = waiting.pop()
            if name in seen or name not in workflow.by_name:
                continue
            seen.add(name)
            waiting += [str(task.get("template")) for task in tasks(workflow.by_name[name])]
        for name in workflow.by_name.keys() - seen:
            yield name, "no call reaches it"


def arguments_given(view: View) -> Found:
    """Every parameter without a default has a value in each call."""
    for workflow in view.workflows:
        for _, task, where in workflow.calls():
            template = workflow.by_name.get(str(task.get("template")), {})
            given = {argument.get("name") for argument in arguments(task)}
            for parameter in inputs(template):
                if "default" not in parameter and parameter["name"] not in given:
                    yield where, f"`{parameter['name']}` is not given"
        for name in workflow.roots():
            for parameter in inputs(workflow.by_name.get(name, {})):
                if "default" not in parameter:
                    yield name, f"`{parameter['name']}` is not given by anybody"
        for parameter in workflow.parameters:
            if "value" not in parameter:
                yield "arguments", f"`{parameter['name']}` has no value"


def arguments_known(view: View) -> Found:
    for workflow in view.workflows:
        for _, task, where in workflow.calls():
            template = workflow.by_name.get(str(task.get("template")))
            taken = {parameter.get("name") for parameter in inputs(template or {})}
            for argument in arguments(task):
                if template is not None and argument.get("name") not in taken:
                    yield where, f"`{task.get('template')}` takes no `{argument.get('name')}`"


# ---------------------------------------------------------------------------------- who waits


def waits(task: Json) -> Terms:
    """What a call waits for; nothing where its rule cannot be read."""
    try:
        return terms(task["depends"]) if "depends" in task else []
    except LogicError:
        return []


def depends_grammar(view: View) -> Found:
    for workflow in view.workflows:
        for _, task, where in workflow.calls():
            try:
                terms(task.get("depends", "a.Succeeded"))
            except LogicError as cause:
                yield where, f"`depends`: {cause}"


def results_known(view: View) -> Found:
    """Every edge says which result it waits for; those of lists belong to lists."""
    for workflow in view.workflows:
        for template in workflow.templates:
            lists = {t.get("name") for t in tasks(template) if any(loop in t for loop in _LOOPS)}
            for task in tasks(template):
                for name, result in waits(task):
                    if result not in RESULTS:
                        what = f"`{name}` is waited for with `{result or 'no result'}`"
                        yield workflow.where(template, task), what
                    elif result in _LOOPING and name not in lists:
                        what = f"`{name}.{result}` is of a call that is made once"
                        yield workflow.where(template, task), what


def calls_exist(view: View) -> Found:
    """What is waited for is in the same DAG."""
    for workflow in view.workflows:
        for template in workflow.templates:
            known = {task.get("name") for task in tasks(template)}
            for task in tasks(template):
                for name, _ in waits(task):
                    if name not in known:
                        what = f"it waits for `{name}`, which is not there"
                        yield workflow.where(template, task), what
                if "dependencies" in task:
                    what = "`dependencies` has rules of its own beside `depends`"
                    yield workflow.where(template, task), what


def no_cycles(view: View) -> Found:
    for workflow in view.workflows:
        for template in workflow.templates:
            order = TopologicalSorter(
                {str(task.get("name")): {n for n, _ in waits(task)} for task in tasks(template)}
            )
            try:
                order.prepare()
            except CycleError as cause:
                stuck = ", ".join(sorted(set(cause.args[1])))
                yield template["name"], f"these wait for each other: {stuck}"


# ------------------------------------------------------------------------------ when, and how often


def when_grammar(view: View) -> Found:
    """A boolean that a call told, or the status of the workflow, compared with a word."""
    for workflow in view.workflows:
        for _, task, where in workflow.calls():
            if "when" in task and not _WHEN.fullmatch(task["when"]):
                yield where, f"`when: {task['when']}` compares no boolean"


def lists_told(view: View) -> Found:
    """`withParam` is one parameter as it was told; a call has one list at the most."""
    for workflow in view.workflows:
        for _, task, where in workflow.calls():
            given = [loop for loop in _LOOPS if loop in task]
            if len(given) > 1:
                yield where, f"it has {' and '.join(given)}"
            if "withParam" in task and not _LIST.fullmatch(task["withParam"]):
                yield where, f"`withParam: {task['withParam']}` is no parameter"
            yield from _written_out(task, where)


def _written_out(task: Json, where: str) -> Iterator[tuple[str, str]]:
    if "withItems" in task and not (
        task["withItems"] and all(isinstance(item, str) for item in task["withItems"])
    ):
        yield where, "`withItems` is no list of texts"
    count = task.get("withSequence", {}).get("count", "1")
    if not re.fullmatch(r"[1-9][0-9]*", str(count)) or not isinstance(count, str):
        yield where, f"`withSequence` has no count: `{count}`"
