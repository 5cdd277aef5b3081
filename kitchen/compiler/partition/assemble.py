"""Sets of atoms as tasks, groups and edges with names that people can read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from kitchen.compiler.partition.annotations import each_once, merged, torn
from kitchen.compiler.partition.atoms import Atom, Opened
from kitchen.compiler.partition.handles import Repeats, is_handle, made_inside, stages_in
from kitchen.compiler.partition.level import Level
from kitchen.ir.diagnostic import Diagnostic
from kitchen.ir.expr import Ref, Value, refs
from kitchen.ir.program import EMPTY, Op, Program, Region, Stage
from kitchen.ir.task_graph import (
    Because,
    Edge,
    Group,
    Node,
    Reason,
    Runs,
    Task,
    TaskGraph,
)
from kitchen.ir.walk import transform


@dataclass(slots=True)
class Assembling:
    """Makes the tasks of one program."""

    program: Program
    repeats: Repeats
    known: set[Value]  #: parameters, and what endings read by name
    names: set[str] = field(default_factory=set)
    faults: list[Diagnostic] = field(default_factory=list)

    def graph(self, level: Level) -> TaskGraph:
        """The tasks of a level."""
        reasons = _by_set(level)
        leaving = _leaving(level)
        nodes: list[Node] = []
        held: dict[int, str] = {}
        for found, why in zip(level.sets, reasons, strict=True):
            atoms = [level.atoms[index] for index in found]
            opened = atoms[0].opened
            node = (
                self.task(atoms, leaving, why) if opened is None else self.group(atoms[0], opened)
            )
            nodes.append(node)
            held.update(dict.fromkeys(found, node.name))
        return TaskGraph(nodes=tuple(nodes), edges=tuple(_edges(level, held)))

    def group(self, atom: Atom, opened: Opened) -> Group:
        name = self.named(atom.name)
        graphs = tuple(self.graph(level) for level in opened.levels)
        reads = tuple(value for value in opened.reads if value not in self.known)
        return Group(name=name, op=opened.op, graphs=graphs, clauses=opened.clauses, reads=reads)

    # ------------------------------------------------------------------------------------ tasks

    def task(self, atoms: list[Atom], leaving: set[Value], found: list[Reason]) -> Task:
        body = [atom for atom in atoms if not atom.ending]
        name = self.named(_name(atoms, found))
        if not body:
            return self.ending(name, atoms, found)
        makers = {name: op for atom in atoms for name, op in atom.makers.items()}
        own = [atom.op for atom in body if atom.op is not None]
        ops = self.repeats.in_order([*own, *makers.values()])
        stages = list(stages_in(ops))
        weighty = [op for atom in body if atom.op and not atom.small for op in stages_in([atom.op])]
        fault = torn(stages)
        self.faults += [fault] if fault is not None else []
        notes = merged(weighty or stages, once=each_once(ops))
        if notes.retry is not None:
            ops = list(transform(Region(ops=tuple(ops)), _not_retried).ops)
        made = {value: atom.expr for atom in body for value in atom.makes}
        outputs = tuple(value for value in made if value in leaving)
        return Task(
            name=name,
            region=Region(
                params=self.entering(atoms, ops),
                ops=tuple(ops),
                results=tuple(made[value] or Ref(value) for value in outputs),
            ),
            outputs=outputs,
            annotations=notes,
            reasons=(*found, *_kept_whole(body)),
            repeated=tuple(op.name for op in self.repeats.in_order(makers.values())),
            on_failure=self.part(atoms, "on_failure"),
            finally_=self.part(atoms, "finally"),
        )

    def entering(self, atoms: Iterable[Atom], ops: Iterable[Op]) -> tuple[Value, ...]:
        """The values that a task is given: what it reads and does not make."""
        made = {value for atom in atoms for value in atom.makes}
        for op in ops:
            made.update(op.outputs, made_inside(op))
        read = dict.fromkeys(value for atom in atoms for value in atom.reads)
        return tuple(value for value in read if value not in made and value not in self.known)

    def part(self, atoms: Iterable[Atom], ending: str) -> Region:
        """The steps of an ending among some atoms, with the names that they read."""
        whole = self.program.on_failure if ending == "on_failure" else self.program.finally_
        own = [atom for atom in atoms if atom.ending == ending]
        if not own:
            return EMPTY
        ops = [atom.op for atom in own if atom.op is not None]
        ops += [op for atom in own for op in atom.makers.values()]
        read = {value for atom in own for value in atom.reads}
        params = tuple(param for param in whole.params if param in read)
        return Region(params=params, ops=tuple(self.repeats.in_order(dict.fromkeys(ops))))

    def ending(self, name: str, atoms: list[Atom], found: list[Reason]) -> Task:
        """A task that runs when all others are done or have failed."""
        ending = atoms[0].ending
        region = self.part(atoms, ending)
        entering = self.entering(atoms, region.ops)
        latest = tuple(
            (param, tuple(value for value in entering if value.name == param.name))
            for param in region.params
        )
        given = {value for _, versions in latest for value in versions}
        free = tuple(value for value in entering if value not in given)
        stages = list(stages_in(region.ops))
        fault = torn(stages)
        self.faults += [fault] if fault is not None else []
        return Task(
            name=name,
            region=replace(region, params=(*region.params, *free)),
            runs=Runs.FAILED if ending == "on_failure" else Runs.ALWAYS,
            annotations=merged(stages, once=each_once(region.ops)),
            reasons=tuple(found),
            latest=latest,
        )

    def named(self, name: str) -> str:
        """A name that no other task has."""
        name = name.replace(".", "_")
        found, number = name, 1
        while found in self.names:
            number += 1
            found = f"{name}_{number}"
        self.names.add(found)
        return found


def _kept_whole(atoms: list[Atom]) -> Iterator[Reason]:
    """Why ops that no handle holds in one task are in one nevertheless."""
    for atom in atoms:
        if atom.op is not None and atom.kept_whole:
            inside = tuple(stage.name for stage in stages_in([atom.op]))
            yield Reason(Because.BODY, atom.kept_whole, inside)


def _not_retried(op: Op) -> tuple[Op, ...]:
    """A stage whose retry is now its task's: attempts within attempts would multiply."""
    if isinstance(op, Stage) and op.annotations.retry is not None:
        return (replace(op, annotations=replace(op.annotations, retry=None)),)
    return (op,)


