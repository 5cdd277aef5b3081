"""The atoms of one region in sets, each of which is a task or a group."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from kitchen.compiler.partition.atoms import Atom
from kitchen.compiler.partition.clusters import (
    Clusters,
    contract_cycles,
    in_order,
    join_lines,
    join_small,
)
from kitchen.compiler.partition.fields import fields_of, with_fields
from kitchen.compiler.partition.handles import is_handle, made_inside, stages_in
from kitchen.compiler.partition.order import order_of
from kitchen.ir.expr import Expr, Get, Value
from kitchen.ir.program import Program, Resources
from kitchen.ir.spec import Registry
from kitchen.ir.task_graph import Because

Profile = tuple[Resources | None, frozenset[str], bool]


@dataclass(slots=True)
class Found:
    """A reason to join, and atoms that it joins; `subject` is what the words need."""

    because: Because
    subject: str
    atoms: tuple[int, ...]


@dataclass(slots=True)
class Level:
    """The sets of one region's atoms, in an order in which they can run."""

    atoms: list[Atom]
    program: Program
    registry: Registry
    results: tuple[Expr, ...] = ()  #: of the region: constants, or reads of values
    reasons: list[Found] = field(default_factory=list)
    made_by: dict[Value, int] = field(default_factory=dict)
    order: list[tuple[int, int]] = field(default_factory=list)  #: who writes or reads after whom
    sets: list[list[int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.made_by = {
            value: index
            for index, atom in enumerate(self.atoms)
            for value in atom.makes
            if not atom.ending
        }
        self.order = order_of(self.atoms, self.registry)
        clusters = Clusters(len(self.atoms))
        self._join_handles(clusters)
        self._join_endings(clusters)
        self._join_fields(clusters)
        edges = self.data() + self.order + self._at_the_end(clusters)
        graph = clusters.quotient(edges)
        contract_cycles(clusters, graph, self._cycle)
        self._close(clusters)
        edges = [edge for edge in edges if not any(self.atoms[end].dropped for end in edge)]
        self._join_small(clusters, edges)
        self._join_lines(clusters, edges)
        members = clusters.members()
        sets = [members[root] for root in in_order(clusters.quotient(edges))]
        left = [[index for index in one if not self.atoms[index].dropped] for one in sets]
        self.sets = [one for one in left if one]
        self._carry_fields()

    # ---------------------------------------------------------------------------------- edges

    def data(self) -> list[tuple[int, int]]:
        """Who reads what whom has made."""
        return [
            (self.made_by[value], index)
            for index, atom in enumerate(self.atoms)
            for value in atom.reads
            if value in self.made_by
        ]

    def _at_the_end(self, clusters: Clusters) -> list[tuple[int, int]]:
        """Endings that need no handle of the body come after all of it."""
        bodies = {clusters.find(i) for i, atom in enumerate(self.atoms) if not atom.ending}
        apart: dict[int, str] = {}
        for index, atom in enumerate(self.atoms):
            if atom.ending and clusters.find(index) not in bodies:
                apart.setdefault(clusters.find(index), atom.ending)
        return [(body, end) for end in sorted(apart) for body in sorted(bodies)]

    # ---------------------------------------------------------------------------------- joins

    def _join(self, clusters: Clusters, because: Because, subject: str, *atoms: int) -> None:
        self.reasons.append(Found(because, subject, atoms))
        for other in atoms[1:]:
            clusters.join(atoms[0], other)

    def _join_handles(self, clusters: Clusters) -> None:
        for index, atom in enumerate(self.atoms):
            for value in atom.reads:
                if is_handle(value) and value in self.made_by and value not in atom.fields:
                    self._join(clusters, Because.HANDLE, value.name, self.made_by[value], index)

    def _join_fields(self, clusters: Clusters) -> None:
        """What reads but fields of handles goes to the handle made last, if it is tied to none."""
        tied = {
            clusters.find(index)
            for index, atom in enumerate(self.atoms)
            for value in (*atom.reads, *atom.makes)
            if is_handle(value) and value not in atom.fields
        }
        for index, atom in enumerate(self.atoms):
            makers = {self.made_by[v]: v.name for v in atom.fields if v in self.made_by}
            if makers and clusters.find(index) not in tied:
                last = max(makers)
                self._join(clusters, Because.HANDLE, makers[last], last, index)

    def _carry_fields(self) -> None:
        """A field that is read in another set is computed where its handle is."""
        where = {index: number for number, found in enumerate(self.sets) for index in found}
        computed: dict[Value, int] = {}
        for index, number in list(where.items()):
            atom = self.atoms[index]
            known: dict[Get, Value] = {}
            for value in list(atom.fields):
                maker = self.made_by.get(value)
                if atom.op is None or maker is None or where[maker] == number:
                    continue
                del atom.reads[value]
                for field_value, expr in fields_of(atom.op, value).items():
                    known[expr] = field_value
                    atom.reads[field_value] = None
                    if field_value not in computed:
                        computed[field_value] = self._compute(field_value, expr, value)
                        self.sets[where[maker]].append(computed[field_value])
            if known and atom.op is not None:
                atom.op = with_fields(atom.op, known)

    def _compute(self, value: Value, expr: Expr, handle: Value) -> int:
        self.atoms.append(Atom(value.name, {handle: None}, {}, (value,), expr=expr))
        self.made_by[value] = len(self.atoms) - 1
        return self.made_by[value]

    def _join_endings(self, clusters: Clusters) -> None:
        """A handle that an ending reads by name; and the rest of an ending, which is one task."""
        program = self.program
        by_name = self._by_name() if any(atom.ending for atom in self.atoms) else {}
        for ending, region in (("on_failure", program.on_failure), ("finally", program.finally_)):
            atoms = [i for i, atom in enumerate(self.atoms) if atom.ending == ending]
            held = {value: index for index in atoms for value in self.atoms[index].makes}
            tied = set()
            for index in atoms:
                for value in self.atoms[index].reads:
                    if is_handle(value) and value in held:
                        self._join(clusters, Because.HANDLE, value.name, held[value], index)
                for param in region.params:
                    if is_handle(param) and param in self.atoms[index].reads:
                        makers = by_name.get(param.name, [])
                        self._join(clusters, Because.HANDLE, param.name, *makers, index)
                        tied.add(index)
            roots = {clusters.find(index) for index in tied}
            apart = [index for index in atoms if clusters.find(index) not in roots]
            if len(apart) > 1:
                self._join(clusters, Because.ENDING, ending, *apart)

    def _by_name(self) -> dict[str, list[int]]:
        """The atoms of the body that make a handle, at any depth, by its name."""
        found: dict[str, list[int]] = {}
        for index, atom in enumerate(self.atoms):
            if atom.op is not None and not atom.ending:
                made = {*atom.makes, *made_inside(atom.op)}
                for name in {value.name for value in made if is_handle(value)}:
                    found.setdefault(name, []).append(index)
        return found

    def _cycle(self, way: list[int]) -> None:
        names = " → ".join(self.atoms[index].name for index in way)
        self.reasons.append(Found(Because.CYCLE, names, tuple(dict.fromkeys(way))))

    def _close(self, clusters: Clusters) -> None:
        """What shares its set with others stays whole, and computes its own clauses."""
        sizes = {root: len(found) for root, found in clusters.members().items()}
        for index, atom in enumerate(self.atoms):
            if atom.opened is not None and sizes[clusters.find(index)] > 1:
                atom.opened = None
        for atom in self.atoms:
            owner = None if atom.clause_of is None else self.atoms[atom.clause_of]
            if owner is not None and owner.opened is None:
                atom.dropped = True
                for value in atom.makes:
                    del owner.reads[value]

    def _join_small(self, clusters: Clusters, edges: list[tuple[int, int]]) -> None:
        members = clusters.members()
        small = {root for root, found in members.items() if self._all_small(found)}
        fixed = {root for root, found in members.items() if self._is_fixed(found)}

        def report(one: int, other: int) -> None:
            self.reasons.append(Found(Because.SMALL, self.atoms[one].name, (one, other)))

        join_small(clusters, edges, small, lambda root: root not in fixed, report)

    def _all_small(self, found: Iterable[int]) -> bool:
        return all(self.atoms[i].small and not self.atoms[i].ending for i in found)

    def _is_fixed(self, found: list[int]) -> bool:
        first = self.atoms[found[0]]
        return first.opened is not None or bool(first.ending)

    def _join_lines(self, clusters: Clusters, edges: list[tuple[int, int]]) -> None:
        profiles = {root: self._profile(found) for root, found in clusters.members().items()}

        def alike(one: int, other: int) -> bool:
            return profiles[one] is not None and profiles[one] == profiles[other]

        def report(one: int, other: int) -> None:
            self.reasons.append(Found(Because.LINE, "", (one, other)))

        join_lines(clusters, clusters.quotient(edges), alike, report)

    def _profile(self, found: list[int]) -> Profile | None:
        """What stages in a line have to agree in; None where a set stands for itself."""
        atoms = [self.atoms[index] for index in found]
        if any(atom.opened is not None or atom.ending for atom in atoms):
            return None
        if any(is_handle(value) for atom in atoms for value in (*atom.reads, *atom.makes)):
            return None
        notes = [
            stage.annotations
            for stage in stages_in(atom.op for atom in atoms if atom.op and not atom.small)
        ]
        images = frozenset(note.image or "" for note in notes)
        asked = {note.resources for note in notes}
        if len(asked) > 1 or len(images) > 1:
            return None
        return next(iter(asked), None), images, any(note.retry is not None for note in notes)
