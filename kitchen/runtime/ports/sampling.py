"""The `sampling` port: models that are sampled from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from kitchen.ir.frozen import frozen
from kitchen.runtime.values import Sampler, Session, Tokenizer

if TYPE_CHECKING:
    from concurrent.futures import Future

    import numpy as np


@frozen(kw_only=True)
class SamplingParams:
    """How to sample: temperature first, then `top_k` of what is left, then `top_p` of that.

    Temperature 0 is greedy; `top_k` 0 and `top_p` 1 leave all tokens in. A sequence ends after a
    token that ends sequences, or once its text holds one of `stop`.
    """

    max_tokens: int = 64
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    seed: int = 0
    stop: tuple[str, ...] = ()


@frozen(eq=False)
class Sample:
    """One sampled sequence: ids (L,) int32, log-probabilities (L,) float32, and why it ended.

    `logprobs` are the model's own, at temperature 1 with all tokens in, whatever was sampled from:
    those that `compute_logprobs` and a pass of training give. `drawn` are those of the distribution
    that the tokens were drawn from, after temperature, top-k and top-p: what an importance ratio
    needs. At temperature 1, with nothing cut off, both are the same.
    """

    tokens: np.ndarray
    logprobs: np.ndarray
    drawn: np.ndarray
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
