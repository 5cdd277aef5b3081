"""What a stage that tokenises would be given, found by running only what leads to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kitchen.ir.expr import EvaluationError, Expr, Value, evaluate
from kitchen.ir.program import Program, Stage
from kitchen.ir.walk import walk
from kitchen.runtime.config import Config
from kitchen.runtime.ports import AdapterError, DataError, DatasetStore
from kitchen.runtime.stages import data, pairs
from kitchen.runtime.values import Dataset, Tokenizer

#: The stages that are run to find the rows, each with its settings.
LEADING: Mapping[str, tuple[Any, type[Config]]] = {
    "load_dataset": (data.load_dataset, data.LoadDatasetConfig),
    "split_dataset": (data.split_dataset, data.SplitDatasetConfig),
    "load_tokenizer": (data.load_tokenizer, data.LoadTokenizerConfig),
}


#: The stages that make tokens of rows, each with its settings.
TOKENIZING: Mapping[str, type[data.TokenizeConfig | pairs.TokenizePairsConfig]] = {
    "tokenize": data.TokenizeConfig,
    "tokenize_pairs": pairs.TokenizePairsConfig,
}


class UnknownError(Exception):
    """A value that only a run can give."""


class LeadingError(Exception):
    """A stage could not do what it was asked: which, why, and by which setting."""

    def __init__(
        self, op: Stage, cause: DataError | AdapterError, setting: tuple[str, object]
    ) -> None:
        super().__init__(str(cause))
        self.op, self.cause, self.setting = op, cause, setting


@dataclass(frozen=True, slots=True)
class Given:
    """What a stage that tokenises would be given."""

    op: Stage
    dataset: Dataset
    tokenizer: Tokenizer
    config: data.TokenizeConfig | pairs.TokenizePairsConfig
    datasets: DatasetStore


class Leading:
    """Runs the stages that lead to a data set and a tokenizer, each once."""

    def __init__(self, program: Program, ports: Mapping[str, object]) -> None:
        self._ports = ports
        self._known: dict[Value, object] = {p.value: p.setting for p in program.params}
        self._makers = {
            value: op
            for op in walk(program.body)
            if isinstance(op, Stage) and op.stage in LEADING
            for value in op.outputs
        }

    def given(self, op: Stage) -> Given:
        """Raises UnknownError where only a run can know it, LeadingError where it cannot be had."""
        inputs: dict[str, Any] = {name: self._value(expr) for name, expr in op.inputs}
        datasets: Any = self._port("datasets")
        config = TOKENIZING[op.stage](**self._settings(op))
        return Given(op, inputs["dataset"], inputs["tokenizer"], config, datasets)

    def _value(self, expr: Expr) -> Any:
        try:
            return evaluate(expr, self._read)
        except EvaluationError as cause:
            raise UnknownError from cause

    def _read(self, value: Value) -> object:
        if value not in self._known:
            if value not in self._makers:
                raise UnknownError
            op = self._makers[value]
            made = self._run(op)
            results = made if len(op.outputs) > 1 else (made,)
            self._known.update(zip(op.outputs, results, strict=True))
        return self._known[value]

    def _run(self, op: Stage) -> Any:
        function, config = LEADING[op.stage]
        inputs = {name: self._value(expr) for name, expr in op.inputs}
        settings = self._settings(op)
        ports = {use.port: self._port(use.port) for use in function.spec.ports}
        try:
            return function(**inputs, config=config(**settings), **ports)
        except AdapterError as cause:
            raise LeadingError(op, cause, ("model", settings.get("model"))) from cause
        except DataError as cause:
            given = inputs.get("dataset")
            source = given.uri if isinstance(given, Dataset) else settings.get("source")
            raise LeadingError(op, cause, ("source", source)) from cause

    def _settings(self, op: Stage) -> dict[str, Any]:
        return {name: self._value(expr) for name, expr in op.config}

    def _port(self, name: str) -> object:
        if name not in self._ports:
            raise UnknownError
        return self._ports[name]
