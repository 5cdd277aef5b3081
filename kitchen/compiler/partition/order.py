"""The order that effects ask for where no value does."""

from __future__ import annotations

from collections.abc import Iterable

from kitchen.compiler.partition.atoms import Atom
from kitchen.compiler.partition.handles import is_handle, reads_of, stages_in
from kitchen.ir.program import Stage
from kitchen.ir.spec import Effect, Registry


def order_of(atoms: Iterable[Atom], registry: Registry) -> list[tuple[int, int]]:
    """Writes stay in order; reads of a port stay between the writes to it.

    What is given a handle reads by that, and is where the handle is.
    """
    edges: list[tuple[int, int]] = []
    last_write: int | None = None
    wrote: dict[str, int] = {}
    readers: dict[str, list[int]] = {}
    for index, atom in enumerate(atoms):
        writes, written, read = _world(atom, registry)
        if writes and last_write is not None:
            edges.append((last_write, index))
        for port in sorted(written):
            edges += [(reader, index) for reader in readers.pop(port, ())]
            wrote[port] = index
        for port in sorted(read - written):
            edges += [(wrote[port], index)] if port in wrote else []
            readers.setdefault(port, []).append(index)
        last_write = index if writes else last_write
    return edges


def _world(atom: Atom, registry: Registry) -> tuple[bool, set[str], set[str]]:
    """Whether an atom writes, and the ports it writes to and reads from."""
    written: set[str] = set()
    read: set[str] = set()
    writes = False
    for stage in stages_in([] if atom.op is None else [atom.op]):
        spec = registry.stages[stage.stage]
        ports = {use.port for use in spec.ports}
        if spec.effect is Effect.WRITES:
            writes = True
            written |= ports
        elif spec.effect is Effect.READS and not atom.ending and not _by_handle(stage):
            read |= ports
    return writes, written, read


def _by_handle(stage: Stage) -> bool:
    return any(is_handle(value) for value in reads_of(stage))
