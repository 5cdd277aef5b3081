"""Programs as text: what goldens hold and `kitchen compile --show ir` prints.

program sft from supervised {
  param epochs: Int = 2 (recipe)
  %x: Int = load(source="a")
  %x.2: Int = loop epoch over range(2) carry(%x.1: Int = %x) {
    %x.3: Int = add(n=%x.1; by=1)
    yield %x.3
  }
}
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kitchen.ir.expr import Expr, Value
from kitchen.ir.infix import infix, literal
from kitchen.ir.program import (
    Annotations,
    Binding,
    Branch,
    Loop,
    Map,
    Parameter,
    Program,
    Region,
    Stage,
)

_INDENT = "  "


def program_text(program: Program) -> str:
    """A program in a form people read: one op a line, a region indented."""
    workflow = f" from {program.workflow}" if program.workflow else ""
    lines = [f"program {program.name}{workflow} {{"]
    lines.extend(_INDENT + _parameter(parameter) for parameter in program.params)
    lines.extend(_INDENT + _binding(binding) for binding in program.bindings)
    lines.extend(_lines(program.body, 1))
    for title, region in (("on_failure", program.on_failure), ("finally", program.finally_)):
        if region.ops or region.params:
            reads = f"({_declared(region.params)})" if region.params else ""
            lines.append(f"{_INDENT}{title}{reads} {{")
            lines.extend(_lines(region, 2))
            lines.append(f"{_INDENT}}}")
    lines.append("}")
    return "\n".join(lines) + "\n"


def expr_text(expr: Expr) -> str:
    """An expression with its values by name and version."""
    return infix(expr, str)


def _parameter(parameter: Parameter) -> str:
    setting = literal(parameter.setting)
    return f"param {parameter.value.name}: {parameter.value.type} = {setting} ({parameter.origin})"


def _binding(binding: Binding) -> str:
    config = ", ".join(f"{name}={literal(value)}" for name, value in binding.config)
    return f"bind {binding.port} = {binding.adapter}({config})"


def _lines(region: Region, depth: int) -> Iterator[str]:
    indent = _INDENT * depth
    for op in region.ops:
        given = f"{_declared(op.outputs)} = " if op.outputs else ""
        match op:
            case Stage():
                yield f"{indent}{given}{_stage(op)}"
            case Branch():
                yield f"{indent}{given}if {expr_text(op.condition)} {{"
                yield from _lines(op.then, depth + 1)
                if op.orelse.ops or op.orelse.results:
                    yield f"{indent}}} else {{"
                    yield from _lines(op.orelse, depth + 1)
                yield f"{indent}}}"
            case _:
                head = _loop(op) if isinstance(op, Loop) else _map(op)
                yield f"{indent}{given}{head} {{"
                yield from _lines(op.body, depth + 1)
                yield f"{indent}}}"
    if region.results:
        yield f"{indent}yield {', '.join(map(expr_text, region.results))}"


def _declared(values: Iterable[Value]) -> str:
    return ", ".join(f"{value}: {value.type}" for value in values)


def _stage(op: Stage) -> str:
    parts = [
        ", ".join(f"{name}={expr_text(expr)}" for name, expr in group)
        for group in (op.inputs, op.config)
        if group
    ]
    named = op.name == op.stage or any(op.name == out.name for out in op.outputs)
    title = "" if named else f" as {op.name}"
    notes = ", ".join(_annotations(op.annotations))
    return f"{op.stage}({'; '.join(parts)}){title}" + (f" [{notes}]" if notes else "")


def _annotations(notes: Annotations) -> Iterator[str]:
    if notes.retry is not None:
        retry = notes.retry
        yield f"retry {retry.times} every {retry.backoff:g}s up to {retry.max_backoff:g}s"
    if notes.timeout is not None:
        yield f"timeout {notes.timeout:g}s"
    if notes.resources is not None:
        asked = notes.resources
        numbers = {"cpu": asked.cpu, "gpu": asked.gpu, "nodes": asked.nodes}
        yield from (f"{name} {n:g}" for name, n in numbers.items() if n is not None)
        if asked.memory is not None:
            yield f"memory {asked.memory}"
    if notes.cache is not None:
        yield "cache" if notes.cache else "no cache"
    if notes.image is not None:
        yield f"image {literal(notes.image)}"


def _loop(op: Loop) -> str:
    first = len(op.body.params) - len(op.carry)
    clauses = {
        "over": op.over,
        "while": op.while_,
        "until": op.until,
        "max": op.max,
        "checkpoint": op.checkpoint,
    }
    text = f"loop {op.name}{_variable(op.name, op.body.params[:first])}"
    text += "".join(f" {word} {expr_text(e)}" for word, e in clauses.items() if e is not None)
    if op.carry:
        slots = zip(op.body.params[first:], op.carry, strict=True)
        carried = ", ".join(f"{param}: {param.type} = {expr_text(start)}" for param, start in slots)
        text += f" carry({carried})"
    return text


def _map(op: Map) -> str:
    text = f"map {op.name}{_variable(op.name, op.body.params)} over {expr_text(op.over)}"
    if op.max_parallel is not None:
        text += f" max_parallel {expr_text(op.max_parallel)}"
    return text


def _variable(name: str, params: tuple[Value, ...]) -> str:
    """The loop variable where its text differs from the loop's own name."""
    return "".join(f" as {param}" for param in params if str(param) != f"%{name}")
