"""Stages and adapters that are declared and do nothing: all that compiling needs of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from typing import Annotated, Any, Literal, NamedTuple

from kitchen.ir.source import Source
from kitchen.ir.spec import AdapterSpec, Effect, Registry, StageSpec
from kitchen.runtime.config import Config, setting, settings_of
from kitchen.runtime.ports import DatasetStore, MetricsStore, TrainingClient
from kitchen.runtime.stage import NeededFor, Uses, stage
from kitchen.runtime.values import (
    Batch,
    Closes,
    Dataset,
    Evaluation,
    Losses,
    Mut,
    Session,
    Stream,
    Tokenizer,
    Tokens,
    Update,
    Weights,
)


class Reading(Config):
    source: str = setting(doc="a file or a glob")


class Fraction(Config):
    fraction: float = setting(default=0.1, above=0, below=1)
    seed: int = 0


class Model(Config):
    model: str
    lora_rank: int = setting(default=0, minimum=0, maximum=1024)
    lora_targets: tuple[str, ...] = ()


class Tokenize(Config):
    format: Literal["auto", "messages", "text"] = "auto"
    max_length: int = setting(default=512, minimum=2)


class Batching(Config):
    batch_size: int = setting(default=16, minimum=1)
    epoch: int = 0


class Loss(Config):
    loss: str = "cross_entropy"
    loss_config: dict[Literal["low", "high"], float] = setting(default={})
    parts: tuple[Literal["query", "value"], ...] = ()


class Rate(Config):
    learning_rate: float = setting(default=1e-4, minimum=0)


class Step(Config):
    step: int = 0


class Name(Config):
    name: str = "weights"


class Split(NamedTuple):
    train: Dataset
    held_out: Dataset


@stage(effect=Effect.READS)
def load_dataset(*, config: Reading, datasets: DatasetStore) -> Dataset: ...


@stage(effect=Effect.PURE)
def split_dataset(dataset: Dataset, *, config: Fraction) -> Split: ...


@stage(effect=Effect.PURE)
def count_rows(dataset: Dataset) -> int: ...


@stage(effect=Effect.PURE)
def load_tokenizer(dataset: Dataset, *, config: Model) -> Tokenizer: ...


@stage(effect=Effect.PURE)
def tokenize(dataset: Dataset, tokenizer: Tokenizer, *, config: Tokenize) -> Tokens: ...


@stage(effect=Effect.PURE)
def build_batches(tokens: Tokens, *, config: Batching) -> Stream[Batch]: ...


@stage(effect=Effect.READS)
def open_session(tokenizer: Tokenizer, *, config: Model, training: TrainingClient) -> Session: ...


@stage(effect=Effect.READS)
def forward_backward(
    session: Mut[Session],
    batch: Batch,
    *,
    config: Loss,
    training: Annotated[TrainingClient, Uses("forward_backward", "loss.{loss}")],
) -> Future[Losses]: ...


@stage(effect=Effect.READS)
def optim_step(
    session: Mut[Session], *, config: Rate, training: TrainingClient
) -> Future[Update]: ...


@stage(effect=Effect.WRITES)
def log_metrics(losses: Losses, update: Update, *, metrics: MetricsStore) -> None: ...


@stage(effect=Effect.READS)
def evaluate(session: Session, tokens: Tokens, *, training: TrainingClient) -> Evaluation: ...


@stage(effect=Effect.READS)
def compare(
    session: Session,
    reference: Annotated[Evaluation | None, NeededFor("loss", "ppo")],
    *,
    config: Loss,
) -> Evaluation: ...


@stage(effect=Effect.WRITES)
def log_evaluation(evaluation: Evaluation, *, config: Step, metrics: MetricsStore) -> None: ...


@stage(effect=Effect.WRITES)
def save_weights(session: Session, *, config: Name, training: TrainingClient) -> Weights: ...


@stage(effect=Effect.READS)
def close_session(session: Closes[Session], *, training: TrainingClient) -> None: ...


STAGES: Iterable[Any] = (
    load_dataset,
    split_dataset,
    count_rows,
    load_tokenizer,
    tokenize,
    build_batches,
    open_session,
    forward_backward,
    optim_step,
    log_metrics,
    evaluate,
    compare,
    log_evaluation,
    save_weights,
    close_session,
)


class Torch(Config):
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: int = setting(default=0, minimum=0)


class Bucket(Config):
    bucket: str


LOSSES = frozenset({"forward_backward", "loss.cross_entropy", "loss.ppo"})
ADAPTERS = (
    AdapterSpec(port="training", name="torch", config=settings_of(Torch), capabilities=LOSSES),
    AdapterSpec(
        port="training",
        name="noop",
        capabilities=frozenset({"forward_backward", "loss.cross_entropy"}),
    ),
    AdapterSpec(port="datasets", name="files"),
    AdapterSpec(port="metrics", name="parquet"),
    AdapterSpec(port="sampling", name="torch"),
    AdapterSpec(port="blobs", name="s3", config=settings_of(Bucket)),
)


def registry(**workflows: Source) -> Registry:
    """Everything above, and the workflows given."""
    specs: Mapping[str, StageSpec] = {function.spec.name: function.spec for function in STAGES}
    ports: dict[str, dict[str, AdapterSpec]] = {}
    for adapter in ADAPTERS:
        ports.setdefault(adapter.port, {})[adapter.name] = adapter
    return Registry(stages=specs, adapters=ports, workflows=workflows)
