"""Checkpoints: a position in a program with what the rest of the run depends on, and the way back.

Scalars, and what is a reference, are written down. Other values come back by running again the
stages that made them: those that read the world must read the same, and a session is then given
the state it had.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

from kitchen.ir.expr import Const, Value
from kitchen.ir.program import Loop, Op, Program, Region, Stage
from kitchen.ir.spec import Effect
from kitchen.ir.types import Kind
from kitchen.ir.walk import uses, walk
from kitchen.runtime import states
from kitchen.runtime.calls import CLOSED, Environment, look, prepare_call
from kitchen.runtime.encoding import Arrays, decode, encode
from kitchen.runtime.events import CheckpointCommitted
from kitchen.runtime.guards import Stopped
from kitchen.runtime.live import live_values, origins
from kitchen.runtime.ports import DataError
from kitchen.runtime.position import Frame, Position
from kitchen.runtime.provenance import refusals
from kitchen.runtime.run_directory import Checkpoint, RunDirectory
from kitchen.runtime.world import World

SCHEMA = 1


@dataclass(slots=True)
class Checkpoints:
    """Commits checkpoints of one run, and restores what one holds."""

    program: Program
    world: World
    directory: RunDirectory
    stop_requested: Callable[[], bool]
    count: int = 0
    restored: Mapping[str, Any] = field(default_factory=dict)
    folder: Path | None = None
    _arrays: Arrays = field(default_factory=lambda: Arrays(Path()))
    _iterations: dict[str, int] = field(default_factory=dict)
    _origins: dict[Value, tuple[Stage, int]] = field(init=False)
    _values: dict[str, Value] = field(init=False)

    def __post_init__(self) -> None:
        self._origins = origins(self.program, lambda op: self.world.functions[op.stage].spec)
        self._values = {str(value): value for value in _all_values(self.program)}

    # ----------------------------------------------------------------------------------- commit

    def boundary(
        self, op: Op, index: int | None, position: Position, environment: Environment
    ) -> None:
        """A place where the run may be left: commit if it is time to, leave if that is asked."""
        stop = self.stop_requested()
        if stop or (index is not None and isinstance(op, Loop) and self._is_due(op)):
            self.commit(position, environment)
        if stop:
            raise Stopped

    def _is_due(self, op: Loop) -> bool:
        """Whether a loop has done as many iterations since the last checkpoint as it asks for."""
        every = op.checkpoint.value if isinstance(op.checkpoint, Const) else 0
        if not isinstance(every, int) or every <= 0:
            return False
        self._iterations[op.name] = self._iterations.get(op.name, 0) + 1
        return self._iterations[op.name] >= every

    @refusals()
    def commit(self, position: Position, environment: Environment) -> None:
        """Write a checkpoint; nothing is lost of the one before until this one is whole."""
        start = perf_counter()
        self.count += 1
        for port in self.world.ports.values():
            if hasattr(port, "flush"):
                port.flush()
        made = self.directory.commit_checkpoint(
            self.count, lambda folder: self._write(folder, position, environment)
        )
        self._arrays.folder = made.path / "arrays"
        self._iterations.clear()
        self.world.emit(CheckpointCommitted(str(self.count), perf_counter() - start))

    def _write(self, folder: Path, position: Position, environment: Environment) -> None:
        wanted = live_values(self.program.body, position) | self._for_endings(environment)
        parameters = {parameter.value for parameter in self.program.params}
        parameters.update(self.program.body.params)  # given again when the run goes on
        plain: dict[str, Any] = {}
        again: dict[str, dict[str, Any]] = {}
        queue = [value for value in wanted if value in environment and value not in parameters]
        seen = parameters | set(queue)
        arrays = self._arrays = Arrays(folder / "arrays", before=self._arrays)
        while queue:
            value = queue.pop()
            held = look(environment, value)
            encoded = None if self._is_made_again(value) else encode(held, arrays)
            if encoded is not None:
                plain[str(value)] = encoded
                continue
            op, output = self._origin(value, held)
            if op.name not in again:
                again[op.name] = {"values": {}, "digests": {}, "states": {}}
                self._keep_state(op, environment, folder, again[op.name])
            again[op.name]["values"][str(value)] = output
            for ref in uses(op):
                _must_be_as_it_was(op, ref.value)
                if ref.value in environment and ref.value not in seen:
                    seen.add(ref.value)
                    queue.append(ref.value)
        rows = {
            name: port.position()
            for name, port in self.world.ports.items()
            if hasattr(port, "position") and hasattr(port, "rewind")
        }
        content = {
            "schema": SCHEMA,
            "position": [list(frame) for frame in position],
            "values": dict(sorted(plain.items())),
            "again": dict(sorted(again.items())),
            "positions": rows,
        }
        (folder / "state.json").write_text(json.dumps(content, indent=1))

    def _keep_state(
        self, op: Stage, environment: Environment, folder: Path, entry: dict[str, Any]
    ) -> None:
        """Keep the digest of what a stage read, and the state of the handle it opened."""
        for index, value in enumerate(op.outputs):
            if value not in environment or self._origins.get(value) != (op, index):
                continue
            held = look(environment, value)
            digest = getattr(held, "digest", None)
            if isinstance(digest, str):
                entry["digests"][str(index)] = digest
            stateful = states.STATES.get(value.type.required.name)
            if stateful is not None and held is not None:
                name = f"{op.name.replace('/', '.')}-{index}"
                (folder / name).mkdir()
                stateful.save(self.world.ports, held, folder / name)
                entry["states"][str(index)] = name

    def _is_made_again(self, value: Value) -> bool:
        """Whether a value that could be written down is rather made again, to see it is the same.

        What a stage read from the world must read the same when the run goes on.
        """
        if value.type.required.kind is not Kind.ARTIFACT or value not in self._origins:
            return False
        op, _ = self._origins[value]
        effect = self.world.functions[op.stage].spec.effect
        return effect is Effect.PURE or (effect is Effect.READS and value.type.name == "Dataset")

    def _origin(self, value: Value, held: Any) -> tuple[Stage, int]:
        found = self._origins.get(value)
        if found is None:
            raise DataError(
                f"`{value.name}` is a {type(held).__name__}, which no checkpoint can hold here",
                help="make it outside the branch or map that it comes from",
            )
        return found

    def _for_endings(self, environment: Environment) -> set[Value]:
        """What `finally` and `on_failure` will read: the latest version of each name."""
        wanted = self.program.finally_.params + self.program.on_failure.params
        return {
            latest
            for param in wanted
            if (latest := latest_version(param.name, environment)) is not None
            and environment[latest] is not CLOSED
        }

    # ---------------------------------------------------------------------------------- restore

    @refusals()
    def load(self, checkpoint: Checkpoint, environment: Environment) -> Position:
        """Take what a checkpoint wrote down; gives the position to go on from."""
        content = json.loads((checkpoint.path / "state.json").read_text())
        if content["schema"] != SCHEMA:
            raise DataError(
                f"`{checkpoint.path}` has schema {content['schema']}, and {SCHEMA} is read here",
                help="go on with the kitchen that the run began with",
            )
        self.count, self.folder = checkpoint.index, checkpoint.path
        self.restored = content["again"]
        arrays = self._arrays = Arrays(checkpoint.path / "arrays")
        for name, encoded in content["values"].items():
            environment[self._values[name]] = decode(encoded, arrays)
        for port, position in content["positions"].items():
            self.world.ports[port].rewind(position)
        return tuple(Frame(op, number) for op, number in content["position"])

    @refusals()
    def restore(self, ops: Iterable[Op], environment: Environment) -> None:
        """Run again, of these ops, the stages whose outputs the rest of the run needs."""
        for op in walk(Region(ops=tuple(ops))):
            entry = self.restored.get(op.name)
            if entry is None or not isinstance(op, Stage):
                continue
            prepare_call(op, self.world)(environment)
            made = [look(environment, value) for value in op.outputs]
            for index, digest in entry["digests"].items():
                _must_equal(op, made[int(index)], digest)
            for index, name in entry["states"].items():
                assert self.folder is not None
                stateful = states.STATES[op.outputs[int(index)].type.required.name]
                stateful.load(self.world.ports, made[int(index)], self.folder / name)
            for name, output in entry["values"].items():
                environment[self._values[name]] = made[output]


def _must_be_as_it_was(op: Stage, value: Value) -> None:
    """Refuse to run a stage again on a handle that has moved on since it first ran."""
    name = value.type.required.name
    if name in states.STATES and not any(made.type.required.name == name for made in op.outputs):
        raise DataError(
            f"`{op.name}` cannot be run again for a resumed run: its {name} has changed since",
            help="a stage that reads a session is to give a record or an artifact",
        )


def _must_equal(op: Stage, made: Any, digest: str) -> None:
    if made.digest != digest:
        raise DataError(
            f"`{op.name}` reads other data than when this run was stopped",
            uri=getattr(made, "uri", None),
            help="put the data back as it was, or begin a new run",
        )


def _all_values(program: Program) -> Iterable[Value]:
    for op in walk(program.body):
        yield from op.outputs
        if isinstance(op, Loop):
            yield from op.body.params


def latest_version(name: str, environment: Environment) -> Value | None:
    """The newest value made of a name."""
    made = [value for value in environment if value.name == name]
    return max(made, key=lambda value: value.index, default=None)
