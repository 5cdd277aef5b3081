"""Ports: what stages need from the world, as narrow protocols in the field's own words.

`training` and `sampling` mirror the Tinker API: losses are summed over tokens, gradients
accumulate until `optim_step` applies and clears them, and calls on one session take effect in the
order in which they were made, whenever their results are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from kitchen.runtime.values import Batch, Dataset, Sampler, Session, Tokenizer

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where an adapter may read and write: the recipe's folder, a cache, and this run's folder.

    `run` is None where nothing is being run (a probe).
    """

    base: Path
    cache: Path
    run: Path | None = None


class DataError(Exception):
    """Data that cannot be used: says which file and row, and what to do.

    `uri` names the file, `row` the line or row number in it, from 1.
    """

    def __init__(
        self, message: str, *, uri: str | None = None, row: int | None = None, help: str = ""
    ) -> None:
        super().__init__(message)
        self.uri, self.row, self.help = uri, row, help

    def __str__(self) -> str:
        message = super().__str__()
        if self.uri is None:
            return message
        place = self.uri if self.row is None else f"{self.uri}:{self.row}"
        return f"`{place}`: {message}"


class AdapterError(Exception):
    """An adapter could not do what was asked: the message says what, `help` what to do.

    `transient`: the same call may succeed later, so a step's `retry:` applies.
    """

    def __init__(self, message: str, *, help: str = "", transient: bool = False) -> None:
        super().__init__(message)
        self.help, self.transient = help, transient


# -------------------------------------------------------------------------------------- training


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOptions:
    """Which model to train, and which of its weights. `lora_rank` 0 trains all of them."""

    model: str
    lora_rank: int = 0
    lora_alpha: float = 32.0
    lora_dropout: float = 0.0
    lora_targets: tuple[str, ...] = ()  #: names of linear layers; empty: all of them
    dropout: float | None = None  #: None: as the model's own configuration says
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LossOptions:
    """A loss by name with its settings; thresholds are absolute (`clip_low_threshold` 0.8)."""

    name: str = "cross_entropy"
    config: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdamParams:
    """One AdamW step, with Tinker's defaults. `grad_clip_norm` 0 does not clip."""

    learning_rate: float = 1e-4
    beta1: float = 0.9
    beta2: float = 0.95
    eps: float = 1e-12
    weight_decay: float = 0.0
    grad_clip_norm: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class ForwardOutput:
    """The summed loss of a batch, and the log-probability of each target.

    logprobs has the shape of the batch's `targets`, float32; it is 0 where the weight is 0.
    """

    loss: float
    logprobs: np.ndarray
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class OptimStepOutput:
    """What `optim_step` did: `step` counts from 1, `grad_norm` is the norm before clipping."""

    step: int
    grad_norm: float


#: Per-sequence log-probabilities in, the loss and metrics out: `(batch, logprobs) -> (loss, m)`.
CustomLoss = Callable[[Batch, "list[Any]"], "tuple[Any, dict[str, float]]"]


class TrainingClient(Protocol):
    """Trains models. One adapter serves many sessions."""

    def load_tokenizer(self, model: str, texts: Callable[[], Iterable[str]]) -> Tokenizer:
        """The tokenizer of a model; `texts` is what a preset without one trains its own on."""
        ...

    def open_session(self, options: ModelOptions, tokenizer: Tokenizer) -> Session:
        """Load or build a model, ready to train. The same options give the same weights."""
        ...

    def forward(self, session: Session, batch: Batch, loss: LossOptions) -> Future[ForwardOutput]:
        """Loss and log-probabilities, without gradients and without dropout."""
        ...

    def forward_backward(
        self, session: Session, batch: Batch, loss: LossOptions
    ) -> Future[ForwardOutput]:
        """Loss and log-probabilities; the gradients are added to those of earlier calls."""
        ...

    def forward_backward_custom(
        self, session: Session, batch: Batch, loss: CustomLoss
    ) -> Future[ForwardOutput]:
        """As `forward_backward`, with a loss computed from the log-probabilities by the caller."""
        ...

    def optim_step(self, session: Session, adam: AdamParams) -> Future[OptimStepOutput]:
        """Apply the gathered gradients once, and clear them."""
        ...

    def save_state(self, session: Session, folder: Path) -> None:
        """Write all that the session's future depends on: weights, optimizer, random state."""
        ...

    def load_state(self, session: Session, folder: Path) -> None:
        """Take the weights of a saved state; the optimizer starts afresh."""
        ...

    def load_state_with_optimizer(self, session: Session, folder: Path) -> None:
        """Go on exactly where `save_state` was called."""
        ...

    def save_weights(self, session: Session, folder: Path, *, merge: bool) -> str:
        """Write weights as transformers loads them; `full` or `adapter` says which they are."""
        ...

    def close_session(self, session: Session) -> None:
        """Let go of the model."""
        ...


