"""Argo Workflows in small: what its controller does with the templates of an export.

It knows what exports use, as Argo documents it, and refuses the rest: DAGs with `depends`, `when`,
`withItems`, `withSequence` and `withParam`, limits, templates that call themselves, retries by an
expression, output parameters from files, `onExit`. Containers are run by whoever makes one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import yaml

Json = Mapping[str, Any]

#: Runs the words of a command: gives its exit code, and the files that it wrote by their paths.
Container = Callable[[list[str]], tuple[int, Mapping[str, str]]]

TAG = re.compile(r"\{\{(.*?)\}\}")
DEEPEST = 99  #: the controller fails a template at the level of 100
ENDED_BADLY = ("Failed", "Errored")


@dataclass
class Node:
    """How a call ended, and what came out of it."""

    phase: str
    outputs: dict[str, str] = field(default_factory=dict)
    repeated: bool = False


class Argo:
    """One run of a workflow."""

    def __init__(self, document: Json, container: Container, seed: int = 0) -> None:
        spec = document["spec"]
        self.spec: Json = spec.get("workflowSpec", spec)
        self.templates: dict[str, Json] = {each["name"]: each for each in self.spec["templates"]}
        self.container, self.random = container, Random(seed)
        self.scope = {"workflow.name": "run-1"} | {
            f"workflow.parameters.{parameter['name']}": parameter["value"]
            for parameter in self.spec["arguments"]["parameters"]
        }
        self.depth = self.deepest = self.pods = 0
        self.used: set[str] = set()  #: of what Argo knows, what was needed

    def run(self) -> str:
        """The phase in which the workflow ends."""
        status = self.call(self.spec["entrypoint"], {}).phase
        if "onExit" in self.spec:
            self.scope["workflow.status"] = status
            ending = self.call(self.spec["onExit"], {}).phase
            status = ending if status == "Succeeded" else status
        return status

    def call(self, name: str, arguments: Mapping[str, str]) -> Node:
        """A template with its arguments."""
        template = self.templates[name]
        self.depth += 1
        self.deepest = max(self.deepest, self.depth)
        assert self.depth <= DEEPEST, "too deep"
        inputs = template.get("inputs", {}).get("parameters", [])
        given = {p["name"]: arguments.get(p["name"], p.get("default")) for p in inputs}
        assert None not in given.values(), f"{name} lacks an argument"
        assert arguments.keys() <= given.keys(), f"{name} is given too much"
        scope = self.scope | {f"inputs.parameters.{k}": str(v) for k, v in given.items()}
        node = self.dag(template, scope) if "dag" in template else self.pod(template, scope)
        self.depth -= 1
        return node

    # ---------------------------------------------------------------------------------------- DAG

    def dag(self, template: Json, scope: Mapping[str, str]) -> Node:
        """Every call in any order that `depends` allows."""
        tasks = {task["name"]: task for task in template["dag"]["tasks"]}
        done: dict[str, Node] = {}
        fast = template["dag"].get("failFast", True)
        while len(done) < len(tasks):
            if fast and any(node.phase in ENDED_BADLY for node in done.values()):
                break
            ready = [n for n, t in tasks.items() if n not in done and names_in(t) <= done.keys()]
            assert ready, f"{sorted(tasks.keys() - done.keys())} wait for each other"
            name = self.random.choice(ready)
            done[name] = self.task(tasks[name], template, scope, done)
        if any(node.phase in ENDED_BADLY for node in done.values()):
            return Node("Failed")
        return Node("Succeeded")

    def task(
        self, task: Json, template: Json, scope: Mapping[str, str], done: Mapping[str, Node]
    ) -> Node:
        if "depends" in task and not holds(task["depends"], done):
            return Node("Omitted")
        here = dict(scope)
        for name, node in done.items():
            for parameter, value in node.outputs.items():
                assert not node.repeated, f"{name} is read as if it were called once"
                here[f"tasks.{name}.outputs.parameters.{parameter}"] = value
        items = self.items(task, here)
        if items is None:
            return self.once(task, here)
        if not items:
            return Node("Skipped")
        limit, in_order = template.get("parallelism"), template.get("failFast", False)
        self.used |= {"limit"} if limit is not None else set()
        if limit != 1:
            self.random.shuffle(items)
        phases = []
        for item in items:
            phases.append(self.once(task, {**here, "item": item}).phase)
            if in_order and phases[-1] in ENDED_BADLY:
                break
        return Node("Failed" if set(phases) & set(ENDED_BADLY) else "Succeeded", repeated=True)

    def items(self, task: Json, scope: Mapping[str, str]) -> list[str] | None:
        """What a call is repeated for."""
        if "withItems" in task:
            self.used.add("withItems")
            return list(task["withItems"])
        if "withSequence" in task:
            self.used.add("withSequence")
            return [str(index) for index in range(int(task["withSequence"]["count"]))]
        if "withParam" in task:
            self.used.add("withParam")
            found = json.loads(filled(task["withParam"], scope))
            assert isinstance(found, list)
            return [item if isinstance(item, str) else json.dumps(item) for item in found]
        return None

    def once(self, task: Json, scope: Mapping[str, str]) -> Node:
        if "when" in task:
            left, sign, right = filled(task["when"], scope).split(" ")
            self.used.add("when")
            if (left == right) is (sign == "!="):
                return Node("Skipped")
        given = {
            each["name"]: filled(each["value"], scope)
            for each in task.get("arguments", {}).get("parameters", [])
        }
        return self.call(task["template"], given)

    # --------------------------------------------------------------------------------------- pods

    def pod(self, template: Json, scope: Mapping[str, str]) -> Node:
        """A container, or a job, until it succeeds or is not to be tried again."""
        if "resource" in template:
            self.used.add("job")
            job = yaml.safe_load(filled(template["resource"]["manifest"], scope))
            trainer = (
                job["spec"].get("trainer")
                or (
                    job["spec"]["pytorchReplicaSpecs"]["Master"]["template"]["spec"]["containers"][
                        0
                    ]
                )
            )
            words = trainer["command"]
            command = ["kitchen", *words[words.index("kitchen") + 1 :]]
        else:
            container = template["container"]
            command = [filled(w, scope) for w in (*container["command"], *container["args"])]
        for attempt in range(1_000):
            self.pods += 1
            code, files = self.container(command)
            if code == 0:
                return Node("Succeeded", self.outputs(template, scope, files))
            if not again(template.get("retryStrategy"), attempt, code):
                return Node("Failed")
            self.used.add("retry")
        raise AssertionError("it is tried again for ever")

    def outputs(
        self, template: Json, scope: Mapping[str, str], files: Mapping[str, str]
    ) -> dict[str, str]:
        """Output parameters from the files that a container left."""
        return {
            each["name"]: files[filled(each["valueFrom"]["path"], scope)]
            for each in template.get("outputs", {}).get("parameters", [])
        }


def again(strategy: Json | None, retries: int, code: int) -> bool:
    """Whether a pod that ended with a code is followed by another, after so many retries."""
    if strategy is None or retries >= int(strategy["limit"]):
        return False
    if "expression" not in strategy:
        return True
    return any(_rule(rule, retries, code) for rule in strategy["expression"].split(" || "))


def _rule(rule: str, retries: int, code: int) -> bool:
    """One alternative of an expression; a pod that is gone has the code -1."""
    match = re.fullmatch(
        r"\(?(lastRetry\.status == 'Error' && )?asInt\(lastRetry\.exitCode\) in \[([-\d, ]+)\]"
        r"(?: && asInt\(retries\) < (\d+))?\)?",
        rule,
    )
    assert match is not None, rule
    if match[1] and code != -1:
        return False
    codes = [int(each) for each in match[2].split(", ")]
    return code in codes and (match[3] is None or retries < int(match[3]))


def filled(text: str, scope: Mapping[str, str]) -> str:
    """A text with the value of each of its variables."""
    return TAG.sub(lambda match: scope[match[1]], text)


def names_in(task: Json) -> set[str]:
    """The calls that a rule reads."""
    return set(re.findall(r"([-\w]+)\.[A-Z]", task.get("depends", "")))


def holds(rule: str, done: Mapping[str, Node]) -> bool:
    """Whether a rule of results is true: `a.Succeeded && (b.Succeeded || b.Skipped)`."""
    tokens = re.findall(r"&&|\|\||[()]|[-\w]+\.\w+", rule)

    def one() -> bool:
        token = tokens.pop(0)
        if token == "(":
            value = either()
            assert tokens.pop(0) == ")"
            return value
        name, _, result = token.partition(".")
        return done[name].phase == result

    def both() -> bool:
        value = one()
        while tokens[:1] == ["&&"]:
            tokens.pop(0)
            value = one() and value
        return value

    def either() -> bool:
        value = both()
        while tokens[:1] == ["||"]:
            tokens.pop(0)
            value = both() or value
        return value

    return either() and not tokens
