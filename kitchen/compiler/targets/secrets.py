"""Secrets that stand in what is to be exported, where only references to them may."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from kitchen.compiler.targets.target import Exported
from kitchen.ir.diagnostic import Diagnostic

#: What the keys of well-known services look like, as their makers document it.
_SHAPES = re.compile(
    r"\b(?:sk-[A-Za-z0-9_-]{20,}"  # OpenAI, Anthropic
    r"|hf_[A-Za-z0-9]{30,}"  # Hugging Face
    r"|gh[pousr]_[A-Za-z0-9]{36,}"  # GitHub
    r"|AKIA[0-9A-Z]{16}"  # AWS
    r"|AIza[0-9A-Za-z_-]{35}"  # Google
    r"|xox[abprs]-[A-Za-z0-9-]{10,})\b"  # Slack
    r"|-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----"
)
_NAMES = re.compile(r"(?:.*[_-])?(?:key|token|secret|password|passwd|credentials?)", re.IGNORECASE)


def secrets_in(exported: Exported) -> Iterator[Diagnostic]:
    """A fault for each secret. Its value is not shown: what is said may be kept in a log."""
    for binding in exported.program.bindings:
        for name, value in binding.config:
            if _NAMES.fullmatch(name) and _is_value(value):
                what = f"`{name}` of `{binding.port}: {binding.adapter}`"
                yield _fault(what, f"name the variable that holds it: `{name}: {{env: NAME}}`")
    values = {} if exported.section is None else exported.section.values
    environment = values.get("env")
    for name, value in environment.items() if isinstance(environment, dict) else ():
        if _NAMES.fullmatch(name) and _is_value(value):
            yield _fault(f"`env: {name}`", "name it under `secrets:`, by where it is kept")
    found = _SHAPES.search(exported.plan.decode()) or _SHAPES.search(repr(values))
    if found is not None:
        help = "name where it is found in its place; change the key, for it has been written down"
        yield _fault(_place(found[0], exported), help)


def _is_value(value: object) -> bool:
    """Whether it is the secret itself, and not where one is found."""
    if isinstance(value, Mapping):
        return set(value) != {"env"}
    return isinstance(value, str) and value != ""


def _place(secret: str, exported: Exported) -> str:
    span = exported.program.span
    at = -1 if span is None else span.source.text.find(secret)
    if span is None or at < 0:
        return "what looks like a key, in `--set` or a template,"
    line, column = span.source.position(at)
    return f"what looks like a key, at {span.source.name}:{line}:{column},"


def _fault(what: str, help: str) -> Diagnostic:
    return Diagnostic("K554", f"{what} would be written into the export", None, (), help)