# -------------------------------------------------------------------------------------- sampling


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingParams:
    """How to sample. Temperature 0 is greedy; `top_k` 0 and `top_p` 1 leave all tokens in."""

    max_tokens: int = 64
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    seed: int = 0
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One sampled sequence: ids (L,) int32, logprobs (L,) float32, and why it ended."""

    tokens: np.ndarray
    logprobs: np.ndarray
    stop_reason: str  #: `stop` or `length`


class SamplingClient(Protocol):
    """Samples from models."""

    def open_sampler(self, session: Session, tokenizer: Tokenizer) -> Sampler:
        """A sampler on the session's current weights."""
        ...

    def sample(
        self, sampler: Sampler, prompts: Sequence[np.ndarray], params: SamplingParams, *, count: int
    ) -> Future[list[list[Sample]]]:
        """`count` samples for each prompt, in order."""
        ...

    def compute_logprobs(
        self, sampler: Sampler, sequences: Sequence[np.ndarray]
    ) -> Future[list[np.ndarray]]:
        """Log-probability of each token given those before it; the first is NaN."""
        ...


# -------------------------------------------------------------------------------------- datasets


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its fields, and where it stands (file and line or row number, from 1)."""

    fields: Mapping[str, Any]
    uri: str
    number: int


class DatasetStore(Protocol):
    """Finds and reads rows, and keeps columns made from them.

    Raises DataError, naming file and row, for what cannot be read.
    """

    def open(self, source: str) -> Dataset:
        """Find a data set and take its digest, without holding its rows."""
        ...

    def rows(self, dataset: Dataset) -> Iterator[Row]:
        """The rows in order, read as they are asked for."""
        ...

    def cached(self, key: str) -> Mapping[str, np.ndarray] | None:
        """Columns kept under a key, memory-mapped; None if there are none."""
        ...

    def keep(
        self, key: str, chunks: Iterable[Mapping[str, np.ndarray]]
    ) -> Mapping[str, np.ndarray]:
        """Append chunks of columns under a key, all or nothing, and give them memory-mapped."""
        ...


# ----------------------------------------------------------------------------------------- blobs


@dataclass(frozen=True, slots=True)
class Reference:
    """Something in a blob store: where it is and the digest of its bytes (SHA-256, hex)."""

    uri: str
    digest: str


class BlobStore(Protocol):
    """Keeps bytes and folders under keys. A key is relative, of `[A-Za-z0-9._-]` and `/`."""

    def put(self, key: str, data: bytes) -> Reference: ...

    def get(self, reference: Reference) -> bytes:
        """The bytes; raises AdapterError where they are missing or are not those of the digest."""
        ...

    def put_folder(self, key: str, folder: Path) -> Reference: ...

    def get_folder(self, reference: Reference) -> Path:
        """A local folder with the files, checked against the digest."""
        ...

    def exists(self, key: str) -> bool: ...

    def list(self, prefix: str = "") -> list[str]: ...


# --------------------------------------------------------------------------------------- metrics


@dataclass(frozen=True, slots=True)
class Metric:
    """One measurement: optimizer step, name, value, and when it was taken (Unix seconds)."""

    step: int
    name: str
    value: float
    time: float


class MetricsStore(Protocol):
    """Keeps measurements in order. `position` and `rewind` let a resumed run go on exactly."""

    def log(self, step: int, values: Mapping[str, float]) -> None: ...

    def flush(self) -> None:
        """Make all that was logged durable and readable by others."""
        ...

    def position(self) -> int:
        """How many measurements were logged."""
        ...

    def rewind(self, position: int) -> None:
        """Forget the measurements after a position."""
        ...

    def read(self) -> list[Metric]: ...
