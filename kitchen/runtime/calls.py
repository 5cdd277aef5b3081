"""One call of a stage: read its inputs, run its function, keep what it gives.

An op is prepared once and called many times, so all that does not depend on the values is done
before the first call.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import cache
from time import perf_counter
from typing import Any

from kitchen.ir.expr import Const, EvaluationError, Expr, Ref, Value, evaluate
from kitchen.ir.program import Op, Stage
from kitchen.runtime.config import Config
from kitchen.runtime.events import StageStopped
from kitchen.runtime.guards import guarded
from kitchen.runtime.stage import StageFunction
from kitchen.runtime.values import Decision
from kitchen.runtime.world import World

Environment = dict[Value, Any]
Read = Callable[[Environment], Any]
Call = Callable[[Environment], None]


class StageError(Exception):
    """A step failed: which one, and why (`__cause__`)."""

    def __init__(self, op: Op, cause: BaseException) -> None:
        super().__init__(f"`{op.name}`: {cause}")
        self.op = op
        self.cause = cause


class Closed:
    """What is left of a handle that a stage has closed."""


CLOSED = Closed()


class Pending:
    """A value on its way: the result of a port call that nobody has read yet."""

    __slots__ = ("future", "index", "op")

    def __init__(self, op: Stage, future: Future[Any], index: int | None) -> None:
        self.op, self.future, self.index = op, future, index

    def settle(self) -> Any:
        """Wait for the value. Raises StageError at the step that asked for it."""
        try:
            result = self.future.result()
        except Exception as cause:
            raise StageError(self.op, cause) from cause
        return result if self.index is None else result[self.index]


def look(environment: Environment, value: Value) -> Any:
    """The value as it is now, waited for if it is still on its way."""
    found = environment[value]
    if found.__class__ is Pending:
        found = environment[value] = found.settle()
    return found


def reader(expr: Expr) -> Read:
    """A function that computes an expression in an environment."""
    if isinstance(expr, Const):
        constant = expr.value
        return lambda environment: constant
    if isinstance(expr, Ref):
        value = expr.value

        def read(environment: Environment) -> Any:
            found = environment[value]
            if found.__class__ is Pending:
                found = environment[value] = found.settle()
            return found

        return read
    return lambda environment: evaluate(expr, lambda value: look(environment, value))


def clause(op: Op, expr: Expr) -> Read:
    """A function that computes what an op of control reads; it raises StageError at that op."""
    read = reader(expr)
    if isinstance(expr, Const | Ref):
        return read

    def checked(environment: Environment) -> Any:
        try:
            return read(environment)
        except EvaluationError as cause:
            raise StageError(op, cause) from cause

    return checked


def results_of(op: Op, exprs: tuple[Expr, ...]) -> Callable[[Environment], tuple[Any, ...]]:
    """A function that computes several expressions of an op in an environment."""
    reads = tuple(clause(op, expr) for expr in exprs)
    return lambda environment: tuple(read(environment) for read in reads)


def prepare_call(op: Stage, world: World) -> Call:
    """A function that makes one call of a stage. It raises StageError where the call fails."""
    function = world.functions[op.stage]
    spec = function.spec
    given = dict(op.inputs)
    reads = tuple(reader(given[wanted.name]) for wanted in spec.inputs)
    mutated = tuple(i for i, wanted in enumerate(spec.inputs) if wanted.mutable)
    declared = op.outputs[: len(spec.outputs)]
    again = zip(op.outputs[len(spec.outputs) :], mutated, strict=True)
    versions = tuple((value, index, spec.inputs[index].closes) for value, index in again)
    keywords = {use.port: world.ports[use.port] for use in spec.ports}
    if "workspace" in _hints(function):
        keywords["workspace"] = world.workspace
    settings = _settings(op, function, keywords)
    invoke = guarded(op, function, world)
    listeners = world.listeners

    def call(environment: Environment) -> None:
        start = perf_counter()
        try:
            arguments = [read(environment) for read in reads]
            if settings is None:
                result = invoke(*arguments, **keywords)
            else:
                result = invoke(*arguments, config=settings(environment), **keywords)
        except Exception as cause:
            error = cause if isinstance(cause, StageError) else StageError(op, cause)
            world.emit(StageStopped(op, start, perf_counter() - start, str(error.cause)))
            raise error from error.cause
        _store(op, declared, result, environment)
        for value, index, closes in versions:
            environment[value] = CLOSED if closes else arguments[index]
        reason = result.reason if isinstance(result, Decision) else None
        event = StageStopped(op, start, perf_counter() - start, None, reason)
        for listener in listeners:
            listener(event)

    return call


@cache
def _hints(function: StageFunction) -> Mapping[str, Any]:
    return typing.get_type_hints(function)


def _store(op: Stage, declared: tuple[Value, ...], result: Any, environment: Environment) -> None:
    if not declared:
        return
    pending = isinstance(result, Future)
    if len(declared) == 1:
        environment[declared[0]] = Pending(op, result, None) if pending else result
        return
    for index, value in enumerate(declared):
        environment[value] = Pending(op, result, index) if pending else result[index]


def _settings(op: Stage, function: StageFunction, keywords: dict[str, Any]) -> Read | None:
    """A function that makes the stage's config; put into `keywords` where nothing can change it."""
    schema: type[Config] | None = _hints(function).get("config")
    if schema is None:
        return None
    if all(isinstance(expr, Const) for _, expr in op.config):
        keywords["config"] = schema(
            **{name: expr.value for name, expr in op.config if isinstance(expr, Const)}
        )
        return None
    reads = {name: reader(expr) for name, expr in op.config}
    return lambda environment: schema(**{name: read(environment) for name, read in reads.items()})
