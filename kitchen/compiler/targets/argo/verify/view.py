"""An exported workflow as the rules of the verifier look at it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from kitchen.ir.frozen import frozen

Json = Mapping[str, Any]

#: A tag of Argo's; what is in it.
TAG = re.compile(r"\{\{(.*?)\}\}", re.S)


@frozen
class Fault:
    """What does not hold: the rule, where in which object, and the fact."""

    rule: str
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what} ({self.rule})"


Found = Iterator[tuple[str, str]]  #: where, and what


@dataclass(eq=False)
class View:
    """All objects of an export."""

    documents: list[Json]

    @cached_property
    def workflows(self) -> list[Workflow]:
        """Every workflow that has templates."""
        found = []
        for document in self.documents:
            spec = document.get("spec", {})
            inner = spec.get("workflowSpec", spec) if isinstance(spec, Mapping) else {}
            if "templates" in inner:
                found.append(Workflow(document, inner))
        return found

    def of_kind(self, kind: str) -> list[Json]:
        return [document for document in self.documents if document.get("kind") == kind]


@dataclass(eq=False)
class Workflow:
    """One workflow: its templates, and their calls of each other."""

    document: Json
    spec: Json

    @cached_property
    def templates(self) -> list[Json]:
        return list(self.spec.get("templates", ()))

    @cached_property
    def by_name(self) -> dict[str, Json]:
        return {template["name"]: template for template in self.templates}

    @property
    def parameters(self) -> list[Json]:
        return list(self.spec.get("arguments", {}).get("parameters", ()))

    def roots(self) -> list[str]:
        """The templates that Argo calls by itself."""
        return [self.spec[name] for name in ("entrypoint", "onExit") if name in self.spec]

    def calls(self) -> Iterator[tuple[Json, Json, str]]:
        """Every call: the template it is in, the call, and where that is."""
        for template in self.templates:
            for task in tasks(template):
                yield template, task, self.where(template, task)

    def where(self, template: Json, task: Json) -> str:
        """Where a call is."""
        return f"{template['name']}.{task.get('name', '?')}"


def tasks(template: Json) -> list[Json]:
    """The calls of a DAG."""
    return list(template.get("dag", {}).get("tasks", ()))


def inputs(template: Json) -> list[Json]:
    return list(template.get("inputs", {}).get("parameters", ()))


def outputs(template: Json) -> list[Json]:
    return list(template.get("outputs", {}).get("parameters", ()))


def arguments(task: Json) -> list[Json]:
    return list(task.get("arguments", {}).get("parameters", ()))


def texts(value: object, where: str = "") -> Iterator[tuple[str, str]]:
    """Every text in a value, with the way to it."""
    match value:
        case str():
            yield where, value
        case Mapping():
            for name, item in value.items():
                yield from texts(item, f"{where}.{name}" if where else str(name))
        case list() | tuple():
            for number, item in enumerate(value):
                yield from texts(item, f"{where}[{number}]")


def twice(names: list[str]) -> list[str]:
    """The names that are given more than once."""
    seen: set[str] = set()
    return [name for name in names if name in seen or seen.add(name)]  # type: ignore[func-returns-value]
