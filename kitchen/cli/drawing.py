"""A program as a drawing: its stages, the loops and branches around them, the values between."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from kitchen.compiler.counts import Runs, count
from kitchen.ir.expr import Expr, Value, refs
from kitchen.ir.frozen import frozen
from kitchen.ir.infix import infix, literal
from kitchen.ir.program import Branch, Loop, Map, Op, Program, Region, Stage
from kitchen.ir.visible import visible
from kitchen.ir.walk import exprs

TIMES = "\N{MULTIPLICATION SIGN}"


@dataclass(slots=True)
class Box:
    """A stage, or with `boxes` inside what stands around stages."""

    id: str
    label: str
    boxes: list[Box] | None = None


@frozen
class Edge:
    """A value on its way from one box to another; `again` is the way into the next iteration."""

    source: str
    target: str
    name: str
    again: bool = False


@dataclass(slots=True)
class Drawing:
    """Boxes in boxes, and edges in the order of what reads them."""

    title: str
    boxes: list[Box]
    edges: list[Edge]


Makers = Mapping[Value, frozenset[str]]
NOBODY: frozenset[str] = frozenset()


def drawing_of(program: Program) -> Drawing:
    """The drawing of a program, its endings in boxes of their own."""
    tracer = _Tracer(count(program))
    boxes = tracer.region(program.body)
    for title, region in (("on failure", program.on_failure), ("finally", program.finally_)):
        if region.ops:
            latest = {value.name: makers for value, makers in tracer.makers.items()}
            tracer.makers |= {param: latest.get(param.name, NOBODY) for param in region.params}
            boxes.append(Box(tracer.new_id(), title, tracer.region(region)))
    return Drawing(program.name, boxes, list(dict.fromkeys(tracer.edges)))


@dataclass(slots=True)
class _Tracer:
    """Follows each value from the stages that make it to the boxes that read it."""

    runs: Mapping[str, Runs]
    makers: dict[Value, frozenset[str]] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)
    ids: int = 0

    def new_id(self) -> str:
        self.ids += 1
        return f"n{self.ids}"

    def region(self, region: Region) -> list[Box]:
        return [self.op(op) for op in region.ops]

    def op(self, op: Op) -> Box:
        box = Box(self.new_id(), "")
        for expr in exprs(op)[: self._own(op)]:
            self.read(expr, box.id)
        match op:
            case Stage():
                box.label = op.name
                self.makers.update((value, frozenset({box.id})) for value in op.outputs)
            case Branch():
                self.branch(op, box)
            case Loop() | Map():
                self.loop(op, box)
        return box

    @staticmethod
    def _own(op: Op) -> int | None:
        """How many of an op's expressions it reads itself: what a loop carries, its body reads."""
        return -len(op.carry) or None if isinstance(op, Loop) else None

    def branch(self, op: Branch, box: Box) -> None:
        box.label = f"if {infix(op.condition)}"
        box.boxes = self.region(op.then)
        if op.orelse.ops:
            box.boxes.append(Box(self.new_id(), "else", self.region(op.orelse)))
        for value, *sides in zip(op.outputs, op.then.results, op.orelse.results, strict=True):
            self.makers[value] = NOBODY.union(*map(self.made_by, sides))

    def loop(self, op: Loop | Map, box: Box) -> None:
        params = op.body.params
        carry = op.carry if isinstance(op, Loop) else ()
        carried = params[len(params) - len(carry) :]
        variable = params[: len(params) - len(carry)]
        self.makers.update((param, NOBODY) for param in variable)
        self.makers.update(zip(carried, map(self.made_by, carry), strict=True))
        start = len(self.edges)
        iterations = self.runs[op.name].iterations
        over = "" if op.over is None else f" over {infix(op.over)}"
        kind = type(op).__name__.lower()
        box.label = f"{kind} {op.name}{over} ({TIMES}{iterations})"
        box.boxes = self.region(op.body)
        self.makers.update(zip(op.outputs, map(self.made_by, op.body.results), strict=True))
        self.again(start, carried, op.body.results)

    def again(self, start: int, carried: tuple[Value, ...], results: tuple[Expr, ...]) -> None:
        """What comes round is read again where the body read what the loop began with."""
        for param, result in zip(carried, results[: len(carried)], strict=True):
            readers = {edge.target: None for edge in self.edges[start:] if edge.name == param.name}
            first = next(iter(readers), None)
            if first is not None:
                makers = sorted(self.made_by(result) - self.makers[param])
                self.edges += [Edge(maker, first, param.name, again=True) for maker in makers]

    def read(self, expr: Expr, reader: str) -> None:
        for ref in refs(expr):
            for maker in sorted(self.makers.get(ref.value, NOBODY)):
                self.edges.append(Edge(maker, reader, ref.value.name))

    def made_by(self, expr: Expr) -> frozenset[str]:
        return NOBODY.union(*(self.makers.get(ref.value, NOBODY) for ref in refs(expr)))


