"""`kitchen list`: what is installed that a recipe may name."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from typing import Any

import click

from kitchen.cli.application import DONE
from kitchen.cli.terminal import BOLD, DIM, Page, Word, page, words
from kitchen.compiler.targets import TARGETS
from kitchen.ir.spec import Registry, Setting
from kitchen.ir.visible import width

Json = dict[str, Any]
KINDS = ("stages", "ports", "adapters", "workflows", "recipes", "targets")


@click.command("list")
@click.argument("kind", metavar="KIND", type=click.Choice(KINDS))
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text",
              help="`text` by default.")  # fmt: skip
def command(kind: str, form: str) -> int:
    """List what is installed. KIND is stages, ports, adapters, workflows, recipes or targets."""
    from kitchen.loaded import registry

    found = [{"name": name, **facts} for name, facts in _listed(kind, registry())]
    if form == "json":
        click.echo(json.dumps(found, indent=1))
    else:
        click.echo("\n".join(list_lines(found, page(sys.stdout))))
    return DONE


def list_lines(found: list[Json], paper: Page) -> list[str]:
    """One line each: its name, and what it is."""
    names = max((width(one["name"]) for one in found), default=0) + 2
    lines: list[str] = []
    for one in found:
        text = words(first_sentence(one["doc"]))
        if one.get("about"):
            text += words(f"({one['about']})", DIM)
        lines += paper.row([([Word(one["name"], BOLD)], names)], text)
    return lines


def first_sentence(text: str) -> str:
    """
    >>> first_sentence("Hold out a share. The rest is trained on.")
    'Hold out a share.'
    """
    return re.split(r"(?<=\.)\s", text.strip(), maxsplit=1)[0]


def _listed(kind: str, installed: Registry) -> Iterator[tuple[str, Json]]:
    match kind:
        case "stages":
            for name in sorted(installed.stages):
                spec = installed.stages[name]
                yield (
                    name,
                    {
                        "doc": spec.doc,
                        "effect": spec.effect.value,
                        "inputs": {given.name: str(given.type) for given in spec.inputs},
                        "outputs": {output: str(type_) for output, type_ in spec.outputs},
                        "config": [setting_facts(setting) for setting in spec.config],
                        "ports": [use.port for use in spec.ports],
                    },
                )
        case "ports":
            for port in sorted(installed.adapters):
                adapters = sorted(installed.adapters[port])
                yield port, {"doc": f"adapters: {', '.join(adapters)}", "adapters": adapters}
        case "adapters":
            yield from _adapters(installed)
        case "workflows":
            yield from _workflows(installed)
        case "targets":
            yield from ((name, {"doc": target.doc}) for name, target in TARGETS.items())
        case _:
            yield from _recipes()


def _adapters(installed: Registry) -> Iterator[tuple[str, Json]]:
    for port in sorted(installed.adapters):
        for name in sorted(installed.adapters[port]):
            spec = installed.adapters[port][name]
            yield (
                f"{port}: {name}",
                {
                    "doc": spec.doc,
                    "about": "settings: " + ", ".join(setting.name for setting in spec.config)
                    if spec.config
                    else "",
                    "port": port,
                    "adapter": name,
                    "config": [setting_facts(setting) for setting in spec.config],
                    "capabilities": sorted(spec.capabilities),
                },
            )


def _workflows(installed: Registry) -> Iterator[tuple[str, Json]]:
    from kitchen.compiler.frontend.parse import parse_template

    for name in installed.workflows:
        template, _ = parse_template(installed.workflows[name])
        params = [] if template is None else [param.setting for param in template.params]
        yield (
            name,
            {
                "doc": "" if template is None else template.doc,
                "params": [setting_facts(setting) for setting in params],
            },
        )


def _recipes() -> Iterator[tuple[str, Json]]:
    from kitchen.cli.shipped import shipped_recipes

    for path, about in shipped_recipes():
        yield str(path), {"doc": about, "path": str(path)}


def setting_facts(setting: Setting) -> Json:
    """A setting as JSON: what is not said is left out."""
    facts = {
        "minimum": setting.minimum,
        "maximum": setting.maximum,
        "above": setting.above,
        "below": setting.below,
        "choices": list(setting.choices) or None,
        "doc": setting.doc or None,
    }
    head: Json = {"name": setting.name, "type": str(setting.type)}
    if not setting.required:
        head["default"] = setting.default
    return head | {name: fact for name, fact in facts.items() if fact is not None}
