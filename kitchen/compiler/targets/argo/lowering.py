"""A task graph as templates: one DAG for each graph in it, and calls of what runs a task.

Argo sees order, places and booleans. What they are follows from values that it never sees: kitchen
computes them in the task that makes what is read, or in a step that only asks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from kitchen.compiler.targets.argo import repeating
from kitchen.compiler.targets.argo.calls import AT, Call, Callee, Json, Term, declared, spelled
from kitchen.compiler.targets.argo.decisions import Decision, Decisions
from kitchen.compiler.targets.names import dns_names
from kitchen.ir.places import file_name
from kitchen.ir.program import Branch, Loop, Map
from kitchen.ir.task_graph import Group, Node, Runs, Task, TaskGraph

#: Names of kitchen's own have a space in them, which no name of a recipe has.
MAIN = "main "
#: Short, since the name of a node has those of all that it is in: one for each iteration.
AGAIN = "next "


@dataclass(slots=True)
class Lowering:
    """Makes the DAG templates of one program."""

    decisions: Decisions
    shapes: Mapping[str, str]  #: the template of each task and step that asks
    names: Mapping[str, str]  #: of templates
    keyed: frozenset[str] = frozenset()  #: templates of tasks whose outcomes are kept
    templates: list[Json] = field(default_factory=list)

    def main(self, graph: TaskGraph) -> None:
        """The templates of all that runs before the end."""
        nodes = tuple(n for n in graph.nodes if isinstance(n, Group) or n.runs is Runs.READY)
        kept = {node.name for node in nodes}
        edges = tuple(edge for edge in graph.edges if edge.target in kept)
        self.graph(MAIN, TaskGraph(nodes=nodes, edges=edges), 0)

    def graph(self, name: str, graph: TaskGraph, depth: int, loop: Group | None = None) -> None:
        """The template of a graph, before those that it calls; a `loop` calls itself again."""
        at = len(self.templates)
        tasks = list(Level(self, graph, depth, loop).calls())
        about: Json = {}
        if loop is not None:
            most = str(self.decisions.at_most(loop))
            about = {"metadata": {"annotations": {"kitchen/at-most": most}}}
        self.templates.insert(at, self.dag(name, tasks, ("at",) if depth else (), about))

    def dag(
        self, name: str, tasks: list[Json], takes: tuple[str, ...], about: Json | None = None
    ) -> Json:
        """One template, with what else there is to say about it."""
        inputs = {"inputs": declared(takes)} if takes else {}
        return {"name": self.names[name], **(about or {}), **inputs, "dag": {"tasks": tasks}}

    def callee(self, graph: TaskGraph, name: str, depth: int) -> Callee:
        """What runs a graph: the template of its only task, or else one of its own."""
        task = self.decisions.alone(graph)
        if task is not None:
            return self.running(task.name, task.name)
        self.graph(name, graph, depth)
        return Callee(self.names[name])

    def running(self, call: str, name: str) -> Callee:
        """What runs a task, or tells what a group goes by."""
        told = self.decisions.told.get(call, ())
        tells = tuple((f"tell-{number}", file) for number, file in enumerate(told, start=1))
        shape = self.shapes[call]
        key = file_name(name) if shape in self.keyed else ""
        return Callee(self.names[shape], (("task", name), *tells), call, key)


@dataclass(slots=True)
class Level:
    """The calls of one graph. Calls go by names of the program until they are spelled out."""

    lowering: Lowering
    graph: TaskGraph
    depth: int
    loop: Group | None = None  #: whose body it is, if that calls itself
    names: dict[str, str] = field(init=False)
    stands: dict[str, tuple[Term, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.names = dns_names(self.raw_names())

    @property
    def decisions(self) -> Decisions:
        return self.lowering.decisions

    def raw_names(self) -> Iterator[str]:
        """The names of all calls that there may be, so that each has one of its own."""
        for node in self.graph.nodes:
            yield node.name
            if isinstance(node, Group):
                yield from (f"ask {node.name}", f"{node.name} then", f"{node.name} else")
                yield from (task.name for task in map(self.decisions.alone, node.graphs) if task)
        if self.loop is not None:
            yield from (f"ask {self.loop.name} again", AGAIN)

    def calls(self) -> Iterator[Json]:
        """Every call, in an order in which they can run."""
        sources: dict[str, list[str]] = {}
        for edge in self.graph.edges:
            sources.setdefault(edge.target, []).append(edge.source)
        for node in self.graph.nodes:
            waits = self.ends(sources.get(node.name, ()))
            made = list(self.node(node, waits))
            ends = [call for call in made if not call.name.startswith("ask ")]
            # What is never run is passed over: who waits for it waits for what it waits for.
            self.stands[node.name] = tuple(map(Call.end, ends)) if ends else waits
            yield from (spelled(call, self.names) for call in made)
        if self.loop is not None:
            yield from (spelled(call, self.names) for call in self.again(self.loop))

    def ends(self, nodes: Iterator[str] | list[str] | tuple[()]) -> tuple[Term, ...]:
        """What it takes for some nodes to be over."""
        return tuple(dict.fromkeys(term for node in nodes for term in self.stands[node]))

    def node(self, node: Node, waits: tuple[Term, ...]) -> Iterator[Call]:
        if isinstance(node, Task):
            yield self.lowering.running(node.name, node.name).call(waits=waits, at=self.here)
            return
        if self.decisions.is_void(node):
            return
        decision = self.decisions.entering[node.name]
        if decision.asked:
            yield self.ask(decision, node.name, waits)
            waits = (Term(decision.teller), *waits)
        match node.op:
            case Branch():
                yield from self.branch(node, decision, waits)
            case Map():
                yield repeating.map_call(self, node, decision, waits)
            case Loop():
                yield repeating.loop_call(self, node, decision, waits)

    def branch(self, group: Group, decision: Decision, waits: tuple[Term, ...]) -> Iterator[Call]:
        """A call of each arm, of which one is made and the other left out."""
        for side, graph in self.decisions.arms(group).items():
            if self.decisions.is_empty(graph):
                continue
            name, when = f"{group.name} {side}", ""
            if decision.known is None:
                when = f"{self.told(decision, 0)} {'==' if side == 'then' else '!='} true"
            callee = self.lowering.callee(graph, name, self.depth)
            yield callee.call(name, waits=waits, at=self.here, when=when)

    def ask(self, decision: Decision, group: str, waits: tuple[Term, ...]) -> Call:
        """A step that computes what a group goes by, and nothing else."""
        return self.lowering.running(decision.teller, group).call(waits=waits, at=self.here)

    def again(self, group: Group) -> Iterator[Call]:
        """What follows an iteration when all of it is done: the next one, if there is one."""
        decision = self.decisions.going_on[group.name]
        passed = {edge.source for edge in self.graph.edges}
        waits = self.ends([node.name for node in self.graph.nodes if node.name not in passed])
        if decision.asked:
            yield self.ask(decision, group.name, waits)
        yield Callee(self.lowering.names[group.name]).call(
            AGAIN,
            waits=tuple(dict.fromkeys((Term(decision.teller), *waits))),
            at=self.told(decision, 1),
            when=f"{self.told(decision, 0)} == true",
        )

    # ------------------------------------------------------------------------- places and booleans

    @property
    def here(self) -> str:
        """The place of the graph: nothing at the top."""
        return AT if self.depth else ""

    def within(self, place: str) -> str:
        """A place in this one."""
        return f"{AT}.{place}" if self.depth else place

    def told(self, decision: Decision, number: int) -> str:
        """What a call tells, by the number of the file among those of a decision."""
        files = self.decisions.told[decision.teller]
        index = files.index(decision.files[number]) + 1
        return f"{{{{tasks.{self.names[decision.teller]}.outputs.parameters.told-{index}}}}}"