# --------------------------------------------------------------------------------------- as text


def mermaid(drawing: Drawing) -> str:
    """A Mermaid flowchart, as GitHub shows it in Markdown."""
    lines = ["---", f"title: {literal(visible(drawing.title))}", "---", "flowchart TD"]
    lines += _mermaid_boxes(drawing.boxes, "  ")
    for edge in drawing.edges:
        arrow = "-." if edge.again else "--"
        head = ".->" if edge.again else "-->"
        lines.append(f'  {edge.source} {arrow} "{_mermaid(edge.name)}" {head} {edge.target}')
    return "\n".join(lines) + "\n"


def _mermaid_boxes(boxes: Iterable[Box], indent: str) -> Iterator[str]:
    for box in boxes:
        label = f'{box.id}["{_mermaid(box.label)}"]'
        if box.boxes is None:
            yield f"{indent}{label}"
            continue
        yield f"{indent}subgraph {label}"
        yield from _mermaid_boxes(box.boxes, indent + "  ")
        yield f"{indent}end"


def _mermaid(text: str) -> str:
    """Text in a label: what could end it or mean markup is written as a character entity."""
    plain = " _-.,:()/+*=" + TIMES
    return "".join(
        mark if mark.isalnum() or mark in plain else f"#{ord(mark)};" for mark in visible(text)
    )


def dot(drawing: Drawing) -> str:
    """A Graphviz digraph."""
    lines = [f"digraph {_quoted(drawing.title)} {{", "  compound=true;", "  node [shape=box];"]
    lines += _dot_boxes(drawing.boxes, "  ")
    first = {box.id: _first(box) for box in _all(drawing.boxes)}
    for edge in drawing.edges:
        marks = [f"label={_quoted(edge.name)}"]
        if edge.again:
            marks += ["style=dashed", "constraint=false"]
        if first[edge.target] != edge.target:
            marks.append(f"lhead=cluster_{edge.target}")
        if first[edge.source] != edge.source:
            marks.append(f"ltail=cluster_{edge.source}")
        lines.append(f"  {first[edge.source]} -> {first[edge.target]} [{', '.join(marks)}];")
    return "\n".join([*lines, "}"]) + "\n"


def _dot_boxes(boxes: Iterable[Box], indent: str) -> Iterator[str]:
    for box in boxes:
        if box.boxes is None:
            yield f"{indent}{box.id} [label={_quoted(box.label)}];"
            continue
        yield f"{indent}subgraph cluster_{box.id} {{"
        yield f"{indent}  label={_quoted(box.label)};"
        yield from _dot_boxes(box.boxes, indent + "  ")
        yield f"{indent}}}"


def _quoted(text: str) -> str:
    escaped = visible(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _all(boxes: Iterable[Box]) -> Iterator[Box]:
    for box in boxes:
        yield box
        yield from _all(box.boxes or ())


def _first(box: Box) -> str:
    """The first stage in a box: Graphviz draws edges between nodes only."""
    return next((inner.id for inner in _all([box]) if inner.boxes is None), box.id)
