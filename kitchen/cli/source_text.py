"""`--show source`: a recipe with every parameter it ends up with, and the templates it names."""

from __future__ import annotations

from collections.abc import Iterator

from kitchen.cli.yaml_text import yaml_value
from kitchen.compiler.frontend.parse import parse_recipe
from kitchen.ir.program import Binding, Origin, Program
from kitchen.ir.source import Source
from kitchen.ir.visible import visible, width
from kitchen.ir.walk import walk


def source_text(recipe: Source, program: Program) -> str:
    """The recipe, its parameters resolved, then each template as written, as YAML documents."""
    documents = ["\n".join(_recipe(recipe, program)) + "\n"]
    for template in _templates(recipe, program):
        documents.append(f"# {template.name}\n{template.text.rstrip()}\n")
    return "---\n".join(documents)


def _recipe(recipe: Source, program: Program) -> Iterator[str]:
    yield f"# {visible(recipe.name)}"
    yield "kitchen: 1"
    yield f"recipe: {yaml_value(program.name)}"
    written, _ = parse_recipe(recipe)
    assert written is not None, "a recipe that compiles can be parsed"
    yield f"workflow: {yaml_value(written.workflow.text)}"
    if program.params:
        yield "params:"
        lines = [
            (f"  {param.value.name}: {yaml_value(param.setting)}", param)
            for param in program.params
        ]
        columns = min(max(width(line) for line, _ in lines), 48)
        for line, param in lines:
            place = param.declared if param.span is None else param.span
            place = None if param.origin is Origin.SET else place
            known = "" if place is None else f" {place}"
            yield f"{line}{' ' * (columns - width(line))}  # {param.origin}{visible(known)}"
    if program.bindings:
        yield "adapters:"
        yield from (f"  {binding.port}: {_adapter(binding)}" for binding in program.bindings)


def _adapter(binding: Binding) -> str:
    if not binding.config:
        return yaml_value(binding.adapter)
    return yaml_value({"use": binding.adapter, **dict(binding.config)})


def _templates(recipe: Source, program: Program) -> list[Source]:
    """The sources of a program's parts, in the order in which they come up."""
    spans = [param.declared for param in program.params]
    for region in (program.body, program.on_failure, program.finally_):
        spans += [op.span for op in walk(region)]
    sources = [span.source for span in spans if span is not None]
    return list({source.name: source for source in sources if source != recipe}.values())