def _name(atoms: list[Atom], found: list[Reason]) -> str:
    """After its only step, the handle that its steps share, or its first and last step."""
    ends = {atom.ending for atom in atoms}
    if "" not in ends:
        return ends.pop()
    steps = [atom for atom in atoms if atom.op is not None and not atom.ending]
    weighty = [atom for atom in steps if not atom.small] or steps or atoms
    if len(weighty) == 1:
        return weighty[0].name
    handles = [reason.text for reason in found if reason.because is Because.HANDLE]
    if handles:
        return handles[0].removeprefix("share ").split(",")[0].strip("`")
    first, last = weighty[0].name, weighty[-1].name
    within = first.rpartition("/")[0] + "/"  # the workflow that it comes from
    return f"{first}_to_{last.removeprefix(within)}"


# ------------------------------------------------------------------------------ what goes where


def _leaving(level: Level) -> set[Value]:
    """The values of a level that another set reads, or what is around the level."""
    where = {index: number for number, found in enumerate(level.sets) for index in found}
    leaving = {ref.value for expr in level.results for ref in refs(expr)}
    for index, number in where.items():
        for value in _needs(level.atoms[index]):
            maker = level.made_by.get(value)
            if maker is not None and where.get(maker) != number:
                leaving.add(value)
    return leaving


def _needs(atom: Atom) -> Iterable[Value]:
    return atom.reads if atom.opened is None else atom.opened.reads


def _edges(level: Level, held: dict[int, str]) -> Iterator[Edge]:
    """Each pair of nodes of which one waits for the other, with what passes between them."""
    values: dict[tuple[str, str], dict[Value, None]] = {}
    for index, name in held.items():
        for value in _needs(level.atoms[index]):
            maker = level.made_by.get(value)
            if maker is not None and held[maker] != name and not is_handle(value):
                values.setdefault((held[maker], name), {})[value] = None
    last = {held[found[0]] for found in level.sets if _is_ending(level, found)}
    for before, after in level.order:
        held_both = before in held and after in held
        if held_both and held[before] != held[after] and held[after] not in last:
            values.setdefault((held[before], held[after]), {})
    for (source, target), crossing in values.items():
        yield Edge(source, target, tuple(crossing))


def _is_ending(level: Level, found: list[int]) -> bool:
    return all(level.atoms[index].ending for index in found)


def _by_set(level: Level) -> list[list[Reason]]:
    """Why the atoms of each set are together; one reason for each handle."""
    where = {index: number for number, found in enumerate(level.sets) for index in found}
    grouped: list[dict[tuple[Because, str], set[int]]] = [{} for _ in level.sets]
    for found in level.reasons:
        kept = [index for index in found.atoms if index in where]
        if kept:
            reasons = grouped[where[kept[0]]]
            reasons.setdefault((found.because, found.subject), set()).update(kept)
    return [list(_in_words(level, reasons)) for reasons in grouped]


def _in_words(level: Level, reasons: dict[tuple[Because, str], set[int]]) -> Iterator[Reason]:
    for (because, subject), indices in sorted(reasons.items(), key=lambda item: item[0][0].value):
        names = tuple(level.atoms[index].name for index in sorted(indices))
        computed = {level.atoms[index].name for index in indices if level.atoms[index].expr}
        match because:
            case Because.HANDLE:
                text = f"share `{subject}`"
            case Because.CYCLE:
                text = f"would be a cycle: {subject}"
            case Because.SMALL if subject in computed:
                text = f"computes `{subject}`"
            case Because.SMALL:
                text = f"`{subject}` is small"
            case Because.ENDING:
                text = f"`{subject}`"
            case _:
                text = "in a line, with the same resources"
        yield Reason(because, text, names)
