"""The `training` port: models that are trained."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from kitchen.ir.frozen import frozen
from kitchen.runtime.values import Batch, Session, Tokenizer

if TYPE_CHECKING:
    from concurrent.futures import Future

    import numpy as np


@frozen(kw_only=True)
class ModelOptions:
    """Which model to train, and which of its weights. `lora_rank` 0 trains all of them."""

    model: str
    lora_rank: int = 0
    lora_alpha: float = 32.0
    lora_dropout: float = 0.0
    lora_targets: tuple[str, ...] = ()  #: names of linear layers; empty: all of them
    dropout: float | None = None  #: None: as the model's own configuration says
    seed: int = 0


@frozen(kw_only=True)
class LossOptions:
    """A loss by name with its settings; thresholds are absolute (`clip_low_threshold` 0.8)."""

    name: str = "cross_entropy"
    config: Mapping[str, float] = field(default_factory=dict)


@frozen(kw_only=True)
class AdamParams:
    """One AdamW step, with Tinker's defaults. `grad_clip_norm` 0 does not clip."""

    learning_rate: float = 1e-4
    beta1: float = 0.9
    beta2: float = 0.95
    eps: float = 1e-12
    weight_decay: float = 0.0
    grad_clip_norm: float = 0.0


@frozen(eq=False)
class ForwardOutput:
    """The summed loss of a batch, and the log-probability of each target.

    logprobs has the shape of the batch's `targets`, float32; it is 0 where the weight is 0.
    `forward` reports `correct:sum`, the summed weight of the targets that no token was likelier
    than. A metric's name ends in how it is combined over passes.
    """

    loss: float
    logprobs: np.ndarray
    metrics: Mapping[str, float]


@frozen(eq=False)
class TopLogprobs:
    """The likeliest tokens at each place of a batch, the likeliest first.

    ids (T, K) int32; logprobs (T, K) float32, of the whole vocabulary's distribution. Both are 0
    at a place that carries no weight.
    """

    ids: np.ndarray
    logprobs: np.ndarray


@frozen
class OptimStepOutput:
    """What `optim_step` did: `step` counts from 1, `grad_norm` is the norm before clipping."""

    step: int
    grad_norm: float


@frozen(eq=False)
class LossSlopes:
    """A loss that the caller computed: its value, and its slope by each log-probability.

    A backend needs no more of a loss than its slopes (the chain rule), so it may be any function,
    written with any library, and the backend may be another machine.
    """

    loss: float
    slopes: np.ndarray  #: of the shape of the log-probabilities
    metrics: Mapping[str, float] = field(default_factory=dict)


#: The log-probability of each target, as `ForwardOutput` has them, to a loss and its slopes.
CustomLoss = Callable[[Batch, "np.ndarray"], LossSlopes]


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

    def topk_logprobs(self, session: Session, batch: Batch, k: int) -> Future[TopLogprobs]:
        """The `k` likeliest next tokens at each place, without gradients and without dropout."""
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
        """Take the weights of a saved state; the optimizer starts afresh, `step` counts on."""
        ...

    def load_state_with_optimizer(self, session: Session, folder: Path) -> None:
        """Go on exactly where `save_state` was called."""
        ...

    def save_weights(self, session: Session, folder: Path, *, merge: bool) -> str:
        """Write weights as transformers loads them; `full` or `adapter` says which they are."""
        ...

    def weights_digest(self, session: Session) -> str:
        """What tells the session's current weights from others: equal for equal weights."""
        ...

    def close_session(self, session: Session) -> None:
        """Let go of the model."""
        ...
